"""A false alarm is allowed line by line, with a reason; without one it is not."""

import json

import pytest

from strongroom.errors import SettingsError
from strongroom.guard.declared import Guarded
from strongroom.guard.hosts import Place
from strongroom.guard.matching import Matcher
from tests.unit.guard.surroundings import Laptop

WHY = "only the name of a page"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", "PGHOST=db.example.com # strongroom: allow {}\n"),
        (".env", "# strongroom: allow {}\nPGHOST=db.example.com\n"),
        (".env", "  #  strongroom: allow: {}\nPGHOST=db.example.com\n"),
        ("config/x.js", "const a = 'db.example.com' // strongroom: allow {}\n"),
        ("config/x.sql", "select 'db.example.com' -- strongroom: allow {}\n"),
        ("config/x.ini", "; strongroom: allow {}\nhost = db.example.com\n"),
        ("config/x.html", "<!-- strongroom: allow {} -->\ndb.example.com\n"),
        ("config/x.css", "db.example.com /* strongroom: allow {} */\n"),
    ],
)
def test_a_comment_with_a_reason_allows(laptop: Laptop, name: str, text: str) -> None:
    laptop.write({name: text.format(WHY)})
    found = laptop.verdict()
    assert [finding.allowed for finding in found.findings] == [WHY]
    assert not found.refused


@pytest.mark.parametrize(
    "text",
    [
        "PGHOST=db.example.com # strongroom: allow\n",
        "PGHOST=db.example.com # strongroom: allow too short\n",
        "# strongroom: allow         .\nPGHOST=db.example.com\n",
        "# strongroom: allow {}\n\nPGHOST=db.example.com\n",
        "PGHOST=db.example.com\n# strongroom: allow {}\n",
        "A=1 # strongroom: allow {}\nPGHOST=db.example.com\n",
        "PGHOST=db.example.com#strongroom: allow {}\n",
        "PGHOST=db.example.com strongroom: allow {}\n",
        "PGHOST=db.example.com # strongroom: allowed {}\n",
    ],
)
def test_nothing_else_does(laptop: Laptop, text: str) -> None:
    laptop.write({".env": text.format(WHY)})
    assert laptop.verdict().refused


def test_a_missing_reason_is_told(laptop: Laptop) -> None:
    laptop.write({".env": "PGHOST=db.example.com # strongroom: allow me\n"})
    (finding,) = laptop.verdict().findings
    assert "without a reason of 10 characters" in finding.note


def test_one_line_allowed_leaves_the_others_refused(laptop: Laptop) -> None:
    laptop.write({".env": f"A=db.example.com # strongroom: allow {WHY}\nB=db.example.com\n"})
    assert laptop.origins(laptop.verdict()) == [".env:2"]


def test_a_file_beside_allows_where_comments_cannot(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(laptop.here)
    entries = [
        {"path": "config/x.json", "host": "db.example.com", "reason": WHY},
        {"path": "$REPORT_HOST", "host": "DB.example.com", "reason": WHY},
    ]
    laptop.write(
        {
            "config/x.json": '{"a": "db.example.com"}',
            "config/y.json": '{"a": "db.example.com"}',
            ".strongroom-allowed.yaml": json.dumps(entries),
        }
    )
    found = laptop.verdict(REPORT_HOST="db.example.com", OTHER="db.example.com")
    assert laptop.origins(found) == ["$OTHER", "config/y.json:1"]


def test_it_allows_the_named_host_only(laptop: Laptop) -> None:
    entry = {"path": "config/x.json", "host": "db.example.com", "reason": WHY}
    laptop.write(
        {
            "config/x.json": '["db.example.com",\n"10.0.3.7"]',
            ".strongroom-allowed.yaml": json.dumps([entry]),
        }
    )
    assert laptop.origins(laptop.verdict()) == ["config/x.json:2"]


def test_another_host_of_the_same_environment_on_the_line_is_not_allowed_with_it(
    laptop: Laptop,
) -> None:
    entry = {"path": "config/x.json", "host": "10.0.3.0/24", "reason": WHY}
    laptop.write(
        {
            "config/x.json": '["db.example.com", "10.0.3.7"]',
            ".strongroom-allowed.yaml": json.dumps([entry]),
        }
    )
    assert laptop.origins(laptop.verdict()) == ["config/x.json:1"]


def test_two_environments_on_one_line_are_each_judged(laptop: Laptop) -> None:
    staging = Guarded("staging", (Place.parse("st.example.com"),))
    production = Guarded("production", (Place.parse("db.example.com"),))
    matcher = Matcher((staging, production), resolve=False, look=False)
    entry = {"path": "config/x.json", "host": "st.example.com", "reason": WHY}
    laptop.write(
        {
            "config/x.json": '["db.example.com", "st.example.com"]',
            ".strongroom-allowed.yaml": json.dumps([entry]),
        }
    )
    found = laptop.verdict(matcher=matcher)
    assert [one.match.environment for one in found.findings if one.refused and one.match] == [
        "production"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [("- {path: a, host: b, reason: short}", "without a reason"), ("- {path: a}", "without a"),
     ("- {reason: long enough a reason}", "no path"), ("a: b", "should be a list"),
     ("- {path: a, hots: b, reason: long enough}", "Did you mean 'host'"), ("- [", "not YAML")],
)  # fmt: skip
def test_a_mistake_in_it_stops_everything(laptop: Laptop, text: str, said: str) -> None:
    laptop.write({".strongroom-allowed.yaml": text, ".env": "PGHOST=db.example.com\n"})
    with pytest.raises(SettingsError, match=said) as caught:
        laptop.verdict()
    assert caught.value.exit_code == 2
