"""Whether a password of root's lies open anywhere: in the state, or in what was printed."""

import json
from collections.abc import Iterator
from pathlib import Path

from rehearsal.scene import Scene


def looked(scene: Scene) -> tuple[list[str], list[str]]:
    """What was looked at, and where a password stands in plain text.

    Args:
        scene: one whose stack is up.
    """
    passwords = {*scene.instances.passwords, *_sealed(scene)}
    files = [each for each in _files(scene) if each.is_file()]
    wrong = [
        f"{path.relative_to(scene.base)} holds a password of root's in plain text"
        for path, content in ((each, each.read_bytes()) for each in files)
        if any(password.encode() in content for password in passwords)
    ]
    if len(passwords) < 2:
        wrong.append("root still has the password the engine gave it")
    if wrong:
        return [], wrong
    looked_at = f"{len(files)} files of the state and of what was printed"
    return [f"none of root's {len(passwords)} passwords lies open in {looked_at}"], []


def _files(scene: Scene) -> Iterator[Path]:
    yield scene.transcript
    yield from (scene.base / "state").rglob("*")
    yield from scene.checkout.glob("stacks/*")


def _sealed(scene: Scene) -> Iterator[str]:
    """What root's secrets hold now."""
    client = scene.client("secretsmanager")
    for secret in client.list_secrets()["SecretList"]:
        value = client.get_secret_value(SecretId=secret["ARN"])
        yield json.loads(value["SecretString"])["password"]
