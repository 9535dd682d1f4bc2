"""Alerts: kept first, then posted to a real web server."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from strongroom import alerts
from strongroom.alerts import WEBHOOK, Alert, kept, raise_alert
from strongroom.cli.alerts import following
from strongroom.errors import StrongroomError
from tests.unit.webhook import SECRET, Hook

ALERT = Alert(
    datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    "break-glass.opened",
    "Break-glass on local: chiara, root",
    "root was opened for <!channel> & others",
    {"who": "chiara"},
)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Hook]]:
    made: list[Hook] = []
    yield made
    for hook in made:
        hook.shutdown()
        hook.server_close()


def hook(
    hooks: list[Hook], monkeypatch: pytest.MonkeyPatch, *statuses: int, slow: float = 0
) -> Hook:
    hooks.append(Hook(*statuses, slow=slow))
    monkeypatch.setenv(WEBHOOK, hooks[-1].url)
    return hooks[-1]


def test_an_alert_is_kept_and_posted_as_slack_takes_it(
    tmp_path: Path, hooks: list[Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = hook(hooks, monkeypatch, 200)
    assert raise_alert(tmp_path, ALERT) is None
    ((command, path, body),) = server.received
    assert (command, path) == ("POST", f"/{SECRET}")
    assert json.loads(body) == {
        "text": "*Break-glass on local: chiara, root*\n"
        "root was opened for &lt;!channel&gt; &amp; others\nwho: chiara"
    }
    (found,) = kept(tmp_path)
    assert (found.alert, found.problem) == (ALERT, None)
    assert alerts.file_of(tmp_path).stat().st_mode & 0o777 == 0o600


def test_without_a_webhook_it_is_kept_as_not_delivered_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)
    assert raise_alert(tmp_path, ALERT) is None
    assert kept(tmp_path)[0].problem == f"{WEBHOOK} is not set"


def test_it_is_posted_again_while_the_other_side_may_recover(
    tmp_path: Path, hooks: list[Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = hook(hooks, monkeypatch, 503, 429, 200)
    assert raise_alert(tmp_path, ALERT) is None
    assert len(server.received) == 3


@pytest.mark.parametrize("status", [302, 400, 404])
def test_what_is_refused_is_told_and_kept_as_not_delivered(
    tmp_path: Path, hooks: list[Hook], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    server = hook(hooks, monkeypatch, status)
    said = raise_alert(tmp_path, ALERT)
    assert said is not None
    assert f"was not delivered: the webhook answered {status}" in said
    assert SECRET not in said
    assert len(server.received) == 1
    assert kept(tmp_path)[0].problem == f"the webhook answered {status}"


def test_nobody_waits_longer_than_the_limit_for_a_webhook_that_hangs(
    tmp_path: Path, hooks: list[Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(alerts, "_ALTOGETHER_SECONDS", 2)
    hook(hooks, monkeypatch, 200, slow=3)
    begun = time.monotonic()
    said = raise_alert(tmp_path, ALERT)
    assert time.monotonic() - begun < 2.5
    assert said is not None
    assert kept(tmp_path)[0].problem


@pytest.mark.parametrize(
    "url",
    [
        f"file:///etc/{SECRET}",
        f"ftp://host/{SECRET}",
        f"http:///{SECRET}",
        f"http://[::1/{SECRET}",
        f"http://127.0.0.1:99999/{SECRET}",
        f"http://127.0.0.1:1/{SECRET}",
        f"http://no such host/{SECRET}",
        f"http://127.0.0.1:9/{SECRET} \r\nX: y",
        SECRET,
    ],
)
def test_a_url_that_leads_nowhere_is_told_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(alerts, "_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(alerts, "_ALTOGETHER_SECONDS", 1)
    monkeypatch.setenv(WEBHOOK, url)
    said = raise_alert(tmp_path, ALERT)
    assert said is not None
    assert SECRET not in said
    assert SECRET not in alerts.file_of(tmp_path).read_text()


def test_a_line_that_was_cut_short_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)
    raise_alert(tmp_path, ALERT)
    with alerts.file_of(tmp_path).open("a") as file:
        file.write('{"id": "half')
    raise_alert(tmp_path, ALERT)
    assert [each.alert for each in kept(tmp_path)] == [ALERT, ALERT]


def test_an_alert_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    alerts.file_of(tmp_path).mkdir()
    with pytest.raises(StrongroomError, match="could not be written"):
        raise_alert(tmp_path, ALERT)


def test_what_was_not_delivered_is_posted_later_once_and_only_while_it_is_news(
    tmp_path: Path, hooks: list[Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)
    news = replace(ALERT, at=datetime.now(UTC) - timedelta(hours=23))
    old = replace(ALERT, at=datetime.now(UTC) - timedelta(hours=25))
    for alert in (news, old):
        raise_alert(tmp_path, alert)
    assert alerts.deliver_kept(tmp_path) == 0
    server = hook(hooks, monkeypatch, 200)
    assert alerts.deliver_kept(tmp_path) == 1
    assert alerts.deliver_kept(tmp_path) == 0
    assert len(server.received) == 1
    assert [each.problem is None for each in kept(tmp_path)] == [True, False]


def test_one_that_is_left_to_the_agent_is_posted_by_it_and_one_in_hand_is_not(
    tmp_path: Path, hooks: list[Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    alerts.keep(tmp_path, replace(ALERT, at=now, title="left"), "a")
    alerts.keep(tmp_path, replace(ALERT, at=now, title="in hand"), "b", posted=True)
    gone = replace(ALERT, at=now - timedelta(minutes=2), title="whose poster was killed")
    alerts.keep(tmp_path, gone, "c", posted=True)
    server = hook(hooks, monkeypatch, 200)
    assert alerts.deliver_kept(tmp_path) == 2
    assert not any(b"in hand" in body for _, _, body in server.received)


def test_one_that_the_webhook_does_not_want_holds_back_no_other(
    tmp_path: Path, hooks: list[Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        alerts.keep(tmp_path, replace(ALERT, at=datetime.now(UTC)), name)
    hook(hooks, monkeypatch, 400, 200)
    assert alerts.deliver_kept(tmp_path) == 1


def test_who_follows_sees_the_newest_and_then_each_that_is_raised(tmp_path: Path) -> None:
    for name in "abc":
        alerts.keep(tmp_path, ALERT, name)
    seen = following(tmp_path, 1)
    assert next(seen).id == "c"
    alerts.keep(tmp_path, ALERT, "d")
    assert next(seen).id == "d"
