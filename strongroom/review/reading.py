"""Reading what `pulumi preview --json` printed: the digest, or the stream of events.

Only the stream (PULUMI_ENABLE_STREAMING_JSON_PREVIEW) tells what policies said.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from strongroom.errors import StrongroomError
from strongroom.review.preview import DELETE, REPLACE, UPDATE, Preview, Step, Violation

#: Operations that change nothing.
_STILL = frozenset({"same", "refresh", "read"})
#: The parts of a replacement, which the engine tells one by one.
_REPLACING = frozenset(
    {"replace", "create-replacement", "delete-replaced", "import-replacement", "read-replacement"}
)
#: Beginnings of messages that tell nobody anything: every run on a closed network has them.
_USUAL = ("using pulumi-resource-",)
#: What was asked of the stack as a whole, where the rest is told resource by resource.
_WHOLE_STACK = "policyAnalyzeStackSummaryEvent"
_PREFIX = re.compile(r"^(error|warning|info): ")


def parse(text: str) -> Preview:
    """Read a preview.

    Args:
        text: what `pulumi preview --json` printed, in either form; lines before it that are no
            JSON are left alone.

    Raises:
        StrongroomError: it is not the output of a preview, or was cut off.
    """
    start = min((at for at in (text.find("\n{"), 0 if text.startswith("{") else -1) if at >= 0),
                default=-1)  # fmt: skip
    if start < 0:
        raise _unreadable(text)
    try:
        first, _ = json.JSONDecoder().raw_decode(text[start:].lstrip())
        if "sequence" in first:
            events = [json.loads(line) for line in text[start:].splitlines() if line[:1] == "{"]
            return _from_events(events)
        return _from_digest(first)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(text) from error


def _unreadable(text: str) -> StrongroomError:
    said = " ".join(text.split())[:200] or "nothing"
    return StrongroomError(
        f"This is not the whole output of `pulumi preview --json`: {said!r}. What would change is "
        "not known, so nothing is approved. Run the preview again, with --json, and see what it "
        "says on standard error."
    )


@dataclass
class _Raw:
    """Collects steps in the order in which the engine tells them."""

    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    deployed: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unprotected: set[str] = field(default_factory=set)

    def add(
        self, op: str, urn: str, old: Mapping[str, Any], new: Mapping[str, Any], keys: Iterable[str]
    ) -> None:
        if op == "refresh":
            self.deployed[urn] = old
            return
        if op != "delete" and old.get("protect") and new and not new.get("protect"):
            self.unprotected.add(urn)
        if op in _STILL:
            return
        step = self.changed.setdefault(urn, {"op": op, "old": {}, "new": {}, "keys": set()})
        if op in _REPLACING or (step["op"], op) in _BOTH:
            step["op"] = REPLACE
        step["old"] = step["old"] or old
        step["new"] = step["new"] or new
        step["keys"] |= {re.split(r"[.\[]", key)[0] for key in keys}

    def steps(self) -> tuple[Step, ...]:
        return tuple(self._step(urn) for urn in sorted(self.changed))

    def _step(self, urn: str) -> Step:
        raw = self.changed[urn]
        old, new = raw["old"], raw["new"]
        before = self.deployed.get(urn, old)
        return Step(
            op=raw["op"],
            urn=urn,
            type=str((new or old).get("type") or urn.split("::")[-2].rpartition("$")[2]),
            keys=tuple(sorted(raw["keys"])) if raw["op"] in (UPDATE, REPLACE) else (),
            declared=_inputs(before),
            found={**_inputs(old), **(old.get("outputs") or {})},
            wanted={} if raw["op"] == DELETE else _inputs(new),
            gone=bool(self.deployed.get(urn)) and not old,
        )


_BOTH = {("delete", "create"), ("create", "delete")}


def _inputs(state: Mapping[str, Any]) -> dict[str, Any]:
    return dict(state.get("inputs") or {})


def _from_digest(content: Mapping[str, Any]) -> Preview:
    raw = _Raw()
    for step in content.get("steps") or []:
        keys = [*(step.get("diffReasons") or []), *(step.get("replaceReasons") or [])]
        old, new = step.get("oldState") or {}, step.get("newState") or {}
        raw.add(step["op"], step["urn"], old, new, [*keys, *(step.get("detailedDiff") or {})])
    if "steps" not in content and "diagnostics" not in content:
        raise KeyError("steps")
    told = [_Said(each) for each in content.get("diagnostics") or []]
    return _preview(raw, told, [], None, failed=False, still=content.get("changeSummary") or {})


def _from_events(events: list[Mapping[str, Any]]) -> Preview:
    raw, told, violations = _Raw(), [], []
    asked: set[tuple[str, str]] = set()
    failed, still = False, None
    for event in events:
        if pre := event.get("resourcePreEvent"):
            step = pre["metadata"]
            keys = [*(step.get("diffs") or []), *(step.get("keys") or [])]
            keys += step.get("detailedDiff") or {}
            raw.add(step["op"], step["urn"], step.get("old") or {}, step.get("new") or {}, keys)
        elif said := event.get("diagnosticEvent"):
            told.append(_Said(said))
        elif policy := event.get("policyEvent"):
            violations.append(_violation(policy))
        elif passed := event.get("policyAnalyzeSummaryEvent") or event.get(_WHOLE_STACK):
            names = [*(passed.get("passed") or []), *(passed.get("failed") or [])]
            asked |= {(passed["policyPackName"], name) for name in names}
        elif summary := event.get("summaryEvent"):
            failed, still = summary.get("result") == "failed", summary["resourceChanges"] or {}
    if still is None:
        raise ValueError("the end is missing")
    policies = len(asked) if any("policyLoadEvent" in event for event in events) else None
    return _preview(raw, told, violations, policies, failed=failed, still=still)


def _preview(
    raw: _Raw,
    told: list["_Said"],
    violations: list[Violation],
    policies: int | None,
    failed: bool,
    still: Mapping[str, int],
) -> Preview:
    errors = _once(said.text for said in told if said.severity == "error")
    if failed and not errors and not violations:
        errors = ("the engine says that the preview failed, and not why",)
    return Preview(
        steps=raw.steps(),
        unprotected=tuple(sorted(raw.unprotected)),
        violations=tuple(violations),
        policies=policies,
        errors=errors,
        notes=_once(said.text for said in told if said.severity in ("warning", "info")),
        unchanged=still.get("same", 0),
    )


@dataclass(frozen=True)
class _Said:
    """One message of the engine or a plugin."""

    raw: Mapping[str, Any]

    @property
    def severity(self) -> str:
        # Without a severity a message is the program's own output, with info# beside a resource.
        return str(self.raw.get("severity", "info")).partition("#")[0]

    @property
    def text(self) -> str:
        message = _PREFIX.sub("", str(self.raw.get("message", "")).strip())
        return "" if message.startswith(_USUAL) else message


def _violation(event: Mapping[str, Any]) -> Violation:
    return Violation(
        policy=f"{event.get('policyPackName', '')}/{event.get('policyName', '')}",
        mandatory=event.get("enforcementLevel") == "mandatory",
        urn=str(event.get("resourceUrn") or ""),
        message=str(event.get("message", "")).strip(),
    )


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    def kept() -> Iterator[str]:
        seen = {""}
        for text in texts:
            if text not in seen:
                seen.add(text)
                yield text

    return tuple(kept())
