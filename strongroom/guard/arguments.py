"""What the arguments of a command say about where it would connect."""

from collections.abc import Iterator, Sequence

from strongroom.guard.targets import Entry, Origin

#: Options of psql and its kin, as the variables they stand for.
_OPTIONS = {
    **dict.fromkeys(("-h", "--host", "--hostname", "--db-host"), "PGHOST"),
    **dict.fromkeys(("-p", "--port", "--db-port"), "PGPORT"),
    **dict.fromkeys(("-U", "--username", "--user"), "PGUSER"),
    **dict.fromkeys(("-d", "--dbname", "--database"), "PGDATABASE"),
}


def arguments_of(command: Sequence[str]) -> Iterator[Entry]:
    """The arguments as settings, which complete those of the environment.

    Args:
        command: the program and its arguments.
    """
    option = ""
    for number, argument in enumerate(command):
        origin = Origin(f"argument {number} of the command" if number else "the command")
        if option:
            yield Entry((option,), argument, origin)
        option = _OPTIONS.get(argument, "")
        name, is_set, value = argument.partition("=")
        if is_set and name in _OPTIONS:
            yield Entry((_OPTIONS[name],), value, origin)
        elif argument[:2] in ("-h", "-p", "-U", "-d") and len(argument) > 2 and argument[1] != "-":
            yield Entry((_OPTIONS[argument[:2]],), argument[2:], origin)
        elif is_set and name.replace("_", "").isalnum():  # env NAME=value COMMAND
            yield Entry((name,), value, origin)
        yield Entry(("",), argument, origin)
