"""What the plugin answers the engine: refusals, previews, diffs and errors."""

# ruff: noqa: ARG005 - handlers share one signature

from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from strongroom.provider.resource import Context, Diff, Properties, Refusal
from strongroom.provider.server import Plugin, _Servicer
from strongroom.provider.values import UNKNOWN, from_struct, to_struct
from tests.unit.toy_plugin import URN, AbortedError, Box, BoxInputs, Call


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def servicer(box: Box) -> _Servicer:
    return _Servicer(Plugin("toy", "1.2.3", "Toys.", lambda: [box]), "127.0.0.1:9")


def _check(servicer: _Servicer, news: dict[str, Any], **olds: Any) -> Any:
    request = provider_pb2.CheckRequest(urn=URN, news=to_struct(news), olds=to_struct(olds))
    return servicer.Check(request, Call())


def _failures(response: Any) -> list[tuple[str, str]]:
    return [(failure.property, failure.reason) for failure in response.failures]


def _diff(servicer: _Servicer, state: dict[str, Any], news: dict[str, Any]) -> Any:
    request = provider_pb2.DiffRequest(urn=URN, olds=to_struct(state), news=to_struct(news))
    return servicer.Diff(request, Call())


def test_sound_inputs_come_back_with_their_defaults(servicer: _Servicer) -> None:
    response = _check(servicer, {"place": "here"})
    assert not response.failures
    assert from_struct(response.inputs) == {"place": "here", "size": 1, "labels": {}}


def test_the_last_inputs_are_at_hand(servicer: _Servicer) -> None:
    assert from_struct(_check(servicer, {"place": "here"}, size=5).inputs)["size"] == 5


def test_every_mistake_is_told_at_once_with_property_and_value(servicer: _Servicer) -> None:
    failures = _failures(_check(servicer, {"size": 0, "labels": {"a": 3}, "colour": "red"}))
    assert [name for name, _ in failures] == ["place", "size", "labels", "colour"]
    told = dict(failures)
    assert "(got 0)" in told["size"]
    assert told["labels"].startswith("a: ")
    assert "no such property here; it has place, size, labels" in told["colour"]


def test_what_a_resource_refuses_is_told_property_by_property(servicer: _Servicer) -> None:
    failures = _failures(_check(servicer, {"place": "nowhere"}))
    assert failures == [("place", "nowhere is no place"), ("size", "nothing fits")]


def test_inputs_not_known_yet_pass_the_check_as_they_are(servicer: _Servicer) -> None:
    response = _check(servicer, {"place": UNKNOWN, "labels": {"a": UNKNOWN}})
    assert not response.failures
    inputs = from_struct(response.inputs)
    assert inputs["place"] is UNKNOWN
    assert inputs["labels"] == {"a": UNKNOWN}


def test_what_is_known_is_judged_even_if_something_else_is_not(servicer: _Servicer) -> None:
    failures = _failures(_check(servicer, {"place": UNKNOWN, "size": 0}))
    assert [name for name, _ in failures] == ["size"]


def test_a_preview_makes_nothing_and_shows_what_can_be_told(servicer: _Servicer, box: Box) -> None:
    request = provider_pb2.CreateRequest(
        urn=URN, properties=to_struct({"place": "here"}), preview=True
    )
    shown = from_struct(servicer.Create(request, Call()).properties)
    assert shown == {"place": "here", "weight": UNKNOWN, "drift": []}
    assert box.done == []


def test_a_preview_with_unknown_inputs_shows_every_output_as_unknown(
    servicer: _Servicer, box: Box
) -> None:
    request = provider_pb2.CreateRequest(
        urn=URN, properties=to_struct({"place": UNKNOWN}), preview=True
    )
    shown = from_struct(servicer.Create(request, Call()).properties)
    assert shown == {"place": UNKNOWN, "weight": UNKNOWN, "drift": UNKNOWN}


def test_a_preview_of_an_update_keeps_the_outputs_that_do_not_change(
    servicer: _Servicer, box: Box
) -> None:
    state = {"place": "here", "size": 1, "weight": 7, "drift": ["moved"]}
    request = provider_pb2.UpdateRequest(
        id="box-1", urn=URN, olds=to_struct(state), news=to_struct({**_inputs(size=2)}),
        preview=True,
    )  # fmt: skip
    shown = from_struct(servicer.Update(request, Call()).properties)
    assert shown == {"place": "here", "size": 2, "labels": {}, "weight": 7, "drift": []}
    assert box.done == []


def _inputs(**changes: Any) -> dict[str, Any]:
    return {"place": "here", "size": 1, "labels": {}, **changes}


def test_create_hands_typed_inputs_over_and_asks_to_be_read_first(
    servicer: _Servicer, box: Box
) -> None:
    request = provider_pb2.CreateRequest(urn=URN, properties=to_struct(_inputs(size=3)))
    response = servicer.Create(request, Call())
    assert box.done == [("create", BoxInputs(place="here", size=3))]
    assert (response.id, response.refresh_before_update) == ("box-1", True)
    assert from_struct(response.properties)["weight"] == 7


def test_nothing_changed_is_no_diff(servicer: _Servicer) -> None:
    response = _diff(servicer, {**_inputs(), "weight": 7, "drift": []}, _inputs())
    assert response.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert not response.detailedDiff


def test_a_change_in_place_is_told_by_property(servicer: _Servicer) -> None:
    response = _diff(servicer, _inputs(), _inputs(size=2, labels={"a": "b"}))
    assert response.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert set(response.diffs) == {"size", "labels"}
    assert not response.replaces
    assert not response.deleteBeforeReplace


def test_what_differs_within_a_map_is_told_place_by_place(servicer: _Servicer) -> None:
    before = {"same": "1", "other": "2", "gone": "3"}
    after = {"same": "1", "other": "4", 'a "new" one': "5"}
    response = _diff(servicer, _inputs(labels=before), _inputs(labels=after))
    kinds = provider_pb2.PropertyDiff
    assert {path: entry.kind for path, entry in response.detailedDiff.items()} == {
        'labels["other"]': kinds.UPDATE,
        'labels["gone"]': kinds.DELETE,
        'labels["a \\"new\\" one"]': kinds.ADD,
    }


def test_a_property_that_was_not_there_is_added(servicer: _Servicer) -> None:
    state = _inputs()
    del state["labels"]
    response = _diff(servicer, state, _inputs(labels={"a": "b"}))
    assert response.detailedDiff["labels"].kind == provider_pb2.PropertyDiff.ADD


def test_a_replacement_is_told_and_deletes_first(servicer: _Servicer) -> None:
    response = _diff(servicer, _inputs(), _inputs(place="there", size=2))
    assert list(response.replaces) == ["place"]
    assert response.deleteBeforeReplace
    assert response.detailedDiff["place"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    assert response.detailedDiff["size"].kind == provider_pb2.PropertyDiff.UPDATE


def test_an_input_not_known_yet_is_shown_as_changing(servicer: _Servicer) -> None:
    response = _diff(servicer, _inputs(), _inputs(place=UNKNOWN, size=2))
    assert set(response.detailedDiff) == {"place", "size"}
    assert not response.replaces


def test_a_resource_that_is_gone_is_read_as_nothing(servicer: _Servicer) -> None:
    request = provider_pb2.ReadRequest(id="gone", urn=URN, properties=to_struct(_inputs()))
    assert servicer.Read(request, Call()).id == ""


def test_reading_keeps_the_inputs_as_they_were_given(servicer: _Servicer) -> None:
    request = provider_pb2.ReadRequest(
        id="box-1", urn=URN, properties=to_struct(_inputs(size=9)), inputs=to_struct(_inputs())
    )
    response = servicer.Read(request, Call())
    assert from_struct(response.inputs) == _inputs()
    assert from_struct(response.properties) == {**_inputs(size=9), "drift": ["moved"]}
    assert response.refresh_before_update


def test_a_type_that_is_not_served_is_refused_by_name(servicer: _Servicer) -> None:
    call = Call()
    urn = URN.replace("Box", "Chest")
    with pytest.raises(AbortedError):
        servicer.Check(provider_pb2.CheckRequest(urn=urn), call)
    assert call.code is grpc.StatusCode.FAILED_PRECONDITION
    assert call.details.startswith("toy:index:Chest is not served by this toy plugin (1.2.3)")
    assert "It serves toy:index:Box" in call.details


def test_an_error_meant_for_people_reaches_them_as_it_is(servicer: _Servicer) -> None:
    call = Call()
    with pytest.raises(AbortedError):
        servicer.Delete(provider_pb2.DeleteRequest(id="box-1", urn=URN), call)
    assert (call.code, call.details) == (grpc.StatusCode.FAILED_PRECONDITION, "a box stays")


def test_an_unexpected_error_is_one_line_without_a_traceback(
    servicer: _Servicer, box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    box.error = ValueError("first\n  second")
    call = Call()
    request = provider_pb2.CreateRequest(urn=URN, properties=to_struct(_inputs()))
    with pytest.raises(AbortedError):
        servicer.Create(request, call)
    assert call.code is grpc.StatusCode.INTERNAL
    assert call.details.startswith("ValueError: first second (unexpected; set STRONGROOM_DEBUG=1")
    assert capsys.readouterr().err == ""


def test_an_unexpected_error_shows_its_traceback_when_asked(
    servicer: _Servicer, box: Box, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("STRONGROOM_DEBUG", "1")
    box.error = ValueError("why")
    request = provider_pb2.CreateRequest(urn=URN, properties=to_struct(_inputs()))
    with pytest.raises(AbortedError):
        servicer.Create(request, Call())
    assert "Traceback" in capsys.readouterr().err


def test_a_line_that_no_engine_takes_is_printed_and_does_no_harm(
    servicer: _Servicer, capsys: pytest.CaptureFixture[str]
) -> None:
    servicer._context(URN).say("working")
    assert capsys.readouterr().err == "working\n"


def test_the_plugin_does_not_ask_for_secrets_and_supports_previews(servicer: _Servicer) -> None:
    response = servicer.Configure(provider_pb2.ConfigureRequest(), Call())
    assert not response.acceptSecrets
    assert response.supportsPreview
    assert servicer.GetPluginInfo(None, None).version == "1.2.3"


def test_a_context_knows_the_name_in_the_program() -> None:
    assert Context(urn=URN).name == "box"


def test_refusals_read_as_one_sentence_too() -> None:
    assert str(Refusal(("a", "no"), ("b", "never"))) == "a: no; b: never"


def test_an_engine_name_is_camel_case_and_absent_values_are_left_out() -> None:
    class Some(Properties):
        some_name: int
        not_there: str | None = None

    assert Some(some_name=1).dump() == {"someName": 1}
    assert Some.model_validate({"someName": 1}) == Some(some_name=1)


def test_a_resource_that_compares_itself_has_the_last_word(servicer: _Servicer, box: Box) -> None:
    box.diff = lambda context, state, inputs: Diff(updates=("drift",))  # type: ignore[method-assign]
    response = _diff(servicer, {**_inputs(), "drift": ["moved"]}, _inputs())
    assert list(response.detailedDiff) == ["drift"]
