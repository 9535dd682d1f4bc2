"""A project of its own for a test of the real engine: same program, own stack, own state."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.conninfo import make_conninfo

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.certificates import PERSON_LIFETIME, KeyPair
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.system_user import SystemUser
from strongroom.home import Home
from tests.conftest import end_server

CHECKOUT = Path(__file__).parents[2]
CLOSED_NETWORK = CHECKOUT / "plugin" / "closed-network"
STACK = "local"

# What a program needs; linked, so that a test runs the code of the checkout.
_SHARED = ("__main__.py", "Pulumi.yaml", "components", "policy", "strongroom", "plugin", ".venv")


@dataclass(frozen=True)
class Run:
    """How a command of the engine ended."""

    code: int
    output: str

    @property
    def changes(self) -> str:
        """The summary the engine prints last."""
        return self.output.split("Resources:")[-1]


@dataclass(frozen=True)
class Project:
    """A copy of the project with roster and settings of its own."""

    checkout: Path
    home: Home
    environment: Mapping[str, str]

    @classmethod
    def create(cls, base: Path) -> "Project":
        """Lay out a project below `base` and make its stack."""
        checkout = Path(tempfile.mkdtemp(prefix="p", dir=base))
        checkout.chmod(0o755)
        for name in _SHARED:
            (checkout / name).symlink_to(CHECKOUT / name)
        shutil.copytree(CHECKOUT / "stacks", checkout / "stacks")
        settings = checkout / "stacks" / f"Pulumi.{STACK}.yaml"
        # A salt that plain `pulumi` left in the checkout fits the user's passphrase, not this one.
        kept = [line for line in settings.read_text().splitlines() if "encryptionsalt" not in line]
        settings.write_text("\n".join(kept) + "\n")
        home = Home(root=base, checkout=checkout)
        backend = checkout / "state"
        backend.mkdir()
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "STRONGROOM_HOME": str(base),
            "PULUMI_HOME": str(base / "pulumi"),
            # Without sidecar files, which a killed engine can leave half written.
            "PULUMI_BACKEND_URL": f"{backend.as_uri()}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "of a test, protects nothing",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # As for `make up`.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "GOGC": "400",
            # The project's own postgresql plugin serves everywhere, so that these tests mean the
            # same on every network; test_conformance.py compares it with the official one.
            "PATH": os.pathsep.join(
                [str(Path(sys.executable).parent), str(CLOSED_NETWORK), os.environ["PATH"]]
            ),
            "PYTHONPATH": str(CHECKOUT),
            "NO_COLOR": "1",
        }
        project = cls(checkout, home, environment)
        project.pulumi("stack", "init", STACK, "--no-select", stack=False)
        return project

    @property
    def folder(self) -> StackFolder:
        """Where the clusters of the stack lie."""
        return StackFolder(self.home.stack(STACK))

    def start(self, *arguments: str, stack: bool = True) -> subprocess.Popen[str]:
        """Begin a command of the engine and return while it runs."""
        command = ["pulumi", *arguments, "--non-interactive"]
        return subprocess.Popen(
            [*command, "--stack", STACK] if stack else command,
            cwd=self.checkout,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pulumi(self, *arguments: str, stack: bool = True, check: bool = True) -> Run:
        """Run a command of the engine to its end; with `check` it must succeed."""
        process = self.start(*arguments, stack=stack)
        output, _ = process.communicate(timeout=300)
        if check and process.returncode != 0:
            raise AssertionError(f"pulumi {' '.join(arguments)} failed:\n{output}")
        return Run(process.returncode, output)

    def up(self, *arguments: str, check: bool = True) -> Run:
        """`pulumi up` without a preview of its own."""
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, check=check)

    def preview(self, *arguments: str, check: bool = True) -> Run:
        """`pulumi preview`, property by property."""
        return self.pulumi("preview", "--diff", *arguments, check=check)

    def is_quiet(self, *arguments: str) -> bool:
        """Whether a preview shows nothing to change."""
        found = self.preview(*arguments).changes
        return "unchanged" in found and not any(sign in found for sign in (" + ", " ~ ", " - "))

    def state(self) -> dict[str, Any]:
        """The stack's state with every secret in the clear."""
        exported = self.pulumi("stack", "export", "--show-secrets").output
        state: dict[str, Any] = json.loads(exported)
        return state

    def edit_roster(self, change: Any) -> None:
        """Let `change` alter the roster's content and write it back."""
        self._edit("engineers.yaml", change)

    def edit_settings(self, change: Any) -> None:
        """Let `change` alter the stack's configuration and write it back."""
        self._edit(f"Pulumi.{STACK}.yaml", lambda content: change(content["config"]))

    def _edit(self, name: str, change: Any) -> None:
        path = self.checkout / "stacks" / name
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content))

    def connect(self, role: str, cluster: Cluster | None = None) -> psycopg.Connection[Any]:
        """Sign in as a person or service, with a certificate of the stack's authority."""
        people = SystemUser.current().folder(self.checkout / "people")
        pair = KeyPair(people / f"{role}.crt", people / f"{role}.key")
        authority = self.folder.authority
        authority.issue_client(pair, SystemUser.current(), role, PERSON_LIFETIME)
        server = cluster or self.folder.primary
        parameters = sign_in(server, role, pair, authority.certificate, "app")
        return psycopg.connect(make_conninfo(**parameters), autocommit=True)

    @staticmethod
    def wait_for(connection: psycopg.Connection[Any], query: str, *, expected: Any) -> None:
        """Ask until the answer is as expected; fails after 20 seconds."""
        deadline = time.monotonic() + 20
        while connection.execute(query.encode()).fetchone() != (expected,):
            assert time.monotonic() < deadline, query
            time.sleep(0.1)

    @staticmethod
    def wait_for_line(process: subprocess.Popen[str], words: str) -> None:
        """Read what a command prints until a line holds `words`."""
        assert process.stdout
        seen = []
        for line in process.stdout:
            seen.append(line)
            if words in line:
                return
        raise AssertionError(f"{words!r} was never printed:\n{''.join(seen)}")

    def root(self, database: str = "app") -> psycopg.Connection[Any]:
        """Act as root, as a test of drift by hand has to."""
        return LocalRoot(self.folder.primary).connect(database)

    def remove(self) -> None:
        """End every server of the stack and remove what the project left."""
        for facts in self.home.project.rglob("cluster.json"):
            end_server(facts.parent)
        shutil.rmtree(self.home.project, ignore_errors=True)
        shutil.rmtree(self.checkout, ignore_errors=True)
