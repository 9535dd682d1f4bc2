"""A resource type of a toy plugin that notes what is done with it, and a call as gRPC makes it."""

# ruff: noqa: A002, ARG002 - handlers share one signature, and the engine's own word is id

from collections.abc import Mapping
from typing import Any, NoReturn

import grpc
from pydantic import Field

from strongroom.errors import StrongroomError
from strongroom.provider.resource import (
    Context,
    Found,
    Properties,
    Refusal,
    Resource,
    replacing,
)


class BoxInputs(Properties):
    """A box."""

    place: str = replacing()
    size: int = Field(default=1, ge=1)
    labels: dict[str, str] = Field(default={})


class BoxOutputs(Properties):
    """What it becomes."""

    weight: int
    drift: list[str]


class Box(Resource[BoxInputs]):
    """A box that notes what is done with it."""

    token = "toy:index:Box"
    Inputs = BoxInputs
    Outputs = BoxOutputs
    reads_first = True

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.error: Exception | None = None

    def check(self, context: Context, inputs: BoxInputs, old: Mapping[str, Any]) -> BoxInputs:
        if inputs.place == "nowhere":
            raise Refusal(("place", "nowhere is no place"), ("size", "nothing fits"))
        return inputs.model_copy(update={"size": max(inputs.size, old.get("size", 0))})

    def plan(self, context: Context, inputs: BoxInputs) -> dict[str, Any]:
        return {"drift": []}

    def create(self, context: Context, inputs: BoxInputs) -> Found:
        self.done.append(("create", inputs))
        if self.error:
            raise self.error
        return Found("box-1", {**inputs.dump(), "weight": 7, "drift": []})

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        return None if id == "gone" else Found(id, {**state, "drift": ["moved"]})

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: BoxInputs
    ) -> Found:
        self.done.append(("update", inputs))
        return Found(id, {**state, **inputs.dump()})

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        raise StrongroomError("a box stays")


class AbortedError(Exception):
    pass


class Call:
    """A gRPC call as a handler sees it."""

    code: grpc.StatusCode | None = None
    details = ""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        self.code, self.details = code, details
        raise AbortedError


URN = "urn:pulumi:test::project::a:b:C$toy:index:Box::box"
