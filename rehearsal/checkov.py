"""checkov's verdict on the exported plan: each finding is explained by name, or it is a fault."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from fnmatch import fnmatch
from importlib import resources as package
from pathlib import Path
from typing import Any

from rehearsal.engine import Resource
from rehearsal.explained import EXPLAINED
from rehearsal.result import Checked
from rehearsal.terraform import plan, types
from strongroom.errors import StrongroomError

#: Seconds in which its packages are installed, and in which it looks at a plan.
_INSTALLING, _CHECKING = 600, 300


def checked(
    resources: Iterable[Resource], checkout: Path, stack: str
) -> tuple[int, tuple[Checked, ...]]:
    """How many checks passed, and every one that did not.

    Args:
        resources: of the engine's state.
        checkout: where toolchain/aws/types.txt is.
        stack: the environment's name.

    Raises:
        StrongroomError: checkov could not be installed, or did not answer.
    """
    program = _installed()
    document = plan(resources, types(checkout))
    with tempfile.TemporaryDirectory(prefix="strongroom-plan-") as folder:
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps(document))
        done = subprocess.run(
            [
                *(program, "--file", path, "--framework", "terraform_plan", "--output", "json"),
                *("--compact", "--quiet", "--skip-download"),
            ],
            capture_output=True,
            text=True,
            timeout=_CHECKING,
            check=False,
            env={**os.environ, "NO_PROXY": "*"},
        )
    try:
        found = json.loads(done.stdout)
        summary, failed = found["summary"], found["results"]["failed_checks"]
    except (ValueError, KeyError, TypeError) as error:
        said = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise StrongroomError(
            f"checkov gave no verdict on the plan ({said}), so nobody knows what it would find. "
            f"Run it by hand: {program} --file PLAN --framework terraform_plan."
        ) from error
    return summary["passed"], tuple(sorted((_finding(each, stack) for each in failed), key=_order))


def _finding(told: dict[str, Any], stack: str) -> Checked:
    check, resource = told["check_id"], told["resource"]
    return Checked(check, told["check_name"], resource, explanation(check, resource, stack))


def _order(found: Checked) -> tuple[bool, str, str]:
    return bool(found.explained), found.check, found.resource


def explanation(check: str, resource: str, stack: str) -> str:
    """Why a finding is no fault; empty when nobody explained it."""
    fitting = (
        reason
        for known, reason in EXPLAINED.items()
        if known.check == check and known.stack in ("", stack) and fnmatch(resource, known.resource)
    )
    return next(fitting, "")


def _installed() -> Path:
    """The program, in an environment of its own that is made when it is first wanted."""
    pinned = package.files("rehearsal").joinpath("checkov.txt").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "strongroom" / f"checkov-{hashlib.sha256(pinned).hexdigest()[:16]}"
    program = folder / "bin" / "checkov"
    if (folder / "whole").exists():
        return program
    wanted = Path(__file__).with_name("checkov.txt")
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    _run(str(folder / "bin" / "pip"), "install", "--quiet", "--no-deps", "-r", str(wanted))
    (folder / "whole").touch()
    return program


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALLING, check=False)
    if done.returncode:
        tail = " / ".join(done.stderr.strip().splitlines()[-2:])
        raise StrongroomError(
            f"checkov could not be installed ({tail}), so the plan was not looked at by it. Run "
            "`make rehearse` where packages can be had, or `make rehearse ARGS=--no-checkov`."
        )
