"""Objects in words, and objects by the words people call them."""

from collections.abc import Mapping, Sequence

from strongroom.reading.forms import listed
from strongroom.rights.model import SERVER, Shape

#: The name of what stands for every object of an area, where only a roster is known.
EVERY = "*"


def objects(shapes: Sequence[Shape], areas: Mapping[str, Sequence[Shape]]) -> str:
    """Objects of one kind and area: by name while they are few, or all of the area.

    Args:
        shapes: the objects, at least one shape.
        areas: every shape there is, by area.
    """
    one = shapes[0]
    if one.kind.startswith("future "):
        return f"{one.area} that {one.owner} makes"
    if one.kind in ("database", "schema", "server"):
        return SERVER if one.kind == "server" else f"{one.kind} {one.names[0]}"
    names = sorted(name for shape in shapes for name in shape.full_names)
    total = sum(len(shape.names) for shape in areas[one.area] if shape.kind == one.kind)
    if one.names == (EVERY,):
        return one.area
    if len(names) == total and total > 1 and one.kind != "column" and not one.extension:
        return f"all {total} {one.area}"
    told = names if len(names) <= 2 else [names[0], f"{len(names) - 1} more {one.kind}s"]
    kind = "" if one.kind == "table" else f"{one.kind} "
    return kind + listed(told, "and")


def is_called(shape: Shape, text: str) -> bool:
    """Whether `text` names one of the objects: ``app.orders``, ``orders`` or ``schema app``."""
    if shape.kind.startswith("future "):
        return False
    named_kind = text.startswith(f"{shape.kind} ")
    text = text.removeprefix(f"{shape.kind} ")
    if shape.names == (EVERY,):
        return text.startswith(f"{shape.schema}.") and (named_kind or shape.kind == "table")
    names = {*shape.names, *shape.full_names}
    if shape.kind == "routine":
        names |= {name.partition("(")[0] for name in names}
    if shape.kind == "column":
        names |= {name.rpartition(".")[0] for name in names}
    return text in names
