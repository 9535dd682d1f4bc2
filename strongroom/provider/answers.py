"""What a plugin answers: inputs judged, previews told, differences marked."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2
from pydantic import ValidationError

from strongroom.provider.resource import Context, Diff, Properties, Refusal, Resource, compare
from strongroom.provider.values import UNKNOWN, has_unknown


def validated(
    resource: Resource[Any], news: dict[str, Any]
) -> tuple[Properties | None, dict[str, Any]]:
    """The typed inputs, or None and the inputs as they are when some are not known yet."""
    unknown = {key for key, value in news.items() if has_unknown(value)}
    try:
        known = {key: value for key, value in news.items() if key not in unknown}
        inputs = resource.Inputs.model_validate(known)
    except ValidationError as error:
        refused = [
            (str(problem["loc"][0]) if problem["loc"] else "", _reason(resource, problem))
            for problem in error.errors()
            if not (problem["type"] == "missing" and problem["loc"][0] in unknown)
        ]
        if refused:
            raise Refusal(*refused) from None
        return None, news
    return (None, {**inputs.dump(), **news}) if unknown else (inputs, {})


def _reason(resource: Resource[Any], problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        served = ", ".join(
            info.alias or name for name, info in resource.Inputs.model_fields.items()
        )
        return f"{resource.token} has no such property here; it has {served}"
    where = ".".join(str(part) for part in problem["loc"][1:])
    return f"{where + ': ' if where else ''}{problem['msg']} (got {problem['input']!r})"


def planned(
    resource: Resource[Any],
    context: Context,
    news: dict[str, Any],
    of: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The properties a preview can show: all of a new resource, or what changes `of` a state."""
    outputs = {info.alias or name for name, info in resource.Outputs.model_fields.items()}
    told = {name: UNKNOWN for name in outputs if of is None} | news
    if not has_unknown(news):
        told |= resource.plan(context, resource.Inputs.model_validate(news))
    return told


def partial(resource: Resource[Any], state: Mapping[str, Any], news: dict[str, Any]) -> Diff:
    """What changes in a preview that does not know every input yet.

    An input not known is shown as changing; whether that replaces the resource cannot be told.
    """
    unknown = {key for key, value in news.items() if has_unknown(value)}
    known = compare(resource.Inputs, state, {**state, **news})
    replaces = tuple(name for name in known.replaces if name not in unknown)
    return Diff((*known.updates, *(set(known.replaces) & unknown)), replaces)


def failures(refused: Any) -> list[Any]:
    """Pairs of property and reason as the engine reads them."""
    return [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in refused]


def diff_response(
    diff: Diff, state: Mapping[str, Any], news: Mapping[str, Any], delete_first: bool = True
) -> Any:
    """A diff as the engine reads it, with the places within properties that differ.

    The engine shows what is named here and nothing else: of the rights of 1,000 people those of
    the one who gains some.
    """

    def marked(names: tuple[str, ...], suffix: str) -> dict[str, Any]:
        return {
            path: provider_pb2.PropertyDiff(kind=getattr(provider_pb2.PropertyDiff, kind + suffix))
            for name in names
            for path, kind in _places(name, state.get(name), news.get(name), name in state)
        }

    changed = bool(diff.updates or diff.replaces)
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if changed else none,
        replaces=diff.replaces,
        diffs=[*diff.updates, *diff.replaces],
        deleteBeforeReplace=bool(diff.replaces) and delete_first,
        detailedDiff=marked(diff.updates, "") | marked(diff.replaces, "_REPLACE"),
        hasDetailedDiff=True,
    )


def _places(path: str, old: Any, new: Any, there: bool) -> Iterator[tuple[str, str]]:
    """Where two values differ, as the engine's property paths, and how."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping) and old != new):
        yield path, "UPDATE" if there else "ADD"
        return
    for key in old.keys() | new.keys():
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        inner = f'{path}["{quoted}"]'
        if key not in new:
            yield inner, "DELETE"
        elif old.get(key) != new[key] or key not in old:
            yield from _places(inner, old.get(key), new[key], key in old)
