"""Reading a roster's document: every rule of it, and the words for each mistake."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from strongroom.people import Elevation, Engineer, RightsBySchema, Service
from strongroom.reading import forms
from strongroom.reading.documents import Node, Report, quoted
from strongroom.reading.elevation_form import ElevationReader, Lending
from strongroom.reading.names import (
    NO_TIER,
    environment_name_problems,
    login_problem,
    role_name_problems,
    schema_name_problems,
)
from strongroom.tiers import NEVER_GIVEN, Privilege, Tier, ceiling

ROSTER_KEYS = ("environments", "schemas", "engineers", "services", "elevations")
ENGINEER_KEYS = ("name", "tier", "environments", "rights", "github")
SERVICE_KEYS = ("rights", "ddl")

#: What a service may be given on a schema. USAGE is on sequences, for a service that draws
#: numbers without inserting; INSERT brings it by itself.
SERVICE_RIGHTS = frozenset(Privilege)
#: What some tier's engineers may be given on a schema.
ENGINEER_RIGHTS = ceiling(Tier.SENIOR)

_Read = tuple[
    tuple[str, ...],
    tuple[str, ...],
    tuple[Engineer, ...],
    tuple[Service, ...],
    tuple[Elevation, ...],
]


def read_roster(
    document: Node, report: Report, now: datetime, lending: Lending | None = None
) -> _Read:
    """Environments, schemas, engineers, services and elevations, the last three sorted.

    Args:
        document: the roster.
        report: takes its mistakes.
        now: the time elevations are judged by (UTC).
        lending: what an environment's settings say of elevations.

    Raises:
        SettingsError: with every mistake noted in `report`, earlier ones included.
    """
    reader = _Reader(document, report)
    engineers = sorted(reader.engineers(), key=lambda engineer: engineer.role)
    services = sorted(reader.services(), key=lambda service: service.role)
    elevations = reader.elevations(engineers, now, lending)
    report.settle()
    return reader.environments, reader.schemas, tuple(engineers), tuple(services), elevations


class _Reader:
    """Reads the parts of a roster in the order in which later ones need earlier ones."""

    def __init__(self, document: Node, report: Report) -> None:
        self._report = report
        self._document = document
        self._parts = self._top()
        self.environments = self._names("environments", environment_name_problems)
        self.schemas = self._names("schemas", schema_name_problems)
        self._roles: dict[str, Node] = {}
        self._logins: dict[str, str] = {}
        self._people: list[str] = []

    def _top(self) -> dict[str, Node]:
        example = "the keys environments, schemas, engineers and services"
        parts = forms.fields(self._report, self._document, "the roster", ROSTER_KEYS, example)
        for key, why in _REQUIRED.items():
            if parts is not None and key not in parts:
                problem = f"the roster has no {key}, so {why}. Add the key"
                self._report.add(self._document.place, problem)
        return parts or {}

    def _names(self, key: str, problems: Callable[[str], Iterator[str]]) -> tuple[str, ...]:
        if key not in self._parts:
            return ()
        nodes = forms.items(self._report, self._parts[key], key, f"[{_EXAMPLES[key]}]")
        if nodes == []:
            problem = f"{key} is an empty list, so {_REQUIRED[key]}. List at least one"
            self._report.add(self._parts[key].place, problem)
        names = []
        for node in forms.once(self._report, nodes or [], f"the {key}"):
            name = forms.text(self._report, node, f"a name in {key}", _EXAMPLES[key])
            if name is not None:
                names.append(name)
                for problem in problems(name):
                    self._report.add(node.place, f"{quoted(name)} in {key} {problem}")
        return tuple(names)

    def engineers(self) -> Iterator[Engineer]:
        """Those whose entry could be read as far as a tier."""
        node = self._parts.get("engineers")
        if node is None:
            return
        if node.value is None or node.value == {}:
            problem = "the roster has no engineers, so nobody could sign in; an `up` would take"
            remedy = "every role away. List at least one engineer"
            self._report.add(node.place, f"{problem} {remedy}")
            return
        entries = forms.mapping(self._report, node, "engineers", _ENGINEER)
        for role, entry in (entries or {}).items():
            self._take_name(role, entry)
            self._people.append(role)
            engineer = self._engineer(role, entry)
            if engineer:
                yield engineer

    def services(self) -> Iterator[Service]:
        """Those whose entry could be read."""
        node = self._parts.get("services")
        if node is None:
            return
        entries = forms.mapping(self._report, node, "services", _SERVICE)
        for role, entry in (entries or {}).items():
            self._take_name(role, entry)
            who = f"the service {quoted(role)}"
            parts = forms.fields(self._report, entry, who, SERVICE_KEYS, _SERVICE)
            if parts is None:
                continue
            rights = self._rights(who, parts.get("rights"), SERVICE_RIGHTS)
            ddl = parts.get("ddl")
            reaches = forms.boolean(self._report, ddl, f"ddl of {who}") if ddl else False
            yield Service(role, _plain(rights), bool(reaches))

    def elevations(
        self, engineers: list[Engineer], now: datetime, lending: Lending | None
    ) -> tuple[Elevation, ...]:
        """Those that could be read; `engineers` are those who could be."""
        people = {**dict.fromkeys(self._people), **{each.role: each for each in engineers}}
        reader = ElevationReader(self._report, self.environments, people, now, lending)
        return reader.read(self._parts.get("elevations"))

    def _take_name(self, role: str, entry: Node) -> None:
        for problem in role_name_problems(role):
            self._report.add(entry.place, f"the role name {quoted(role)} {problem}")
        first = self._roles.setdefault(role, entry)
        if first is not entry:
            problem = f"{quoted(role)} is an engineer already on line {first.place.line}, and one"
            rest = "role for both would give each the other's rights. Name the service differently"
            self._report.add(entry.place, f"{problem} {rest}")

    def _engineer(self, role: str, entry: Node) -> Engineer | None:
        who = f"the engineer {quoted(role)}"
        parts = forms.fields(self._report, entry, who, ENGINEER_KEYS, _ENGINEER)
        if parts is None:
            return None
        for key, why in _REQUIRED_OF_ENGINEER.items():
            if key not in parts:
                self._report.add(entry.place, f"{who} has no {key}, so {why}")
        name, tier = parts.get("name"), parts.get("tier")
        what = f"the name of {who}"
        person = forms.text(self._report, name, what, "Ada Lovelace") if name else None
        default = self._tier(tier, f"the tier of {who}", ()) if tier else None
        overrides = self._overrides(who, parts.get("environments"))
        rights = self._rights(who, parts.get("rights"), ENGINEER_RIGHTS)
        tiers = {each: overrides.get(each, default) for each in self.environments}
        self._within_ceiling(who, rights, tiers)
        if not isinstance(default, Tier):
            return None
        elsewhere = {
            each: held if isinstance(held, Tier) else None for each, held in overrides.items()
        }
        elsewhere_tiers, login = MappingProxyType(elsewhere), self._login(who, parts.get("github"))
        return Engineer(role, person or "", default, elsewhere_tiers, _plain(rights), login)

    def _login(self, who: str, node: Node | None) -> str:
        """The login on GitHub, in lower case, as GitHub tells logins apart."""
        given = forms.text(self._report, node, f"github of {who}", "ada-lovelace") if node else None
        if node is None or given is None:
            return ""
        login = given.lower()
        if problem := login_problem(login):
            self._report.add(node.place, f"github of {who} is {quoted(given)}, which {problem}")
        first = self._logins.setdefault(login, who)
        if first != who:
            problem = f"github of {who} is {quoted(given)}, which is {first}'s too, so one person"
            self._report.add(node.place, f"{problem} could approve as two. Correct one of them")
        return login

    def _tier(self, node: Node, what: str, also: tuple[str, ...]) -> Tier | str | None:
        choices = (*Tier, *also)
        consequence = "nobody can tell what this person may do"
        value = forms.choice(self._report, node, what, choices, consequence)
        return value if value is None or value in also else Tier(value)

    def _overrides(self, who: str, node: Node | None) -> dict[str, Tier | str | None]:
        """Tiers by environment; "none" where there is no role, None where nothing is known."""
        if node is None:
            return {}
        what = f"the environments of {who}"
        overrides = forms.mapping(self._report, node, what, "{production: junior}") or {}
        found: dict[str, Tier | str | None] = {}
        for environment, entry in overrides.items():
            if self.environments and environment not in self.environments:
                self._unknown(entry, what, environment, self.environments, "environment")
            tier = f"the tier of {who} in {quoted(environment)}"
            found[environment] = self._tier(entry, tier, (NO_TIER,))
        return found

    def _rights(
        self, who: str, node: Node | None, allowed: frozenset[Privilege]
    ) -> dict[str, dict[Privilege, Node]]:
        """For each schema the rights that exist, with the place of each."""
        if node is None:
            return {}
        what = f"the rights of {who}"
        found: dict[str, dict[Privilege, Node]] = {}
        for schema, entry in (forms.mapping(self._report, node, what, _RIGHTS) or {}).items():
            if self.schemas and schema not in self.schemas:
                self._unknown(entry, what, schema, self.schemas, "schema")
            here = f"{what} on {quoted(schema)}"
            listed = forms.items(self._report, entry, here, "[SELECT]") or []
            once = forms.once(self._report, listed, here)
            rights = ((self._right(right, here, allowed), right) for right in once)
            found[schema] = {right: item for right, item in rights if right}
        return found

    def _right(self, node: Node, what: str, allowed: frozenset[Privilege]) -> Privilege | None:
        name = node.value.upper() if isinstance(node.value, str) else ""
        if why := NEVER_GIVEN.get(name):
            problem = f"{what} hold {name}, which nobody is given: {why}. Remove it"
            self._report.add(node.place, problem)
            return None
        if name == Privilege.USAGE and name not in allowed:
            problem = f"{what} hold USAGE, which an engineer has by INSERT, so it would add nothing"
            self._report.add(node.place, f"{problem}. Remove it")
            return None
        choices = [right for right in Privilege if right in allowed]
        consequence = "nothing could be granted"
        value = forms.choice(self._report, node, f"one of {what}", choices, consequence)
        return Privilege(value) if value else None

    def _unknown(self, node: Node, what: str, name: str, known: tuple[str, ...], kind: str) -> None:
        near = forms.nearest(name, known)
        remedy = f"Did you mean {quoted(near)}?" if near else f"Add it to {kind}s, or remove it"
        problem = f"{what} name the {kind} {quoted(name)}, which the roster does not list"
        rest = f"({', '.join(known)}), so the line would have no effect. {remedy}"
        self._report.add(node.place, f"{problem} {rest}")

    def _within_ceiling(
        self,
        who: str,
        rights: Mapping[str, Mapping[Privilege, Node]],
        tiers: Mapping[str, Tier | str | None],
    ) -> None:
        held = {each: tier for each, tier in tiers.items() if isinstance(tier, Tier)}
        for schema, nodes in rights.items():
            for right, node in nodes.items():
                over = {each: tier for each, tier in held.items() if right not in ceiling(tier)}
                if over:
                    enough = forms.listed(tier for tier in Tier if right in ceiling(tier))
                    problem = f"{who} is given {right} on {quoted(schema)}, which is for the tier"
                    rest = f"{enough} only, but is {_spelled(over, held)}, so the tier would say"
                    remedy = "less than the role can do. Remove the right, or change the tier"
                    self._report.add(node.place, f"{problem} {rest} {remedy}")


def _spelled(over: Mapping[str, Tier], held: Mapping[str, Tier]) -> str:
    """The tiers in `over` by environment, or just the tier when it is the same everywhere."""
    if over == held and len(set(held.values())) == 1:
        return next(iter(held.values()))
    return ", ".join(f"{tier} in {environment}" for environment, tier in over.items())


def _plain(rights: Mapping[str, Mapping[Privilege, Node]]) -> RightsBySchema:
    return MappingProxyType({schema: frozenset(found) for schema, found in rights.items()})


_EXAMPLES = {"environments": "local", "schemas": "app"}
_RIGHTS = "{app: [SELECT]}"
_ENGINEER = "{name: Ada Lovelace, tier: senior}"
_SERVICE = "{rights: {app: [SELECT]}}"
_REQUIRED = {
    "environments": "no stack would know whose roles to make",
    "schemas": "no table would be under guard and no tier could read one",
    "engineers": "nobody could sign in",
}
_REQUIRED_OF_ENGINEER = {
    "name": "a reviewer cannot tell who this is. Add the person's name",
    "tier": "nobody can tell what this person may do. Add tier: junior, mid or senior",
}
