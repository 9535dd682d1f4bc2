"""Every resource of AWS in the engine's state, read back from the API."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import botocore.exceptions

from rehearsal.comparison import compared
from rehearsal.engine import Resource
from rehearsal.result import Property, Stored
from rehearsal.scene import Scene
from rehearsal.stored import READERS
from rehearsal.tags import tags_of

_GONE = ("NotFound", "NoSuchEntity", "NotFoundException")

#: Types that are calls and not things: nothing is kept that could be read back.
CALLS = ("lambda/Invocation",)


def read_back(scene: Scene, resources: Iterable[Resource]) -> list[Stored]:
    """What the API stored of each, against what is declared."""

    @cache
    def client(service: str, region: str) -> Any:
        return scene.client(service, region)

    ours = [each for each in resources if each.type.startswith("aws:")]
    return [_read(each, client, scene.region) for each in ours]


def _read(resource: Resource, client: Callable[[str, str], Any], home: str) -> Stored:
    region = str(resource.inputs.get("region") or resource.outputs.get("region") or home)
    reader = READERS.get(resource.kind)
    if resource.kind in CALLS:
        return _untold(resource, "a call, of which nothing is kept")
    if reader is None:
        return _untold(resource, "nobody knows how to read this type back")

    def here(service: str) -> Any:
        return client(service, region)

    try:
        stored = reader(here, resource)
        if stored is not None:
            stored = {**stored, **tags_of(here, resource)}
    except botocore.exceptions.ClientError as error:
        if not any(word in error.response["Error"]["Code"] for word in _GONE):
            return _untold(resource, "different", str(error))
        stored = None
    return compared(resource, stored, resource.outputs.get("tagsAll") or {})


def _untold(resource: Resource, verdict: str, said: str | None = None) -> Stored:
    all_of_it = Property("(all)", None, said, verdict)
    return Stored(resource.name, resource.kind, resource.id, found=True, properties=(all_of_it,))
