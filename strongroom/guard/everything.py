"""All that is guarded, from whatever source, and the same as a file for other repositories."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from strongroom.guard.declared import FILE, Guarded, NothingGuardedError, declared
from strongroom.guard.stacks import known_stacks


def everything_guarded(
    named: Path | None, environment: Mapping[str, str], here: Path
) -> tuple[Guarded, ...]:
    """What files declare and, inside a checkout, what its stacks are.

    Args:
        named: the file given on the command line.
        environment: the shell's variables.
        here: the working directory.

    Raises:
        NothingGuardedError: nobody declares anything.
        SettingsError: a declaration holds mistakes.
    """
    known = (*declared(named, environment, here), *known_stacks(here))
    found = tuple(one for one in known if one.places or one.fingerprints or one.authorities)
    if not found:
        raise NothingGuardedError(
            f"Nothing is declared as guarded: there is no {FILE} in {here} or above it, none in "
            "~/.config/strongroom/guarded.yaml, --guarded and STRONGROOM_GUARDED name none, and "
            "this is no Strongroom checkout with a stack, so nothing could be told from a guarded "
            f"database and nothing was run. Write {FILE}, for example with `strongroom guard list "
            "--yaml` in the checkout of your stacks."
        )
    return found


def portable(guarded: Sequence[Guarded]) -> str:
    """The declaration of everything guarded as one file; it holds nothing secret."""
    merged: dict[str, dict[str, list[str]]] = {}
    for one in guarded:
        entry = merged.setdefault(one.environment, {"hosts": [], "certificates": []})
        entry["hosts"] += [place.text for place in one.places]
        entry["certificates"] += [f"sha256:{digest}" for digest in sorted(one.fingerprints)]
        entry["certificates"] += [
            authority.public_bytes(Encoding.PEM).decode() for authority in one.authorities
        ]
    kept = {
        name: {key: [*dict.fromkeys(values)] for key, values in entry.items() if values}
        for name, entry in merged.items()
    }
    head = "# What `strongroom guard` keeps commands away from. Nothing here is secret.\n"
    return head + yaml.dump(kept, Dumper=_Block, sort_keys=False)


class _Block(yaml.SafeDumper):
    """Writes certificates as blocks of lines, and never an alias."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Block.add_representer(str, _text)
