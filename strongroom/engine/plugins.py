"""Which postgresql plugin serves: the official one, or the project's own for closed networks."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from strongroom.home import Home

# Seconds one attempt to install may take. The download is about 30 MB; a network that refuses
# says so within 3 s, and one that drops packets would never end.
ATTEMPT_LIMIT = 60
# Seconds after which a failed attempt is made again: one day.
RETRY_AFTER = 86_400


@dataclass(frozen=True)
class Serving:
    """Which postgresql plugin the engine will use.

    Attributes:
        official: whether it is the official one.
        version: the version of pulumi-postgresql, which is the same for both.
        reason: why it is not the official one; empty if it is.
    """

    official: bool
    version: str
    reason: str = ""

    def __str__(self) -> str:
        """One line for a person."""
        if self.official:
            return f"the official postgresql plugin {self.version} serves"
        why = f"; {self.reason}" if self.reason else ""
        return f"plugin/closed-network serves as postgresql plugin {self.version}{why}"


def serving(home: Home) -> Serving:
    """Which plugin serves now. Looks at files only.

    Args:
        home: in whose PULUMI_HOME the official plugin would be.
    """
    wanted = version("pulumi-postgresql")
    folder = home.pulumi_home / "plugins" / f"resource-postgresql-v{wanted}"
    whole = (folder / "pulumi-resource-postgresql").is_file()
    # Pulumi's own mark of an installation that was cut off.
    if whole and not folder.with_name(f"{folder.name}.partial").exists():
        return Serving(official=True, version=wanted)
    refusal = _refusal(home, wanted)
    reason = refusal.read_text().strip() if refusal.is_file() else ""
    return Serving(official=False, version=wanted, reason=reason)


def install(home: Home, variables: Mapping[str, str]) -> Serving:
    """Have Pulumi install the official plugin, once a day at most while it is refused.

    Args:
        home: in whose PULUMI_HOME it is installed.
        variables: the environment to run `pulumi` in.

    Returns:
        Which plugin serves afterwards. A refusal is no error: the project's own serves then.
    """
    found = serving(home)
    refusal = _refusal(home, found.version)
    if found.official or _is_recent(refusal):
        return found
    process = subprocess.Popen(
        ["pulumi", "plugin", "install", "resource", "postgresql", found.version],
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=ATTEMPT_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        said = f"no answer within {ATTEMPT_LIMIT} s"
    found = serving(home)
    if found.official:
        refusal.unlink(missing_ok=True)
        return found
    refusal.write_text(
        f"the official one could not be installed ({_why(said)}) and is tried again after a day, "
        f"or once {refusal} is deleted\n"
    )
    return serving(home)


def _why(said: str) -> str:
    """The cause in what Pulumi said: its last line tells of attempts, an earlier one of why."""
    causes = re.findall(r"Error downloading plugin: (.+)", said)
    lines = causes or said.strip().splitlines() or ["Pulumi did not say why"]
    return lines[-1].removeprefix("error: ")


def _refusal(home: Home, wanted: str) -> Path:
    return home.pulumi_home / f"postgresql-{wanted}-refused"


def _is_recent(refusal: Path) -> bool:
    return refusal.is_file() and time.time() - refusal.stat().st_mtime < RETRY_AFTER
