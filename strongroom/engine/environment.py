"""What `pulumi` needs in its environment to work on the local stack, and nothing else."""

import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from strongroom.engine.plugins import serving
from strongroom.errors import StrongroomError
from strongroom.home import Home

# A passphrase set directly would win over the file, and an interpreter named for another project
# over .venv; the closed-network plugin is found on PATH, which must not be ruled out.
REMOVED = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_PYTHON_CMD")


def environment(home: Home, engine_bin: Path) -> dict[str, str]:
    """The variables in which plain `pulumi` works on the local stack of a checkout.

    Makes the folder of the state (mode 0700) and its passphrase (a file of mode 0600) when they
    are not there yet.

    Args:
        home: whose checkout and state.
        engine_bin: the folder that holds the CLI and the Python language host.

    Returns:
        The variables to set; those in `REMOVED` must be unset.

    Raises:
        StrongroomError: the passphrase of an existing state is missing.
    """
    for folder in (home.root, home.project):
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            # The system user who runs the clusters has to pass, whatever the umask.
            folder.chmod(0o755)
    for folder in (home.engine, backend(home), home.pulumi_home):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    installed = serving(home)
    front = [home.checkout / ".venv" / "bin", engine_bin]
    if not installed.official:
        front.append(_closed_network(home))
    variables = {
        "PATH": _path(front, without=[_closed_network(home)]),
        "PULUMI_HOME": str(home.pulumi_home),
        # Without `metadata=skip` every file gets a sidecar that is not replaced in one step: an
        # engine killed at the wrong moment leaves it empty, and the state can't be read any more.
        "PULUMI_BACKEND_URL": f"{backend(home).as_uri()}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(home)),
        # The salt that goes with the passphrase stays in the state (see state.without_salt).
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # What a stack on this machine needs is installed already. The engine would also fetch what
        # else .venv could use, such as the plugin of AWS, or try to at every command.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Go's own measure has the engine look for garbage so often that with 1,000 roles it took a
        # fifth of its processor time; it holds 150 MB more (210 and 360 MB).
        "GOGC": os.environ.get("GOGC", "400"),
    }
    if "STRONGROOM_HOME" in os.environ:
        variables["STRONGROOM_HOME"] = str(home.root)
    return variables


def process_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a process that runs with `variables`."""
    return {**{k: v for k, v in os.environ.items() if k not in REMOVED}, **variables}


def exports(variables: Mapping[str, str]) -> str:
    """The same as lines for a POSIX shell, quoted whatever the paths hold."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([f"unset {' '.join(REMOVED)}", *lines])


def backend(home: Home) -> Path:
    """The folder of the file backend."""
    return home.engine / "state"


def _closed_network(home: Home) -> Path:
    return home.checkout / "plugin" / "closed-network"


def _path(front: list[Path], without: list[Path]) -> str:
    """PATH with `front` first; evaluated twice it does not grow."""
    first = [str(folder) for folder in front]
    mine = {*first, *map(str, without)}
    rest = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry not in mine]
    return os.pathsep.join([*first, *rest])


def _passphrase(home: Home) -> Path:
    """The passphrase's file, made whole and only once, whoever else is making it."""
    path = home.engine / "passphrase"
    if path.exists():
        return path
    if any(backend(home).glob(".pulumi/stacks/*/*.json*")):
        raise StrongroomError(
            f"{path} is missing, but {backend(home)} holds a state that was made with it. Without "
            "it Pulumi can neither read nor change that state, and a new one would not fit, so "
            "nothing was done. Put the file back from a backup; its mode must be 0600."
        )
    draft = home.engine / f"passphrase.{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    with draft.open("w") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        # Unlike a rename, a link never replaces what another run made in the meantime.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path
