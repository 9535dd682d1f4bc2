"""The stage of a rehearsal: a copy of the project whose AWS is the simulator.

The program, the components and the settings of the stack are the checkout's own. What the copy
has instead of the account is written into its own files: where the provider finds AWS's API, and
whom RDS's certificates are signed by. State, plugins' answers and databases lie below one new
folder; nothing of it names an account.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from rehearsal import running
from rehearsal.instances import Instances
from rehearsal.running import Run
from rehearsal.simulator.server import ACCOUNT, Simulator
from rehearsal.tokens import Key
from strongroom.breakglass.hold import held, holding
from strongroom.cluster.system_user import clean_environment
from strongroom.drill import processes
from strongroom.errors import StrongroomError
from strongroom.home import Home

#: The one access key of a rehearsal, id and secret alike; it opens nothing else.
KEY = "simulated"

_LINKED = (
    *("__main__.py", "Pulumi.yaml", "components", "policy", "strongroom"),
    *("plugin", "toolchain", ".venv"),
)
_PREFIX = "sr-aws-"
_LOCK = "rehearsal.lock"
#: Variables that would lead the copy to something real.
_DROPPED = ("PULUMI_", "STRONGROOM_", "AWS_")
_NAMES = ("all_proxy", "http_proxy", "https_proxy", "no_proxy")
_CLOSED_NETWORK = Path("plugin") / "closed-network"


@dataclass(frozen=True)
class Scene:
    """A copy of the project beside what stands for AWS.

    Attributes:
        base: the folder everything lies in.
        stack: the environment's name.
        simulator: AWS's API.
        instances: the servers behind it.
    """

    base: Path
    stack: str
    simulator: Simulator
    instances: Instances

    @property
    def checkout(self) -> Path:
        """The copy."""
        return self.base / "rehearsal"

    @property
    def transcript(self) -> Path:
        """Every command and what it printed."""
        return self.base / "transcript.log"

    @property
    def settings(self) -> Path:
        """The stack's file."""
        return self.checkout / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def region(self) -> str:
        """Where the stack is."""
        return str(yaml.safe_load(self.settings.read_text())["config"]["aws:region"])

    def client(self, service: str, region: str = "") -> Any:
        """boto3's client of a service of the simulator, in the stack's region or another."""
        return boto3.client(
            service,
            region_name=region or self.region,
            endpoint_url=self.simulator.url,
            aws_access_key_id=KEY,
            aws_secret_access_key=KEY,
        )

    def environment(self) -> dict[str, str]:
        """The environment of every command."""
        kept = {
            name: value
            for name, value in clean_environment().items()
            if not name.startswith(_DROPPED) and name.lower() not in _NAMES
        }
        front = [str(self.checkout / ".venv" / "bin"), str(self.checkout / _CLOSED_NETWORK)]
        return {
            **kept,
            **self.simulator.environment(self.region),
            "ALL_PROXY": self.instances.socks.url,
            processes.MARK: str(self.base / "home"),
            "PATH": os.pathsep.join([*front, kept.get("PATH", "")]),
            "PYTHONPATH": str(self.checkout),
            "PULUMI_HOME": str(self.base / "pulumi"),
            "PULUMI_BACKEND_URL": f"{(self.base / 'state').as_uri()}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "of a rehearsal, protects nothing",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "NO_COLOR": "1",
        }

    def run(
        self,
        *command: str,
        hear: Callable[[str], None] = lambda _: None,
        limit: float = 1800,
        environment: dict[str, str] | None = None,
    ) -> Run:
        """Run a command in the copy to its end.

        Args:
            command: the program and its arguments.
            hear: is told each line it prints.
            limit: seconds after which it is ended.
            environment: what it runs in; None for `environment`.
        """
        around = self.environment() if environment is None else environment
        done = running.run(command, self.checkout, around, hear, limit)
        with self.transcript.open("a", encoding="utf-8") as file:
            told = f"({done.seconds} s, code {done.code})"
            file.write(f"$ {' '.join(command)}\n{done.output}{told}\n\n")
        return done

    def pulumi(self, *arguments: str, hear: Callable[[str], None] = lambda _: None) -> Run:
        """Run a command of the engine on the stack."""
        return self.run(
            *("pulumi", *arguments, "--stack", self.stack, "--non-interactive"), hear=hear
        )

    def edit(self, name: str, change: Callable[[Any], None]) -> None:
        """Let `change` alter what a file in stacks/ of the copy holds."""
        path = self.checkout / "stacks" / name
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))

    def set(self, key: str, value: Any) -> None:
        """Give the stack another setting."""
        self.edit(self.settings.name, lambda content: content["config"].update({key: value}))


@contextmanager
def scene(stack: str, inside: Path) -> Iterator[Scene]:
    """Set the stage for a stack of this checkout; all of it goes in the end.

    Args:
        stack: the environment's name.
        inside: an existing folder to do it in.

    Raises:
        StrongroomError: the stack is not there or is none on AWS, or the engine is not.
    """
    _refuse_without_engine()
    here = Home.find().checkout
    settings = _settings(here, stack)
    _sweep(inside)
    base = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=inside))
    base.chmod(0o755)  # the servers' system user has to pass
    before = os.environ.get(processes.MARK)
    os.environ[processes.MARK] = str(base / "home")
    account = str((settings["config"].get("aws:allowedAccountIds") or [ACCOUNT])[0])
    try:
        with (
            holding(base / _LOCK),
            Instances(base / "rds", {KEY: Key(KEY)}) as instances,
            Simulator(account, servers=instances) as simulator,
        ):
            made = Scene(base, stack, simulator, instances)
            _lay_out(made, here, settings)
            simulator.functions.surroundings["ALL_PROXY"] = instances.socks.url
            yield made
    finally:
        processes.end_all(base)
        shutil.rmtree(base, ignore_errors=True)
        if before is None:
            del os.environ[processes.MARK]
        else:
            os.environ[processes.MARK] = before


def _refuse_without_engine() -> None:
    missing = [name for name in ("pulumi", "pulumi-resource-aws") if not shutil.which(name)]
    if missing:
        raise StrongroomError(
            f"{' and '.join(missing)} cannot be found on PATH, so nothing was begun. Run this "
            "through make, which finds or builds them: make rehearse."
        )


def _sweep(inside: Path) -> None:
    """Remove what rehearsals left that were killed."""
    for base in inside.glob(f"{_PREFIX}*"):
        mine = base.is_dir() and not base.is_symlink() and base.stat().st_uid == os.geteuid()
        if mine and (base / _LOCK).exists() and not held(base / _LOCK):
            processes.end_all(base)
            shutil.rmtree(base, ignore_errors=True)


def _settings(checkout: Path, stack: str) -> dict[str, Any]:
    """What the stack's file holds."""
    files = {path.name.split(".")[1]: path for path in (checkout / "stacks").glob("Pulumi.*.yaml")}
    there = {name: yaml.safe_load(path.read_text()) or {} for name, path in files.items()}
    aws = {
        name: each
        for name, each in there.items()
        if (each.get("config") or {}).get("strongroom:platform") == "aws"
    }
    if stack not in aws:
        raise StrongroomError(
            f"{stack!r} is no stack on AWS, so there is nothing to rehearse. Name one whose file "
            f"in stacks/ says `strongroom:platform: aws`; there are {', '.join(sorted(aws))}."
        )
    return aws[stack]


def _lay_out(made: Scene, here: Path, settings: dict[str, Any]) -> None:
    """Fill the copy."""
    for folder in (made.checkout, made.base / "home", made.base / "state", made.base / "pulumi"):
        folder.mkdir()
        folder.chmod(0o755)
    for name in _LINKED:
        (made.checkout / name).symlink_to((here / name).resolve())
    shutil.copytree(here / "stacks", made.checkout / "stacks")
    authorities = (settings["config"].get("strongroom:aws") or {}).get("authorities")
    trusted = made.checkout / (authorities or "stacks/rds-authorities.pem")
    trusted.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made.instances.authority.certificate, trusted)
    services = (here / "toolchain" / "aws" / "services.txt").read_text().split()
    # What is known of regions and partitions is in the provider: meta asks nobody.
    found = {each: made.simulator.url for each in services if each != "meta"}
    made.set("aws:endpoints", [found])
    done = made.run("pulumi", "stack", "init", made.stack, "--no-select", "--non-interactive")
    if done.code:
        raise StrongroomError(f"The stack of the rehearsal could not be made: {done.output}")


def pack(made: Scene) -> Run:
    """Pack the function, which trusts the authority of the simulator.

    Its libraries come from the package index, which is reached as this process reaches it.
    """
    around = {**os.environ, "PYTHONPATH": str(made.checkout)}
    return made.run(sys.executable, "-m", "strongroom.packing", made.stack, environment=around)
