"""Whatever a file holds, guard comes to a verdict, at once, and shows none of it."""

import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from strongroom.cli import guard as command
from strongroom.guard import report
from strongroom.guard.connection import targets_in
from strongroom.guard.findings import Finding
from strongroom.guard.formats.document import Document, NotUnderstoodError
from strongroom.guard.formats.registry import entries_of, reader_of
from strongroom.guard.inspection import Inspector
from strongroom.guard.interpolation import interpolated
from strongroom.guard.mentions import Mentions
from strongroom.guard.split import found_targets
from strongroom.guard.targets import Origin
from strongroom.guard.verdict import Verdict
from tests.unit.guard.surroundings import GUARDED, OFFLINE, Laptop

NAMES = ["x.env", "x.yml", "x.json", "x.toml", "x.ini", "x.properties", ".pgpass", "x.prisma",
         "settings.py", "x.txt"]  # fmt: skip
_PIECES = ["postgres://", "jdbc:postgresql://", "host", "=", ":", "@", "db.example.com", "%2e", "%",
           "${A:-", "}", "<%= ENV['A'] %>", "<%", "\n", "  ", "- ", "[", "]", "{", '"', "'", "\\",
           "#", "a", "&a", "*a", "<<: ", "5432", "[::1]", ",", ";", "\t", "\0", "é",
           "\r\n"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(_PIECES), max_size=40).map("".join) | st.text(max_size=60)
INSPECTOR = Inspector(Mentions(GUARDED), in_comments=True, passwords=True)


@given(text=TEXTS, name=st.sampled_from(NAMES))
@settings(max_examples=600, deadline=2000)
def test_any_text_in_any_format_is_taken_apart(text: str, name: str) -> None:
    reader = reader_of(name)
    if reader:
        with suppress(NotUnderstoodError):
            OFFLINE.findings(found_targets(entries_of(reader, Document(name, text))))
    data = text.encode("utf-8", errors="surrogatepass")
    OFFLINE.findings(INSPECTOR.file(name, name, io.BytesIO(data)).targets)


@given(data=st.binary(max_size=300), name=st.sampled_from(NAMES))
@settings(max_examples=200, deadline=2000)
def test_any_bytes_are_taken_apart(data: bytes, name: str) -> None:
    INSPECTOR.file(name, name, io.BytesIO(data))


@given(text=TEXTS)
@settings(max_examples=400, deadline=2000)
def test_any_value_is_a_connection_string_or_none(text: str) -> None:
    OFFLINE.findings(targets_in(text, Origin("x")))
    interpolated(text, {"A": "b"})


@given(before=TEXTS, name=st.sampled_from(NAMES))
@settings(max_examples=300, deadline=2000)
def test_a_guarded_name_on_a_line_of_its_own_is_found_whatever_stands_before(
    before: str, name: str
) -> None:
    text = f"{before}\nhost = db.example.com\n"
    data = text.replace("\0", "").encode("utf-8", errors="surrogatepass")
    found = INSPECTOR.file(name, name, io.BytesIO(data)).findings
    assert any(_mentions(one) and one.origin.line == data.count(b"\n") for one in found)


def _mentions(finding: Finding) -> bool:
    return finding.match is not None and finding.match.declared == "db.example.com"


@given(secret=st.text(alphabet="abcXYZ019@:/%#?&='\" \\", min_size=1, max_size=20))
@settings(max_examples=200, deadline=2000)
def test_a_secret_of_any_characters_reaches_no_report(secret: str) -> None:
    marked = f"Zq9{secret}Zq9"
    text = f"DATABASE_URL=postgres://u:{marked}@db.example.com/app\nDB_PASSWORD={marked}\n"
    found = INSPECTOR.file(".env", ".env", io.BytesIO(text.encode()))
    reached = OFFLINE.findings([*found.targets, *found_targets(found.entries)])
    verdict = Verdict([*found.findings, *reached], [found.warning])
    assert "Zq9" not in str(report.as_json(verdict, refused=True))
    assert "Zq9" not in repr(found)


@pytest.mark.parametrize(
    "text",
    ["host=" + " " * 60_000, "host=a " + "a " * 30_000, "x" * 60_000 + "=host=",
     "postgres://" * 5000,
     "a." * 30_000, "<%" * 30_000, "${A" * 20_000, "1.2.3." * 10_000, "a:" * 30_000,
     "strongroom:" + " " * 60_000 + "allow", "host=a" + "\t" * 60_000 + ";b", "%41" * 20_000,
     "postgres://u:" + "@" * 60_000 + "/x", "f:" * 9 + "0:" * 30_000]
)  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_a_line_made_to_be_slow_is_not(text: str, name: str) -> None:
    INSPECTOR.file(name, name, io.BytesIO(text.encode()))
    with_ip_six = Inspector(Mentions(GUARDED), passwords=True)
    with_ip_six.file(name, name, io.BytesIO(f"a\n{text}\n{text}".encode()))


def test_a_fault_of_guard_itself_runs_nothing_and_quotes_nothing(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Verdict:
        raise ValueError("hunter2")

    laptop.write({".strongroom-guarded.yaml": "production: {hosts: [db.example.com]}"})
    monkeypatch.chdir(laptop.here)
    monkeypatch.setattr(command, "verdict_on", broken)
    done = CliRunner().invoke(command.app, ["--", "touch", "ran"], obj={"HOME": str(laptop.home)})
    assert "a fault of strongroom guard" in str(done.exception)
    assert "hunter2" not in str(done.exception) + done.output
    assert not (laptop.here / "ran").exists()
