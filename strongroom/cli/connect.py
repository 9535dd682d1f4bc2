"""`strongroom connect`: sign in as yourself, with a certificate of your own or by IAM."""

import difflib
import os
import shlex
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from strongroom.cli import connect_aws
from strongroom.cli.options import StackOption
from strongroom.cli.place import Endpoint, HostOption, PortOption, on_aws, refuse_elsewhere
from strongroom.cluster import psql
from strongroom.cluster.certificates import PERSON_LIFETIME
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError
from strongroom.people import RightsBySchema
from strongroom.tiers import MAINTAIN_SINCE, Privilege, Tier, cumulative

_READS = frozenset({Privilege.SELECT, Privilege.EXECUTE})
_HINT = "read-only; --write for changes"
_READ_ONLY = "READ ONLY"


def connect(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="An engineer or service of the roster.")],
    stack: StackOption = "local",
    write: Annotated[
        bool, typer.Option("--write", help="Let the session change data, if its role may.")
    ] = False,
    print_env: Annotated[
        bool, typer.Option("--print-env", help="Print shell exports for other clients instead.")
    ] = False,
    host: HostOption = "",
    port: PortOption = None,
) -> None:
    """Sign in as NAME with a client certificate that is valid for 12 hours.

    While a higher tier is lent to NAME it ends with that. On AWS by an IAM token instead, made
    with your own credentials, which has to be used within 15 minutes.

    Without more, psql starts, read-only unless --write is given, with the timeouts of NAME's
    tier. What follows `--` is given to psql, or run in its place when it names a program:
    `strongroom connect linus -- psql -c 'select 1'`.
    """
    chosen = Declaration.load(stack)
    _refuse_unknown(chosen, name)
    writes = may_write(chosen, name)
    if write and not writes:
        typer.echo(f"--write changes nothing: {_why_read_only(chosen, name)}.", err=True)
    read_only = writes and not write
    settings = session_settings(chosen, tier_of(chosen, name))
    if read_only:
        settings |= {"default_transaction_read_only": "on"}
    if on_aws(chosen):
        _refuse_printing(print_env, name)
        command = psql.named(context.args)
        _hint(command, read_only)
        note = _READ_ONLY if read_only else ""
        endpoint = Endpoint.of(chosen, host, port)
        raise typer.Exit(connect_aws.run(chosen, name, endpoint, command, settings, note))
    refuse_elsewhere(chosen, host)
    cluster = running_primary(chosen)
    folder = StackFolder(chosen.folder)
    pair = psql.own_pair(folder, name, lifetime(chosen, name))
    trusted = folder.authority.certificate
    parameters = sign_in(cluster, name, pair, trusted, chosen.settings.database)
    variables = psql.variables(parameters, settings)
    if print_env:
        _print(variables, read_only)
        return
    command = psql.named(context.args)
    if psql.is_psql(command):
        _hint(command, read_only)
        said = psql.prompt(stack, _READ_ONLY if read_only else "")
        command, more = psql.prompted(command, said, pair.key.parent, cluster.package)
        variables |= more
    _become(command, variables, cluster)


def lifetime(stack: Declaration, name: str) -> timedelta:
    """How long the certificate of a role is valid: with what is lent, it ends with that.

    A role's VALID UNTIL stops only passwords, which nobody has.
    """
    up = next((each.elevation for each in stack.members if each.role == name), None)
    return min(PERSON_LIFETIME, up.until - datetime.now(UTC)) if up else PERSON_LIFETIME


def running_primary(stack: Declaration) -> Cluster:
    """The primary of a stack; raises `StrongroomError` when it is stopped."""
    cluster = StackFolder(stack.folder).primary
    if not cluster.running():
        raise StrongroomError(
            f"The primary of {stack.environment} is stopped, so nobody can sign in. `make up` "
            "starts it."
        )
    return cluster


def tier_of(stack: Declaration, role: str) -> Tier | None:
    """The tier of an engineer in this environment; None for a service."""
    return next((member.tier for member in stack.members if member.role == role), None)


def session_settings(stack: Declaration, tier: Tier | None) -> dict[str, str]:
    """The server's settings for a session of a tier (ms); a service keeps its role's own."""
    if tier is None:
        return {}
    declared = stack.settings
    return {
        "statement_timeout": str(declared.statement_timeout_seconds[tier] * 1000),
        "idle_in_transaction_session_timeout": str(
            declared.idle_in_transaction_timeout_seconds * 1000
        ),
    }


def may_write(stack: Declaration, role: str) -> bool:
    """Whether an engineer or service of the roster can change data at all."""
    tier = tier_of(stack, role)
    if tier is not None and cumulative(tier, MAINTAIN_SINCE).tables - _READS:
        return True
    rights: list[RightsBySchema] = [each.rights for each in stack.members if each.role == role]
    services = [service for service in stack.roster.services if service.role == role]
    rights += [service.rights for service in services]
    given = frozenset[Privilege]().union(*(each for one in rights for each in one.values()))
    return bool(given - _READS) or any(service.ddl for service in services)


def _why_read_only(stack: Declaration, role: str) -> str:
    tier = tier_of(stack, role)
    what = f"the tier {tier.value}" if tier else "this service"
    return f"{role} is read-only because {what} only reads in {stack.environment}"


def _hint(command: list[str], read_only: bool) -> None:
    """Say to a person how to write, before psql asks for statements."""
    if read_only and psql.is_interactive(command) and sys.stderr.isatty():
        typer.echo(_HINT, err=True)


def _refuse_printing(print_env: bool, name: str) -> None:
    if print_env:
        raise StrongroomError(
            "--print-env would show an IAM token, which lets whoever reads it sign in as "
            f"{name}, so nothing was printed. Let the other client be started with it: "
            f"`strongroom connect {name} -- CLIENT`."
        )


def _print(variables: dict[str, str], read_only: bool) -> None:
    for variable, value in variables.items():
        typer.echo(f"export {variable}={shlex.quote(value)}")
    if read_only:
        # Last: whoever forgets the quotes of eval "$(…)" gets it all as one line.
        typer.echo(f"# {_HINT}")


def _become(command: list[str], variables: dict[str, str], cluster: Cluster) -> None:
    path = f"{cluster.package.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, **variables, "PATH": path}
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - this is what was asked for
    except OSError as error:
        raise StrongroomError(
            f"{command[0]} could not be started: {error.strerror}. Nothing was run. Name a "
            "program that is on your PATH, or leave it out for psql."
        ) from error


def _refuse_unknown(stack: Declaration, name: str) -> None:
    members = [member.role for member in stack.members]
    known = [*members, *(service.role for service in stack.roster.services)]
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise StrongroomError(
        f"{name} is neither an engineer nor a service of {stack.environment}, so there is nobody "
        f"to sign in as.{hint} The roster is stacks/{stack.settings.roster}: a pull request adds "
        "someone, `pulumi up` makes the role."
    )
