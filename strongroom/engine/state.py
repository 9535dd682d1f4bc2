"""The local stack's state: that it exists, and that a killed engine leaves nothing in its way."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from strongroom.engine import STACK
from strongroom.engine.environment import backend
from strongroom.errors import StrongroomError
from strongroom.home import PROJECT_FILE, Home


def project_name(home: Home) -> str:
    """The project's name in Pulumi.yaml."""
    name: str = yaml.safe_load((home.checkout / PROJECT_FILE).read_text())["name"]
    return name


def checkpoint(home: Home) -> Path | None:
    """The file that holds the stack's state, plain or compressed; none before the first run."""
    folder = backend(home) / ".pulumi" / "stacks" / project_name(home)
    names = [f"{STACK}.json{compression}" for compression in ("", ".gz", ".zst")]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def has_rights(home: Home) -> bool:
    """Whether the state holds any role or right to compare; a compressed state is taken to."""
    path = checkpoint(home)
    if path is None:
        return False
    if path.suffix != ".json":
        return True
    latest = json.loads(path.read_text())["checkpoint"].get("latest") or {}
    resources = latest.get("resources", [])
    return any(resource["type"].startswith("postgresql:") for resource in resources)


def ensure_stack(home: Home, variables: Mapping[str, str]) -> None:
    """Make the stack unless it is there. Two at once make one.

    Args:
        home: whose state.
        variables: the environment to run `pulumi` in.

    Raises:
        StrongroomError: the engine cannot make it.
    """
    if checkpoint(home) is not None:
        return
    made = _pulumi(home, variables, "stack", "init", STACK, "--no-select")
    if made.returncode != 0 and checkpoint(home) is None:
        raise StrongroomError(
            f"The stack {STACK} could not be made in {backend(home)}: {made.stderr.strip()} "
            "Nothing was changed. Put that right and run this again."
        )


def drop_pending(home: Home, variables: Mapping[str, str]) -> list[str]:
    """Forget the operations a killed engine had under way, so that the next `up` redoes them.

    The engine would warn of them at every later run, since it cannot know whether they happened.
    Here that does not matter: what was being made is made again, what was being changed or
    deleted is still in the state, and every operation of the local stack can be repeated. Call it
    only while nobody holds the stack: to an engine at work they are not left over.

    Returns:
        What was under way: "creating URN" and so on.

    Raises:
        StrongroomError: the state cannot be read or written.
    """
    path = checkpoint(home)
    # The engine writes this key only when there is something in it.
    if path is None or (
        path.suffix == ".json" and b'"pending_operations"' not in path.read_bytes()
    ):
        return []
    exported = _pulumi(home, variables, "stack", "export", "--stack", STACK)
    _expect(exported, "read")
    state = json.loads(exported.stdout)
    pending = state["deployment"].pop("pending_operations", [])
    if pending:
        # Secrets are still encrypted in it, and it goes through a pipe, not a file.
        imported = _pulumi(
            home, variables, "stack", "import", "--stack", STACK, stdin=json.dumps(state)
        )
        _expect(imported, "written")
    return [f"{operation['type']} {operation['resource']['urn']}" for operation in pending]


@contextmanager
def without_salt(home: Home) -> Iterator[None]:
    """Keep the salt of this machine's passphrase out of the stack's settings file.

    Pulumi writes `encryptionsalt` there, but it fits the passphrase of one machine only, and the
    file belongs to everybody: committed, it would lock others out. The state holds it as well,
    and PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER has the engine take it from there.
    """
    _strip_salt(home)
    try:
        yield
    finally:
        _strip_salt(home)


def _strip_salt(home: Home) -> None:
    folder = yaml.safe_load((home.checkout / PROJECT_FILE).read_text()).get("stackConfigDir", ".")
    path = home.checkout / folder / f"Pulumi.{STACK}.yaml"
    if not path.is_file():
        return
    text = path.read_text()
    stripped = re.sub(r"^encryptionsalt:.*\n?", "", text, flags=re.MULTILINE)
    if stripped != text:
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(stripped)
        shutil.copymode(path, draft)
        draft.replace(path)


def _pulumi(
    home: Home, variables: Mapping[str, str], *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=home.checkout,
        env=dict(variables),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def _expect(done: subprocess.CompletedProcess[str], verb: str) -> None:
    if done.returncode != 0:
        raise StrongroomError(
            f"The state of the stack {STACK} could not be {verb}, while clearing what a killed "
            f"engine left in it: {done.stderr.strip()} Put that right and run this again."
        )
