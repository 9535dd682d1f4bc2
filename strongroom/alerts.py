"""Alerts: kept in the stack's folder, and posted to whoever has to know at once.

Each is a line of alerts.jsonl before it is posted, and what became of the posting is another line
after it, so that what nobody was told can be told later.
"""

import json
import os
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from strongroom.cluster import journal

#: Names the webhook's URL, which is a secret: whoever has it can post.
WEBHOOK = "STRONGROOM_ALERT_WEBHOOK"

#: After that nobody has to be called out for it any more; it stays in the list.
_WORTH_TELLING = timedelta(days=1)
#: How long whoever raised an alert may take to post it.
_IN_HAND = timedelta(minutes=1)
_TIMEOUT_SECONDS = 5
_ALTOGETHER_SECONDS = 15
#: Its beginning, when the webhook lives and does not want this one.
_REFUSED = "the webhook answered 4"
_NO_WEBHOOK = f"{WEBHOOK} is not set"


@dataclass(frozen=True)
class Alert:
    """Something a person has to know.

    Attributes:
        at: when it happened (UTC).
        kind: what it is, for programs, such as ``break-glass.opened``.
        title: one line.
        text: what happened, who did it, and what to do.
        facts: details by name; never a secret.
    """

    at: datetime
    kind: str
    title: str
    text: str
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class KeptAlert:
    """An alert as it is kept.

    Attributes:
        id: tells it from all others.
        alert: the alert.
        problem: why it was not delivered; None when it was.
        tried: whether it was posted, or is left to `deliver_kept` to post.
    """

    id: str
    alert: Alert
    problem: str | None
    tried: bool = True


def file_of(folder: Path) -> Path:
    """Where the alerts of the stack in `folder` are kept."""
    return folder / "alerts.jsonl"


def raise_alert(folder: Path, alert: Alert) -> str | None:
    """Keep an alert and post it, at most 15 seconds long.

    Returns:
        why it did not reach the webhook, in one sentence; None when it did or there is none.

    Raises:
        StrongroomError: it could not even be kept.
    """
    name = uuid.uuid4().hex
    keep(folder, alert, name, posted=True)
    problem = _tried(folder, name, alert)
    if problem is None or problem == _NO_WEBHOOK:
        return None
    return f"The alert {alert.title!r} was not delivered: {problem}. It is in {file_of(folder)}."


def keep(folder: Path, alert: Alert, name: str, *, posted: bool = False) -> None:
    """Keep an alert; `deliver_kept` posts it.

    Args:
        folder: the stack's folder.
        alert: the alert.
        name: tells it from all others: of two by one name only the later one counts.
        posted: whether the caller posts it.

    Raises:
        StrongroomError: it could not be kept.
    """
    content = {**asdict(alert), "at": alert.at.isoformat(), "facts": dict(alert.facts)}
    waits = {} if posted else {"waits": True}
    journal.append(file_of(folder), json.dumps({"id": name, "alert": content, **waits}))


def deliver_kept(folder: Path) -> int:
    """Post what waits for it, and again what did not reach the webhook within the last day.

    When the webhook is down, the rest waits for the next time.

    Returns:
        how many reached it now.
    """
    if not os.environ.get(WEBHOOK):
        return 0
    now = datetime.now(UTC)
    delivered = 0
    for each in kept(folder):
        # One that was not tried yet is in the hands of whoever raised it, unless they were killed.
        pending = each.problem and (each.tried or each.alert.at < now - _IN_HAND)
        if pending and each.alert.at > now - _WORTH_TELLING:
            problem = _tried(folder, each.id, each.alert)
            if problem and not problem.startswith(_REFUSED):
                break
            delivered += problem is None
    return delivered


def _tried(folder: Path, name: str, alert: Alert) -> str | None:
    """Post an alert and keep what became of it."""
    problem = deliver(alert)
    outcome = {"id": name, "delivered": problem is None, "problem": problem}
    tried_at = datetime.now(UTC).isoformat(timespec="seconds")
    journal.append(file_of(folder), json.dumps({**outcome, "tried_at": tried_at}))
    return problem


def kept(folder: Path) -> list[KeptAlert]:
    """Every alert of the stack in `folder`, oldest first, and whether it was delivered."""
    found: dict[str, KeptAlert] = {}
    for line in journal.lines(file_of(folder)):
        try:
            content = json.loads(line.raw)
            name = str(content["id"])
            if "alert" in content:
                given = {**content["alert"], "at": datetime.fromisoformat(content["alert"]["at"])}
                waits = bool(content.get("waits"))
                problem = "it waits to be posted" if waits else "it was not tried yet"
                found[name] = KeptAlert(name, Alert(**given), problem, waits)
            elif name in found:
                outcome = None if content["delivered"] else str(content["problem"])
                found[name] = KeptAlert(name, found[name].alert, outcome)
        except (ValueError, KeyError, TypeError):
            continue  # a line that was cut short
    return list(found.values())


def deliver(alert: Alert) -> str | None:
    """Post an alert to the webhook.

    Returns:
        why it was not delivered; never holds the URL. None when it was.
    """
    url = os.environ.get(WEBHOOK, "")
    if not url:
        return _NO_WEBHOOK
    problem = _unusable(url)
    if problem:
        return problem
    outcome: list[str | None] = [f"no answer within {_ALTOGETHER_SECONDS} s"]
    # A thread, because resolving a name has no limit of its own.
    thread = threading.Thread(target=_post, args=(url, _body(alert), outcome), daemon=True)
    thread.start()
    thread.join(_ALTOGETHER_SECONDS)
    return outcome[-1]


def _unusable(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return None
    except ValueError:
        pass
    return f"{WEBHOOK} is not the URL of a web page (http or https)"


def _body(alert: Alert) -> bytes:
    """What Slack and everything compatible takes."""
    facts = "\n".join(f"{name}: {value}" for name, value in alert.facts.items())
    text = _escaped("\n".join(part for part in (alert.text, facts) if part))
    return json.dumps({"text": f"*{_escaped(alert.title)}*\n{text}"}).encode()


def _escaped(text: str) -> str:
    """Text in which nobody is mentioned and nothing is a link (Slack, "Escaping text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Straight(HTTPRedirectHandler):
    """No redirect is followed: what would be posted there is an empty GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(url: str, body: bytes, outcome: list[str | None]) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "strongroom"}
    request = Request(url, body, headers)  # noqa: S310 - the scheme was looked at
    attempts = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_delay(_ALTOGETHER_SECONDS - _TIMEOUT_SECONDS),
        wait=wait_exponential(multiplier=0.5, max=4),
        reraise=True,
    )
    opener = build_opener(_Straight)
    try:
        for attempt in attempts:
            with attempt:
                _send(opener, request)
        outcome.append(None)
    except HTTPError as error:
        outcome.append(f"the webhook answered {error.code}")
    except (OSError, HTTPException, ValueError) as error:
        # Not the error's own words: some of them hold the URL.
        reason = getattr(error, "reason", error)
        words = reason.strerror if isinstance(reason, OSError) else None
        outcome.append(f"the webhook was not reached ({words or type(reason).__name__})")


def _send(opener: OpenerDirector, request: Request) -> None:
    try:
        opener.open(request, timeout=_TIMEOUT_SECONDS).close()
    except HTTPError as error:
        error.close()  # it holds the connection
        raise


def _may_pass(error: BaseException) -> bool:
    """Whether another try can help."""
    if isinstance(error, HTTPError):
        return error.code == 429 or error.code >= 500
    return isinstance(error, OSError)
