"""Changes for tests of reviews: two rosters, settings, and what an engine would say."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from strongroom.review.change import Change
from strongroom.review.declared import Declared
from strongroom.review.flags import flags
from strongroom.review.preview import Preview, Step
from strongroom.review.review import Review, Sources, reviewed
from strongroom.review.revision import Repository
from strongroom.review.words import plain

CHECKOUT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)

ADA = "ada: {name: Ada Okonkwo, tier: senior, github: ada-o}"
BRAM = "bram: {name: Bram de Wit, tier: senior}"
CHIARA = "chiara: {name: Chiara Lindqvist, tier: mid}"
ESRA = "esra: {name: Esra Novak, tier: junior}"
PEOPLE = (ADA, BRAM, CHIARA, ESRA)


def roster(
    engineers: Iterable[str] = PEOPLE,
    services: Iterable[str] = (),
    schemas: str = "[app]",
    elevations: Iterable[str] = (),
) -> str:
    """A roster's file."""
    lines = ["environments: [local]", f"schemas: {schemas}", "engineers:"]
    lines += [f"  {line}" for line in engineers]
    lines += ["services:", *(f"  {line}" for line in services)] if list(services) else []
    lines += ["elevations:", *(f"  - {line}" for line in elevations)] if list(elevations) else []
    return "\n".join(lines) + "\n"


def lay_out(folder: Path, text: str, settings: Mapping[str, object] | None = None) -> Path:
    """A folder with the files of one revision."""
    stacks = folder / "stacks"
    stacks.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text((CHECKOUT / "Pulumi.yaml").read_text())
    (stacks / "engineers.yaml").write_text(text)
    config = {f"strongroom:{key}": value for key, value in (settings or {}).items()}
    (stacks / "Pulumi.local.yaml").write_text(json.dumps({"config": config}))
    return folder


def change(
    folder: Path,
    before: str | None = None,
    after: str | None = None,
    *,
    steps: Iterable[Step] = (),
    unprotected: tuple[str, ...] = (),
    files: tuple[str, ...] = ("stacks/engineers.yaml",),
    was: Mapping[str, object] | None = None,
    becomes: Mapping[str, object] | None = None,
) -> Change:
    """A change between two rosters and settings."""
    old = lay_out(folder / "before", before or roster(), was)
    new = lay_out(folder / "after", after or before or roster(), becomes if becomes else was)
    return Change(
        environment="local",
        before=Declared.read(old, "local", NOW),
        after=Declared.read(new, "local", NOW),
        preview=Preview(steps=tuple(steps), unprotected=unprotected),
        files=files,
        now=NOW,
    )


def told(subject: Change) -> dict[str, list[str]]:
    """The red flags of a change by kind, as sentences."""
    assert not subject.before.problem
    assert not subject.after.problem
    found: dict[str, list[str]] = {}
    for flag in flags(subject):
        found.setdefault(flag.kind, []).append(plain(flag.words))
    return found


def step(type: str, op: str = "update", name: str = "x", **sides: Any) -> Step:  # noqa: A002
    """One step of the engine."""
    urn = f"urn:pulumi:local::strongroom::{type}::{name}"
    return Step(op, urn, type, **sides)


class History:
    """A repository with a main and a change on top of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        lay_out(folder, roster())
        self.commit("what is in force", who="Ada Okonkwo <ada@example.org>")
        self.git("switch", "--quiet", "--create", "change")

    def git(self, *arguments: str, who: str = "Chiara Lindqvist <chiara@example.org>") -> str:
        name, _, email = who.partition(" <")
        made = {"EMAIL": email.rstrip(">"), "NAME": name}
        variables = {
            f"GIT_{kind}_{key}": value
            for kind in ("AUTHOR", "COMMITTER")
            for key, value in made.items()
        }
        done = subprocess.run(
            ["git", "-C", self.folder, *arguments],
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(self.folder), **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str, who: str = "Chiara Lindqvist <chiara@example.org>") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message, who=who)

    def review(self, preview: Preview | None = None, **more: Any) -> Review:
        sources = Sources(Repository(self.folder), "local", more.pop("base", "main"), **more)
        return reviewed(sources, preview or Preview(), NOW)
