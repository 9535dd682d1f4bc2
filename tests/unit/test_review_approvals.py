"""Who may approve a change, and whose approval counts, in a real repository."""

from pathlib import Path

import pytest

from strongroom.errors import StrongroomError
from strongroom.review.words import plain
from tests.unit.review_scene import (
    ADA,
    BRAM,
    CHIARA,
    ESRA,
    History,
    lay_out,
    roster,
)

SENIOR = CHIARA.replace("mid", "senior")
ADA_HERSELF = "Ada Okonkwo <ada@example.org>"


@pytest.fixture
def promoted(tmp_path: Path) -> History:
    """A change by Chiara that makes her senior."""
    made = History(tmp_path / "repository")
    lay_out(made.folder, roster((ADA, BRAM, SENIOR, ESRA)))
    made.commit("make Chiara a senior")
    return made


def test_a_red_flag_fails_until_somebody_else_approves_it(promoted: History) -> None:
    assert promoted.review().exit_code == 3
    approved = promoted.review(approvals=("ada",))
    assert (approved.exit_code, approved.approved) == (0, True)


def test_a_change_without_a_red_flag_needs_no_approval(tmp_path: Path) -> None:
    history = History(tmp_path / "repository")
    lay_out(history.folder, roster((ADA, BRAM, CHIARA)))
    history.commit("Esra leaves")
    found = history.review()
    assert (found.exit_code, found.flags) == (0, ())
    assert [person.step for person in found.change.people if person.changed] == [
        "leaves, was junior"
    ]


def test_whoever_becomes_senior_by_the_change_cannot_approve_it(promoted: History) -> None:
    found = promoted.review(approvals=("chiara",), authors=("somebody else",))
    assert found.may_approve == ("ada", "bram")
    assert found.exit_code == 3
    assert plain(found.approvals[0].refused) == "the base lets ada or bram approve"


@pytest.mark.parametrize("by", ["esra", "nobody", "github:bram", "github:nobody", "", "ADA"])
def test_somebody_who_may_not_approve_is_refused(promoted: History, by: str) -> None:
    assert promoted.review(approvals=(by,)).exit_code == 3


def test_a_login_counts_only_for_whom_the_roster_names(promoted: History) -> None:
    assert promoted.review(approvals=("github:Ada-O",)).approved
    assert not promoted.review(approvals=("github:ada",)).approved


@pytest.mark.parametrize(
    "author", ["ada", "Ada Okonkwo", "ada@elsewhere.example", "github:ada-o", "ada.okonkwo@x.org"]
)
def test_the_author_cannot_approve_whatever_they_are_called(promoted: History, author: str) -> None:
    found = promoted.review(approvals=("ada",), authors=(author,))
    assert found.exit_code == 3
    assert "the change was made by" in plain(found.approvals[0].refused)
    assert promoted.review(approvals=("ada", "bram"), authors=(author,)).exit_code == 0


@pytest.mark.parametrize(
    "who", [ADA_HERSELF, "A <ada@home.example>", "x <1234+Ada-O@users.noreply.github.com>"]
)
def test_who_made_a_commit_of_the_change_cannot_approve_it(promoted: History, who: str) -> None:
    promoted.commit("a small correction", who=who)
    assert not promoted.review(approvals=("ada",)).approved
    assert promoted.review(approvals=("bram",)).approved


def test_a_co_author_cannot_approve(promoted: History) -> None:
    promoted.commit(f"together\n\nCo-authored-by: {ADA_HERSELF}")
    assert not promoted.review(approvals=("ada",)).approved


def test_a_name_with_separators_in_it_hides_no_author(promoted: History) -> None:
    promoted.commit("sly", who="x\x1f\x1e\x1d\ty <ada@example.org>")
    assert not promoted.review(approvals=("ada",)).approved


def test_who_merged_may_have_approved_as_well(promoted: History) -> None:
    base = promoted.git("rev-parse", "main")
    promoted.git("switch", "--quiet", "main")
    promoted.git("merge", "--quiet", "--no-ff", "--no-edit", "change", who=ADA_HERSELF)
    merge = promoted.git("rev-parse", "HEAD")
    assert not promoted.review(base=base, approvals=("ada",)).approved
    assert promoted.review(base=base, approvals=("ada",), merge=merge).approved
    assert not promoted.review(base=base, approvals=("chiara",), merge=merge).approved


def test_a_trailer_counts_only_where_it_may(promoted: History) -> None:
    promoted.commit("a reason\n\nApproved-by: bram")
    assert promoted.review().approved
    assert not promoted.review(trailers=False).approved
    assert any("whoever writes a commit" in plain(note) for note in promoted.review().notes)


def test_approvers_named_by_the_base_are_the_only_ones(tmp_path: Path) -> None:
    history = History(tmp_path / "repository")
    lay_out(history.folder, roster(), {"elevationApprovers": ["bram"]})
    history.commit("only Bram approves")
    history.git("branch", "--force", "main", "change")
    lay_out(history.folder, roster((ADA, BRAM, SENIOR)), {"elevationApprovers": ["ada"]})
    history.commit("Chiara, and Ada approves")
    assert history.review(approvals=("ada",)).exit_code == 3
    assert history.review(approvals=("bram",)).exit_code == 0


def test_a_base_without_a_roster_makes_everything_new_and_lets_nobody_approve(
    tmp_path: Path,
) -> None:
    history = History(tmp_path / "repository")
    (history.folder / "stacks" / "engineers.yaml").write_text("engineers: [\n")
    history.commit("broken")
    history.git("branch", "--force", "main", "change")
    lay_out(history.folder, roster())
    history.commit("mended")
    found = history.review(approvals=("ada",))
    assert (found.exit_code, found.may_approve) == (3, ())
    assert sorted(person.step for person in found.change.people) == [
        "new: junior",
        "new: mid",
        "new: senior",
        "new: senior",
    ]
    note = plain(found.notes[0])
    assert "every right counts as new" in note
    assert str(tmp_path) not in note


def test_a_link_in_the_base_is_not_followed(tmp_path: Path) -> None:
    history = History(tmp_path / "repository")
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(roster((SENIOR,)))
    path = history.folder / "stacks" / "engineers.yaml"
    path.unlink()
    path.symlink_to(elsewhere)
    history.commit("a link")
    found = history.review(base="change")
    assert found.change.before.roster is None
    assert found.may_approve == ()


def test_the_files_of_a_revision_are_judged_without_checking_it_out(promoted: History) -> None:
    promoted.git("switch", "--quiet", "main")
    here, there = promoted.review(), promoted.review(head="change")
    assert (here.exit_code, there.exit_code) == (0, 3)
    assert there.tree == promoted.git("rev-parse", "change^{tree}")


def test_what_is_not_committed_is_reviewed_and_has_a_hash_of_its_own(promoted: History) -> None:
    before = promoted.review()
    assert before.tree == promoted.git("rev-parse", "HEAD^{tree}")
    (promoted.folder / "Makefile").write_text("all:\n")
    after = promoted.review()
    assert after.tree != before.tree
    assert "changes-itself" in [flag.kind for flag in after.flags]
    assert promoted.git("status", "--porcelain") == "?? Makefile"


def test_a_branch_that_lacks_commits_of_the_base_is_told_so(promoted: History) -> None:
    promoted.git("switch", "--quiet", "main")
    promoted.commit("meanwhile")
    promoted.git("switch", "--quiet", "change")
    assert any("lacks a commit" in plain(note) for note in promoted.review().notes)


@pytest.mark.parametrize("base", ["nowhere", "--output=/tmp/x", "main..change"])
def test_a_base_that_is_no_commit_is_refused(promoted: History, base: str) -> None:
    with pytest.raises(StrongroomError, match="is no commit of this repository"):
        promoted.review(base=base)
