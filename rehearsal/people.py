"""The access half: who can sign in to the server behind the primary, and with which rights."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import yaml

from rehearsal.master import Server
from rehearsal.scene import Scene
from strongroom.roster import Roster
from strongroom.settings import Settings
from strongroom.tiers import GROUPS, IAM, Tier

_MEMBER = "SELECT pg_has_role(%s, %s, 'USAGE')"


def _server(scene: Scene) -> Server | None:
    return next(iter(scene.instances.servers.values()), None)


def _asked(scene: Scene, query: str, *values: str) -> list[tuple[Any, ...]]:
    server = _server(scene)
    if server is None:
        return []
    try:
        with closing(server.superuser()) as admin:
            return admin.execute(query.encode(), values).fetchall()
    except psycopg.Error:
        return []


def _engineers(scene: Scene) -> Iterator[tuple[str, Tier]]:
    settings = Settings.load(scene.checkout, scene.stack)
    roster = Roster.load(settings.roster_in(scene.checkout))
    for one in roster.engineers_in(scene.stack):
        yield one.role, one.tier


def missing(scene: Scene) -> list[str]:
    """Everybody who does not have exactly the tier the roster gives, or cannot sign in."""
    wrong = []
    for who, tier in _engineers(scene):
        if not is_in(scene, who, tier.value):
            wrong.append(f"{who} does not have the rights of a {tier}")
        if _asked(scene, _MEMBER, who, IAM) != [(True,)]:
            wrong.append(f"{who} cannot sign in by a token")
    return wrong


def is_in(scene: Scene, who: str, tier: str) -> bool:
    """Whether somebody has the rights of a tier."""
    return _asked(scene, _MEMBER, who, GROUPS[Tier(tier)].role) == [(True,)]


def signed_in(scene: Scene) -> list[str]:
    """How the database was reached."""
    asked = scene.instances.socks.asked
    if not asked:
        return []
    refused = sum(len(each.refused) for each in scene.instances.gateways.values())
    host, port = asked[-1]
    how = f"through the proxy as {host}:{port}, by IAM tokens and root's password"
    return [f"the database was reached {len(asked)} times {how}; {refused} refused"]


def promote(scene: Scene) -> tuple[str, str]:
    """Give somebody the next tier in the roster; returns their role and the tier."""
    who, tier = next((who, tier) for who, tier in _engineers(scene) if tier != Tier.SENIOR)
    tiers = list(Tier)
    following = tiers[tiers.index(tier) + 1]
    name = yaml.safe_load(scene.settings.read_text())["config"].get("strongroom:roster")

    def change(roster: Any) -> None:
        line = roster["engineers"][who]
        own = line.get("environments", {})
        if scene.stack in own:
            own[scene.stack] = following.value
        else:
            line["tier"] = following.value

    scene.edit(name or "engineers.yaml", change)
    return who, following.value
