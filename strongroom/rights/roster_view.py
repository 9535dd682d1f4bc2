"""What a roster declares in the form of a snapshot, so that it answers the same questions."""

from collections import defaultdict
from collections.abc import Sequence

from strongroom.people import Member, Service
from strongroom.rights.model import OWNER, Grant, Membership, Role, Shape, Snapshot
from strongroom.rights.naming import EVERY
from strongroom.rights.rules import memberships, rules
from strongroom.tiers import APP_OWNER, PROVISIONER, ROOT


def as_declared(
    database: str,
    schemas: Sequence[str],
    members: Sequence[Member],
    services: Sequence[Service],
    root: str = ROOT,
) -> Snapshot:
    """The rights of a stack as they will be, with one object for all of an area.

    Args:
        database: the application's database.
        schemas: the guarded schemas.
        members: the engineers of an environment.
        services: the services.
        root: what root is called there.
    """
    grants: dict[tuple[str, str | None], list[Grant]] = defaultdict(list)
    for rule in rules(schemas, members, services):
        grantor = APP_OWNER if rule.has_future else PROVISIONER
        grants[rule.object_type, rule.schema] += [
            Grant(rule.role, grantor, privilege) for privilege in rule.privileges
        ]
    shapes = [_shape("database", None, root, "this", database, grants)]
    for schema in schemas:
        shapes.append(_shape("schema", schema, PROVISIONER, None, schema, grants))
        shapes += [
            _shape(kind, schema, APP_OWNER, None, EVERY, grants)
            for kind in ("table", "sequence", "routine")
        ]
    groups = memberships(members, services)
    links = [
        Membership(group, member, PROVISIONER, "INHERIT" in options, "SET" in options, False)
        for group, found in groups.items()
        for member, options in found.items()
    ]
    people = [*(member.role for member in members), *(service.role for service in services)]
    roles = {
        **{role: Role(role, False) for role in groups},
        **{role: Role(role, True) for role in people},
        PROVISIONER: Role(PROVISIONER, True, frozenset({"CREATEROLE"})),
        root: Role(root, True, frozenset({"SUPERUSER"})),
    }
    links.append(Membership(APP_OWNER, PROVISIONER, root, True, True, True))
    return Snapshot(database, roles, tuple(links), tuple(shapes))


def _shape(
    kind: str,
    schema: str | None,
    owner: str,
    trait: str | None,
    name: str,
    grants: dict[tuple[str, str | None], list[Grant]],
) -> Shape:
    given = (*grants[kind, schema], Grant(owner, "", OWNER))
    inside = None if kind == "schema" else schema
    return Shape(kind, inside, owner, trait, None, (name,), given)
