"""Scanning a repository: what is found, what is left out, what is staged, and the JSON."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from strongroom.errors import StrongroomError
from strongroom.guard import report
from strongroom.guard.scan import scan_staged
from tests.unit.guard.surroundings import GUARDED, OFFLINE, Laptop

URL = "postgres://app:hunter2@db.example.com/app"


def git(laptop: Laptop, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
        cwd=laptop.here, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def repository(laptop: Laptop) -> Laptop:
    (laptop.here / ".git").rmdir()
    git(laptop, "init", "-q")
    return laptop


def test_everything_below_is_looked_through(laptop: Laptop) -> None:
    laptop.write(
        {
            "README.md": "# x\nProduction is at db.example.com.\n",
            "a/b/c/d.go": f'\n\nconst url = "{URL}"\n',
            ".github/workflows/x.yml": "env: {PGHOST: 10.0.3.9}\n",
            "clean.txt": "nothing\n",
        }
    )
    assert laptop.origins(laptop.scanned()) == [
        ".github/workflows/x.yml:1",
        "README.md:2",
        "a/b/c/d.go:3",
    ]


def test_comments_count_in_a_repository(laptop: Laptop) -> None:
    laptop.write({".env.example": f"# DATABASE_URL={URL}\n"})
    assert laptop.origins(laptop.scanned()) == [".env.example:1"]


@pytest.mark.parametrize(
    "folder", [".git", "node_modules", ".venv", "venv", "vendor", "__pycache__", "target", "dist",
               "build"]
)  # fmt: skip
def test_other_peoples_folders_are_left_out_unless_named(laptop: Laptop, folder: str) -> None:
    laptop.write({f"{folder}/x/.env": "PGHOST=db.example.com\n"})
    assert not laptop.scanned().refused
    assert laptop.scanned(folder).refused


def test_the_declaration_itself_is_no_finding(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(laptop.here)
    laptop.write({".strongroom-guarded.yaml": "production: {hosts: [db.example.com]}\n"})
    assert not laptop.scanned().refused


def test_a_password_for_any_host_is_told_and_fails_nothing_by_itself(laptop: Laptop) -> None:
    laptop.write(
        {
            "a.py": "URL = 'postgres://u:hunter2hunter2@elsewhere.example/x'\n",
            "b.yml": "db:\n  host: elsewhere.example\n  password: hunter2hunter2\n",
            ".env": "A=1\nDB_PASSWORD=hunter2hunter2\n",
            ".pgpass": "elsewhere.example:5432:*:u:hunter2hunter2\n",
            "dsn.txt": "host=elsewhere.example user=u password=hunter2hunter2\n",
            "c.properties": "url=jdbc:postgresql://x/y?user=a&password=hunter2hunter2\n",
        }
    )
    found = laptop.scanned()
    assert not found.refused
    assert sorted(map(laptop.shorn, found.findings)) == [
        ".env:2", ".pgpass:1", "a.py:1", "b.yml:3", "c.properties:1", "dsn.txt:1",
    ]  # fmt: skip
    assert {finding.kind.value for finding in found.findings} == {"password"}


@pytest.mark.parametrize(
    "password", ["", "${DB_PASSWORD}", "<password>", "changeme", "your-password-here", "postgres",
                 "********", "xxx", "{{ password }}", "%(password)s", "DB_PASSWORD", "..."]
)  # fmt: skip
def test_a_word_in_a_passwords_place_is_none(laptop: Laptop, password: str) -> None:
    laptop.write({".env.example": f"DB_HOST=x\nDB_PASSWORD={password}\n"})
    assert laptop.scanned().findings == []


def test_links_to_folders_are_not_followed_and_circles_end(laptop: Laptop) -> None:
    laptop.write({"a/.env": "PGHOST=db.example.com\n"})
    (laptop.here / "a" / "again").symlink_to(laptop.here)
    (laptop.here / "b").symlink_to("a")
    (laptop.here / "z.env").symlink_to("a/.env")
    assert laptop.origins(laptop.scanned()) == ["z.env:1"]


def test_what_cannot_be_read_is_a_warning(laptop: Laptop) -> None:
    os.mkfifo(laptop.here / "pipe")
    found = laptop.scanned()
    assert not found.refused
    assert "pipe cannot be read" in found.warnings[0]


def test_a_path_that_does_not_exist_is_an_error(laptop: Laptop) -> None:
    with pytest.raises(StrongroomError, match="does not exist"):
        laptop.scanned("gone")


def test_a_name_that_is_no_text_and_a_name_that_steers_a_terminal_are_scanned(
    laptop: Laptop,
) -> None:
    name = os.fsdecode(b"\xff\x1b[31m.env")
    laptop.write({name: "PGHOST=db.example.com\n"})
    found = laptop.scanned()
    assert found.refused
    json.dumps(report.as_json(found, refused=True)).encode()


def test_a_dump_of_34_megabytes_is_searched_in_seconds(laptop: Laptop) -> None:
    block = b"INSERT INTO t VALUES (1, 'some text of a row', 'more');\n" * 20_000
    with (laptop.here / "dump.sql").open("wb") as file:
        for _ in range(30):
            file.write(block)
        file.write(b"-- db.example.com\n")
    started = time.perf_counter()
    assert laptop.origins(laptop.scanned()) == ["dump.sql:600001"]
    assert time.perf_counter() - started < 10


def test_only_what_is_staged_counts_and_as_it_is_staged(repository: Laptop) -> None:
    repository.write({"old.env": "PGHOST=db.example.com\n"})
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "x")
    repository.write({"a b.env": "X=1\nPGHOST=db.example.com\n", "later.env": "x db.example.com\n"})
    git(repository, "add", "a b.env")
    repository.write({"a b.env": "PGHOST=localhost\n"})
    found = scan_staged(repository.here, GUARDED, OFFLINE)
    assert repository.origins(found) == ["a b.env:2"]


def test_staged_files_are_found_from_a_folder_below(repository: Laptop) -> None:
    repository.write({"x/.env": "PGHOST=db.example.com\n", "y/z": ""})
    git(repository, "add", ".")
    found = scan_staged(repository.here / "y", GUARDED, OFFLINE)
    assert repository.origins(found) == ["x/.env:1"]


def test_a_removed_file_a_link_and_a_submodule_are_no_obstacle(repository: Laptop) -> None:
    repository.write({"gone.env": "PGHOST=db.example.com\n"})
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "x")
    git(repository, "rm", "-q", "gone.env")
    (repository.here / "link").symlink_to("db.example.com")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=repository.here,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.strip()
    git(repository, "add", "link")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},module")
    found = scan_staged(repository.here, GUARDED, OFFLINE)
    assert repository.origins(found) == ["link:1"]


def test_outside_a_repository_staged_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StrongroomError, match="git could not say what is staged"):
        scan_staged(tmp_path, GUARDED, OFFLINE)


def test_the_json_has_the_shape_that_is_promised(laptop: Laptop) -> None:
    laptop.write({"a.txt": "x\ndb.example.com # strongroom: allow a page of ours\n"})
    found = laptop.scanned()
    (finding,) = report.as_json(found, refused=found.refused)["findings"]
    assert finding == {
        "kind": "mentions",
        "source": f"{laptop.here}/a.txt",
        "line": 2,
        "environment": "production",
        "declared": "db.example.com",
        "how": "name",
        "note": "",
        "allowed": "a page of ours",
    }
    assert report.as_json(found, refused=False).keys() == {
        "version", "files", "refused", "findings", "warnings",
    }  # fmt: skip
