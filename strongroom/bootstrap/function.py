"""The function that acts as root on AWS: the only one there who opens the secret.

Secrets Manager calls it for each of the four steps of a rotation; after the last one, and when it
is called with ``{"Action": "bootstrap"}``, it does what root must do in the database; root that has
no password yet, or none that works, gets one through RDS's API first. ``{"Action": "rotate"}`` asks
Secrets Manager for a rotation. With
``{"Action": "outlook", "Roles": […]}`` it tells what roles would leave behind, and with ``retire``
it gets them ready to be dropped. What it works on is told by environment variables, none of which
is a secret:

STRONGROOM_HOST, STRONGROOM_PORT
    the instance.
STRONGROOM_INSTANCE
    the instance's identifier, by which RDS's API knows it.
STRONGROOM_MASTER
    what its master is called, as whom it signs in.
STRONGROOM_TRUSTED
    a PEM file with the certificates of RDS's authorities.
STRONGROOM_SECRET
    the ARN of the secret; a rotation of another one is refused.
STRONGROOM_FOUNDATION
    what to lay there, the fields of `Foundation` as JSON.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from strongroom.bootstrap.asking import asked
from strongroom.bootstrap.leaving import outlook, retire
from strongroom.bootstrap.master import MasterRoot
from strongroom.bootstrap.offers import ready
from strongroom.bootstrap.resetting import Instances, Resetting, token, unfinished
from strongroom.bootstrap.root import Root
from strongroom.bootstrap.rotation import Rotation
from strongroom.bootstrap.secrets_manager import Client, Secret
from strongroom.bootstrap.steps import Foundation, audit, bootstrap
from strongroom.errors import StrongroomError


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """What AWS Lambda calls.

    Args:
        event: a rotation's step (Step, SecretId, ClientRequestToken), an Action, or messages of
            the queue that tells of openings, after which it rotates.
        context: Lambda's own, see `asked`.

    Returns:
        what was done, without any secret.

    Raises:
        StrongroomError: it could not be done; Lambda reports the function as failed.
    """
    import boto3

    told = asked(event, context)
    return answer(told, boto3.client("secretsmanager"), os.environ, lambda: boto3.client("rds"))


def answer(
    event: Mapping[str, Any],
    client: Client,
    told: Mapping[str, str],
    instances: Callable[[], Instances],
) -> dict[str, Any]:
    """Do what `event` asks for.

    Args:
        event: as `handler` takes it.
        client: boto3's Secrets Manager client.
        told: the environment variables.
        instances: gives boto3's RDS client, which is rarely needed.
    """
    foundation, own = _foundation(told), Secret(client, told["STRONGROOM_SECRET"])
    if event.get("Action") == "bootstrap":
        root = _root(told, own)
        if unfinished(own) or root.locked_out():
            pending = replace(root, store=replace(own, token=token(own)))
            Resetting(pending, instances(), told["STRONGROOM_INSTANCE"]).run()
        drift, current = _laid(root, foundation), own.current()
        since = {"rotatedAt": current.since.isoformat()} if current else {}
        return {"done": "bootstrap", "drift": drift, "missing": ready(root, foundation), **since}
    if event.get("Action") in ("outlook", "retire"):
        return {"done": event["Action"], "left": _leavers(_root(told, own), event)}
    if event.get("Action") == "rotate":
        return {"done": "rotate", "version": own.rotate()}
    return _rotated(event, own, told, foundation)


def _rotated(
    event: Mapping[str, Any], own: Secret, told: Mapping[str, str], foundation: Foundation
) -> dict[str, Any]:
    """One step of a rotation."""
    step = str(event.get("Step", ""))
    if event.get("SecretId") != told["STRONGROOM_SECRET"]:
        raise StrongroomError(
            f"This function rotates {told['STRONGROOM_SECRET']} and was asked to rotate "
            f"{event.get('SecretId')!r}, so nothing was changed. Give that secret its own function."
        )
    secret = replace(own, token=str(event.get("ClientRequestToken", "")))
    root = _root(told, secret)
    do = _step(Rotation(root), step)
    if step == "testSecret" and secret.untried():
        # A schedule is tried with a version that holds nothing: the way in is what there is to try.
        root.connect().close()
    elif not secret.finished():
        do()
    if step == "finishSecret":
        # What a restart has loaded meanwhile, such as pg_cron, is made now.
        drift = _laid(root, foundation)
        return {"done": step, "drift": drift, "missing": ready(root, foundation)}
    return {"done": step}


def _step(rotation: Rotation, name: str) -> Callable[[], object]:
    steps: dict[str, Callable[[], object]] = {
        "createSecret": rotation.create,
        "setSecret": rotation.set,
        "testSecret": rotation.test,
        "finishSecret": rotation.finish,
    }
    if name not in steps:
        raise StrongroomError(
            f"{name!r} is no step of a rotation, so nothing was changed. Secrets Manager calls "
            f"with {', '.join(steps)}; otherwise ask for the action 'bootstrap', 'rotate', "
            "'outlook' or 'retire'."
        )
    return steps[name]


def _leavers(root: Root, event: Mapping[str, Any]) -> dict[str, str]:
    look = retire if event["Action"] == "retire" else outlook
    found = {str(role): look(root, str(role)) for role in event.get("Roles", ())}
    return {role: each.told() for role, each in found.items() if each}


def _laid(root: Root, foundation: Foundation) -> list[str]:
    bootstrap(root, foundation)
    left = audit(root, foundation)
    if left:
        raise StrongroomError(
            f"After the bootstrap of {root.where}: {'; '.join(left)}. Somebody with root's rights "
            "works against it; the server's log says who."
        )
    return left


def _root(told: Mapping[str, str], secret: Secret) -> MasterRoot:
    trusted, name = Path(told["STRONGROOM_TRUSTED"]), told["STRONGROOM_MASTER"]
    return MasterRoot(told["STRONGROOM_HOST"], int(told["STRONGROOM_PORT"]), trusted, secret, name)


def _foundation(told: Mapping[str, str]) -> Foundation:
    fields = json.loads(told["STRONGROOM_FOUNDATION"])
    return Foundation(**{**fields, "guarded": tuple(fields["guarded"]), "replicator": False})
