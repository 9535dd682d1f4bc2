"""The proposal as documents: a roster, what `pulumi import` reads, a report, and JSON."""

import json
from collections.abc import Iterator
from typing import Any

from strongroom.adoption.proposal import Change, Proposal
from strongroom.people import Engineer, RightsBySchema, Service
from strongroom.rights.model import PUBLIC
from strongroom.tiers import Privilege

ROSTER, IMPORT, REPORT, HANDOVER = "engineers.yaml", "import.json", "adopt.md", "handover.sql"

_ROLE, _SCHEMA = "postgresql:index/role:Role", "postgresql:index/schema:Schema"

_ROSTER_HEAD = """\
# Who may do what, as proposed from what database {database} has now; {report} tells what each
# would gain and lose. Read it line by line: what is wrong here is wrong in the database at the
# next `pulumi up`. Put people's own names in the place of their roles'.
"""

#: How it is applied, after the review; the order matters.
_ORDER = """\
An instance of RDS has an order of its own: docs/production.md, "Taking over an existing instance".

1. Correct `{roster}` until each line is meant, and put it in `stacks/`. Run this again with
   --person and --service for whoever was placed wrongly.
2. Lay the foundation: `pulumi up --target '**::primary*' --target '**::provisioner'`. It makes
   the roles provisioner and app_owner, which the next step needs, and takes attributes such as
   SUPERUSER, predefined groups and what PUBLIC has on databases from everybody but root.
3. Read `{handover}` and let root run it, once: `psql -v ON_ERROR_STOP=1 -f {handover}`.
   Services that still sign in with a password must have a certificate, or IAM, before that.
4. `pulumi import --file {imported} --protect=false` takes the roles and schemas over as they are.
5. `pulumi preview`, then `pulumi up`, gives what is listed here as gained, and nothing else.
6. `strongroom audit` has to be clean. What is under "Not placed" is what it will name.
"""

_SIGN_IN = {
    "People": "They sign in with a certificate or IAM; their passwords are taken away.",
    "Services": "They sign in with a certificate or IAM as well; no password opens the stack.",
}


def roster(proposal: Proposal, environment: str) -> str:
    """The roster in YAML, each line with the reason for it."""
    placing = proposal.placing
    head = _ROSTER_HEAD.format(database=_line(proposal.database), report=REPORT)
    lines = [head, f"environments: [{environment}]", f"schemas: [{', '.join(proposal.schemas)}]"]
    lines += ["", "engineers:"]
    for engineer in placing.engineers:
        rights = f", rights: {_rights(engineer.rights)}" if engineer.rights else ""
        name = json.dumps(engineer.name)
        lines += [f"  # {_line(placing.why[engineer.role])}"]
        lines += [f"  {engineer.role}: {{name: {name}, tier: {engineer.tier}{rights}}}"]
    if placing.services:
        lines += ["", "services:"]
    for service in placing.services:
        given = [f"rights: {_rights(service.rights)}"] if service.rights else []
        given += ["ddl: true"] if service.ddl else []
        lines += [f"  # {_line(placing.why[service.role])}"]
        lines += [f"  {service.role}: {{{', '.join(given)}}}"]
    return "\n".join(lines) + "\n"


def imported(proposal: Proposal, environment: str) -> dict[str, Any]:
    """What `pulumi import --file` reads: every role and schema there is, by the program's names.

    Grants and default privileges cannot be imported; `pulumi up` finds them given already.
    """
    urn = f"urn:pulumi:{environment}::strongroom::"
    common = {"parent": "access", "provider": "provisioner"}
    placing = proposal.placing
    roles = sorted(placing.why)
    found = [(_SCHEMA, "schema", each, f"{proposal.database}.{each}") for each in proposal.schemas]
    found += [(_ROLE, "role", each, each) for each in roles]
    return {
        "nameTable": {"provisioner": f"{urn}pulumi:providers:postgresql::provisioner"},
        "resources": [
            {"type": "strongroom:components:Access", "name": "access", "component": True},
            *(
                {"type": kind, "name": f"access-{what}-{name}", "id": where, **common}
                for kind, what, name, where in found
            ),
        ],
    }


def report(proposal: Proposal) -> str:
    """Everything, to be read by people, in Markdown."""
    return "\n".join(_report(proposal)) + "\n"


def as_json(proposal: Proposal, environment: str) -> dict[str, Any]:
    """Everything, for programs."""
    placing, changes = proposal.placing, proposal.changes
    return {
        "database": proposal.database,
        "schemas": list(proposal.schemas),
        "engineers": [
            {"role": each.role, "tier": each.tier, **_said(proposal, each)}
            for each in placing.engineers
        ],
        "services": [
            {"role": each.role, "ddl": each.ddl, **_said(proposal, each)}
            for each in placing.services
        ],
        "others": [
            {"role": role or "PUBLIC", **_in_words(proposal, change)}
            for role, change in changes.items()
            if role not in placing.why
        ],
        "notPlaced": [{"what": each.what, "why": each.why} for each in proposal.unplaced],
        "notLookedInto": list(proposal.others),
        "roster": roster(proposal, environment),
        "import": imported(proposal, environment),
        "handover": proposal.handover,
    }


def _said(proposal: Proposal, each: Engineer | Service) -> dict[str, Any]:
    return {
        "rights": {schema: _sorted(found) for schema, found in each.rights.items()},
        "why": proposal.placing.why[each.role],
        "unsure": each.role in proposal.placing.unsure,
        **_in_words(proposal, proposal.changes[each.role]),
    }


def _in_words(proposal: Proposal, change: Change) -> dict[str, list[str]]:
    return {
        "gains": proposal.words.all(change.gains),
        "loses": proposal.words.all(change.losses),
        "settings": list(change.settings),
    }


def _report(proposal: Proposal) -> Iterator[str]:
    placing, changes = proposal.placing, proposal.changes
    people = [(each.role, str(each.tier)) for each in placing.engineers]
    services = [(each.role, "service") for each in placing.services]
    yield f"# Taking over database {_text(proposal.database)}"
    yield f"\nGuarded: {', '.join(proposal.schemas)}. Nothing was changed."
    everybody = changes.get(PUBLIC)
    if everybody:
        yield "\n## Everybody\n"
        yield "Loses what PUBLIC has; of the losses below, these are not told again.\n"
        yield from _listed(proposal, everybody)
    for title, found in (("People", people), ("Services", services)):
        yield f"\n## {title}"
        if found:
            yield f"\n{_SIGN_IN[title]}"
        for role, what in found:
            yield f"\n### {role}: {what}\n"
            yield f"Why: {_text(placing.why[role])}.\n"
            yield from _listed(proposal, changes[role], everybody) or ["- nothing changes"]
    others = {
        role: lines
        for role, change in changes.items()
        if role not in (*placing.why, PUBLIC) and (lines := _listed(proposal, change, everybody))
    }
    if others:
        yield "\n## Others it changes something for"
    for role, lines in others.items():
        yield f"\n### {_text(role)}\n"
        yield from lines
    yield "\n## Not placed\n"
    yield from [f"- {_text(each.what)}: {_text(each.why)}." for each in proposal.unplaced] or [
        "Nothing."
    ]
    if proposal.others:
        others_named = _text(", ".join(proposal.others))
        yield f"\nNot looked into: what lies inside the databases {others_named}."
    yield "\n## In this order\n"
    yield _ORDER.format(roster=ROSTER, handover=HANDOVER, imported=IMPORT)


def _listed(proposal: Proposal, change: Change, told: Change | None = None) -> list[str]:
    losses = change.losses - (told.losses if told else frozenset())
    lines = [f"- gains {_text(each)}" for each in proposal.words.all(change.gains)]
    lines += [f"- loses {_text(each)}" for each in proposal.words.all(losses)]
    return lines + [f"- {_text(each)}" for each in change.settings]


def _rights(rights: RightsBySchema) -> str:
    by_schema = [f"{schema}: [{', '.join(_sorted(found))}]" for schema, found in rights.items()]
    return f"{{{', '.join(by_schema)}}}"


def _sorted(privileges: frozenset[Privilege]) -> list[str]:
    return [each.value for each in Privilege if each in privileges]


def _line(text: str) -> str:
    """Text that stays on its line; names may hold anything."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _text(text: str) -> str:
    """Text that Markdown shows as it is."""
    escaped = _line(text).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{each}" if each in "\\`*[]#|~" else each for each in escaped)
