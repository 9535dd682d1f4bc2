"""The journal of a drill's application against what the database holds: every harm is found."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from strongroom.drill.forms import Form, forms
from strongroom.drill.journal import End, Entry, Journal, Writer
from strongroom.drill.verifying import Saved, Verdict, compare
from strongroom.errors import StrongroomError


def _journal(*ends: End) -> Journal:
    made = islice(forms("r1", 0), len(ends))
    pairs = zip(made, ends, strict=True)
    return Journal({form.id: Entry(form, n, end, n + 0.5) for n, (form, end) in enumerate(pairs)})


def _saved(journal: Journal) -> list[Saved]:
    return [Saved(each.form, each.form.total) for each in journal.entries.values()]


ALL = _journal(*[End.ACKNOWLEDGED] * 4)


def _names() -> list[str]:
    return list(ALL.entries)


def test_a_database_that_holds_what_was_acknowledged_is_sound() -> None:
    verdict = compare(ALL, _saved(ALL))
    assert verdict.problems == []
    assert verdict.acknowledged == 4
    assert verdict.rows == sum(1 + len(each.form.lines) for each in ALL.entries.values())


def test_a_lost_form_is_found() -> None:
    verdict = compare(ALL, _saved(ALL)[1:])
    assert verdict.lost == (_names()[0],)
    assert "1 forms acknowledged and lost" in verdict.problems[0]


def test_a_form_without_one_of_its_lines_is_found() -> None:
    first, *rest = _saved(ALL)
    halved = replace(first, form=replace(first.form, lines=first.form.lines[:-1]))
    assert compare(ALL, [halved, *rest]).halved == (_names()[0],)


def test_a_form_with_a_line_too_many_is_found() -> None:
    first, *rest = _saved(ALL)
    doubled = replace(first, form=replace(first.form, lines=first.form.lines * 2))
    assert compare(ALL, [doubled, *rest]).halved == (_names()[0],)


def _other_note(form: Form) -> Form:
    return replace(form, note=form.note + " ")


def _other_price(form: Form) -> Form:
    first, *rest = form.lines
    return replace(form, lines=(replace(first, price=first.price + 1), *rest))


@pytest.mark.parametrize("change", [_other_note, _other_price])
def test_a_changed_row_is_found(change: object) -> None:
    first, *rest = _saved(ALL)
    assert callable(change)
    verdict = compare(ALL, [replace(first, form=change(first.form)), *rest])
    assert verdict.changed == (_names()[0],)


def test_an_order_whose_sum_was_changed_is_found() -> None:
    first, *rest = _saved(ALL)
    assert compare(ALL, [replace(first, total=first.total + 1), *rest]).changed == (_names()[0],)


def test_lines_without_their_order_and_forms_nobody_sent_are_found() -> None:
    stranger = replace(ALL.entries[_names()[0]].form, id="r9-w0-1")
    found = compare(ALL, [*_saved(ALL), Saved(stranger, stranger.total)], strays=["r1-w3-7"])
    assert found.strange == ("r9-w0-1", "r1-w3-7")


def test_what_was_cut_off_before_its_commit_must_not_be_there() -> None:
    journal = _journal(End.ACKNOWLEDGED, End.CUT_OFF)
    saved = _saved(journal)
    assert compare(journal, saved[:1]).problems == []
    assert compare(journal, saved).undead == (list(journal.entries)[1],)


def test_a_commit_without_an_answer_may_be_there_or_not_and_is_counted_apart() -> None:
    journal = _journal(End.ACKNOWLEDGED, End.UNKNOWN)
    saved = _saved(journal)
    for there, count in ((saved, 1), (saved[:1], 0)):
        verdict = compare(journal, there)
        assert verdict.problems == []
        assert (verdict.unsure, verdict.unsure_saved) == (1, count)


def test_a_commit_without_an_answer_must_not_be_there_by_half() -> None:
    journal = _journal(End.UNKNOWN, End.ACKNOWLEDGED)
    first, second = _saved(journal)
    halved = replace(first, form=replace(first.form, lines=()))
    assert compare(journal, [halved, second]).halved == (first.form.id,)


def test_wrong_sums_and_a_changed_past_are_told() -> None:
    verdict = compare(ALL, _saved(ALL), sums=[3], history=False)
    assert len(verdict.problems) == 2


def test_an_application_that_was_never_told_anything_proves_nothing() -> None:
    assert compare(Journal(), []).problems
    assert Verdict(0, 0).problems


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writer = Writer(path)
    made = list(islice(forms("r1", 2), 3))
    for form, end in zip(made, (End.ACKNOWLEDGED, End.CUT_OFF, None), strict=True):
        writer.begin(form)
        if end:
            writer.end(form, end)
    writer.close()
    journal = Journal.read([path])
    assert [each.form for each in journal.entries.values()] == made
    ends = [each.end for each in journal.entries.values()]
    assert ends == [End.ACKNOWLEDGED, End.CUT_OFF, End.UNKNOWN]


def test_a_line_that_was_cut_short_by_the_end_is_left_out_and_one_in_the_middle_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.jsonl"
    form = next(forms("r1", 0))
    begun = json.dumps({"begin": form.dump(), "at": 1.0})
    path.write_text(f'{begun}\n{{"form": "r1-w0-1", "en')
    assert Journal.read([path]).entries[form.id].end is End.UNKNOWN
    path.write_text(f"{begun}\n{{]\n{begun}\n")
    with pytest.raises(StrongroomError, match="Line 2 of"):
        Journal.read([path])
