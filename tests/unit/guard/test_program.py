"""The program: exit codes, streams, the shell's environment, and secrets that stay hidden."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path

import pytest

from tests.unit.guard.surroundings import Laptop

GUARDED = "production: {hosts: [db.example.com, '127.0.0.1:15432']}\n"
SECRET = "hunter2-Zk9"
CHECKOUT = Path(__file__).parents[3]


def strongroom(
    laptop: Laptop, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(laptop.home), **variables}
    return subprocess.run(
        [sys.executable, "-m", "strongroom.cli", "guard", *arguments],
        cwd=laptop.here, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _declared(laptop: Laptop) -> None:
    laptop.write({".strongroom-guarded.yaml": GUARDED})


def test_a_clear_command_becomes_the_process_with_its_own_output_and_exit_code(
    laptop: Laptop,
) -> None:
    done = strongroom(laptop, "--", "sh", "-c", "echo out; echo err >&2; exit 41")
    assert (done.returncode, done.stdout, done.stderr) == (41, "out\n", "err\n")


def test_a_refused_command_is_not_run_and_standard_output_stays_empty(laptop: Laptop) -> None:
    laptop.write({".env": "\nPGHOST=db.example.com\n"})
    done = strongroom(laptop, "--", "touch", "ran")
    assert (done.returncode, done.stdout) == (3, "")
    assert not (laptop.here / "ran").exists()
    assert "touch was not run" in done.stderr
    assert ".env:2  reaches production: db.example.com, known by its name" in done.stderr
    assert "strongroom connect" in done.stderr


def test_the_shells_own_libpq_settings_are_judged_and_handed_on(laptop: Laptop) -> None:
    refused = strongroom(laptop, "--", "true", PGHOST="db.example.com")
    assert refused.returncode == 3
    assert "$PGHOST  reaches production" in refused.stderr
    done = strongroom(laptop, "--offline", "--", "sh", "-c", "echo $PGHOST", PGHOST="dev.example")
    assert done.stdout == "dev.example\n"


def test_the_command_is_not_taken_for_one_of_guards_own(laptop: Laptop) -> None:
    (laptop.here / "scan").write_text("#!/bin/sh\necho mine $*\n")
    (laptop.here / "scan").chmod(0o755)
    done = strongroom(laptop, "--", "./scan", "--", "--help", "list")
    assert done.stdout == "mine -- --help list\n"


def test_a_pipe_that_closes_ends_the_command_as_in_any_shell(laptop: Laptop) -> None:
    script = f"'{sys.executable}' -m strongroom.cli guard -- yes | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], cwd=laptop.here, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(laptop.home)}, check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("y\n", "", 141)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "Name a command"), (("--",), "Name a command"), (("rails", "s"), "Put -- before"),
     (("--probe", "--offline", "--", "true"), "rules out"),
     (("scan", "--staged", "x"), "leave one")],
)  # fmt: skip
def test_a_wrong_command_line_is_told(
    laptop: Laptop, arguments: tuple[str, ...], said: str
) -> None:
    done = strongroom(laptop, *arguments, COLUMNS="200")
    assert done.returncode == 2
    assert said in done.stderr


def test_a_program_that_does_not_exist_is_one_paragraph(laptop: Laptop) -> None:
    done = strongroom(laptop, "--", "no-such-program", SECRET)
    assert done.returncode == 1
    assert done.stderr.startswith("strongroom: no-such-program could not be started")


def test_nothing_declared_runs_nothing(laptop: Laptop) -> None:
    (laptop.here / ".strongroom-guarded.yaml").unlink()
    done = strongroom(laptop, "--", "touch", "ran")
    assert done.returncode == 2
    assert "Nothing is declared as guarded" in done.stderr
    assert not (laptop.here / "ran").exists()


def test_a_mistake_in_the_declaration_runs_nothing(laptop: Laptop) -> None:
    laptop.write({".strongroom-guarded.yaml": "production: {hots: [x]}\n"})
    done = strongroom(laptop, "--", "touch", "ran")
    assert done.returncode == 2
    assert ".strongroom-guarded.yaml:1" in done.stderr
    assert not (laptop.here / "ran").exists()


def test_scan_tells_findings_by_its_exit_code(laptop: Laptop) -> None:
    laptop.write({"a.txt": "nothing\n"})
    clean = strongroom(laptop, "scan", "--offline")
    assert (clean.returncode, clean.stdout) == (0, "1 file, no findings.\n")
    laptop.write({"b.txt": "db.example.com\n"})
    found = strongroom(laptop, "scan", "--offline", "--json", "b.txt")
    assert found.returncode == 3
    assert json.loads(found.stdout)["findings"][0]["source"] == "b.txt"


def test_scan_takes_a_name_that_looks_like_an_option_as_pre_commit_hands_it_over(
    laptop: Laptop,
) -> None:
    laptop.write(dict.fromkeys(("-x.env", "y.env"), "PGHOST=db.example.com\n"))
    done = strongroom(laptop, "scan", "--offline", "--", "-x.env")
    assert done.returncode == 3
    assert "-x.env:1" in done.stdout
    assert "y.env" not in done.stdout


def test_strict_fails_on_a_password_of_any_host(laptop: Laptop) -> None:
    laptop.write({".env": f"DB_PASSWORD={SECRET}\n"})
    assert strongroom(laptop, "scan", "--offline").returncode == 0
    assert strongroom(laptop, "scan", "--offline", "--strict").returncode == 3


def test_list_shows_what_is_guarded_and_from_where(laptop: Laptop) -> None:
    done = strongroom(laptop, "list", COLUMNS="200")
    assert done.returncode == 0
    assert "db.example.com, 127.0.0.1:15432" in done.stdout
    assert ".strongroom-guarded.yaml" in done.stdout
    assert "db.example.com" in strongroom(laptop, "list", "--yaml").stdout


#: Every place a secret can stand in, also where no parser expects it.
SECRETS: Mapping[str, str] = {
    ".env": f"DATABASE_URL=postgres://app:{SECRET}@db.example.com/app\nDB_PASSWORD={SECRET}\n"
    f"A='{SECRET} db.example.com\nB=postgres://{SECRET}@db.example.com/{SECRET}\n",
    ".env.bad": f"URL=postgres://app:%{SECRET}%zz@db.example.com:{SECRET}/app\n",
    "config/database.yml": f"p:\n  host: db.example.com\n  password: {SECRET}\n bad: [{SECRET}",
    "config/x.json": f'{{"host": "db.example.com", "password": "{SECRET}"',
    "config/x.toml": f'host = "db.example.com"\npassword = {SECRET}\n',
    "settings.py": f"URL = 'postgres://u:{SECRET}@db.example.com'\n{SECRET} = (\n",
    "pg_service.conf": f"[{SECRET}]\nhost=db.example.com\npassword={SECRET}\n",
    "schema.prisma": f'datasource x {{\n url = "postgres://u:{SECRET}@db.example.com"\n',
    ".pgpass": f"db.example.com:5432:{SECRET}:{SECRET}:{SECRET}\n",
}


def test_no_secret_is_ever_printed(laptop: Laptop) -> None:
    laptop.write(SECRETS)
    variables = {"PGHOST": "db.example.com", "PGPASSWORD": SECRET, "PGUSER": SECRET}
    variables["URL"] = f"postgres://{SECRET}:{SECRET}@{SECRET}:{SECRET}/{SECRET}"
    (laptop.home / ".pgpass").write_text(f"db.example.com:5432:*:*:{SECRET}\n")
    refused = strongroom(laptop, "--", "psql", f"postgres://u:{SECRET}@db.example.com", **variables)
    runs = [
        refused,
        strongroom(laptop, "scan"),
        strongroom(laptop, "scan", "--json"),
        strongroom(laptop, "--probe", "--", "psql", SECRET, **variables),
    ]
    assert [run.returncode for run in runs] == [3] * 4
    for name in SECRETS:
        assert f"  {name}:" in refused.stderr, name
        assert f"  {name}:" in runs[1].stdout, name
    for run in runs:
        assert SECRET not in run.stdout + run.stderr


def test_a_file_name_does_not_steer_the_terminal(laptop: Laptop) -> None:
    laptop.write({"config/\x1b[31mx.yml": "host: db.example.com\n"})
    done = strongroom(laptop, "--", "true")
    assert done.returncode == 3
    assert "\x1b" not in done.stderr


def test_a_server_that_nobody_runs_is_clear_at_once(laptop: Laptop) -> None:
    laptop.write({".env": "DB_HOST=localhost\nDB_PORT=1\n"})
    started = time.monotonic()
    assert strongroom(laptop, "--", "true").returncode == 0
    assert time.monotonic() - started < 5


def _pins() -> set[str]:
    hook = (CHECKOUT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    return {line.strip(" -") for line in hook.splitlines() if "==" in line}


def test_the_hook_for_pre_commit_pins_what_is_pinned_here() -> None:
    pinned = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert _pins() - set(pinned) == set()


def test_the_hook_brings_everything_that_the_program_imports() -> None:
    script = (
        "import sys; before = {*sys.modules}; import strongroom.cli; "
        "print(*{name.partition('.')[0] for name in {*sys.modules} - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    distributions = packages_distributions()
    imported = {each for name in done.stdout.split() for each in distributions.get(name, [])}
    brought = {"strongroom"}
    waiting = [pin.partition("==")[0] for pin in _pins()]
    while waiting:
        name = waiting.pop()
        if normal(name) not in brought:
            brought.add(normal(name))
            needs = [need for need in requires(name) or [] if "extra ==" not in need]
            waiting += [re.split(r"[^\w.-]", need)[0] for need in needs if _installed(need)]
    assert {normal(each) for each in imported} - brought == set()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(need: str) -> bool:
    try:
        return bool(version(re.split(r"[^\w.-]", need)[0]))
    except PackageNotFoundError:
        return False
