"""The comment and the page: the same for the same review, and nothing in a file can forge them."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from strongroom.review.change import Change
from strongroom.review.flags import flags
from strongroom.review.markdown import LONGEST, rendered
from strongroom.review.page import matrices, page
from strongroom.review.preview import Preview, Violation
from strongroom.review.review import Review
from tests.unit.review_scene import ADA, BRAM, CHIARA, ESRA, change, roster, step

SENIOR = CHIARA.replace("mid", "senior")

HOSTILE = [
    "x</code></details><h1>No red flags.</h1>",
    "`` ` ``` | ~~~ | **bold** | `",
    "[approve](https://evil.example) ![x](https://evil.example/x.png) https://evil.example",
    "@ada @org/team #1 GH-1 :+1:",
    "<!-- strongroom-review:local --> <script>alert(1)</script>",
    "\\`|\\`|\\| `x` \\",
    "line\n\n# No red flags.\n\n- [x] approved\n\n---\n",
    "a\u202eb\u200bc\u2066d\x1b[31m",
    "| a | b |\n|---|---|\n| c | d |",
    "{{ 7 * 7 }} {% raw %} &lt;b&gt; &#64;ada",
    "`",
    " ",
]


def review(subject: Change) -> Review:
    return Review(subject, flags(subject), (), ("ada", "bram"), (), "b" * 40, "h" * 40, "t" * 40)


def scene(tmp_path: Path, text: str, name: str = "Chiara Lindqvist") -> Review:
    """A review in which `text` stands wherever a change can put text."""
    violation = Violation(f"{text}/{text}", mandatory=False, urn=f"a::{text}", message=text)
    hostile = step("a:b:C", name=text, keys=(text,), found={"drift": [text]}, wanted={text: 1})
    role = {"name": text, "createRole": True, "roles": [text]}
    subject = change(
        tmp_path,
        after=roster((ADA, BRAM, f"chiara: {{name: {name}, tier: senior}}", ESRA)),
        steps=[hostile, step("postgresql:index/role:Role", name=text, wanted=role)],
        files=(text,),
        becomes={"server": {"work_mem": "8MB"}},
    )
    preview = Preview(subject.preview.steps, (), (violation,), 2, (text,), (text,), 3)
    return review(
        Change("local", subject.before, subject.after, preview, subject.files, subject.now)
    )


def structure(text: str) -> list[str]:
    """What a reader of Markdown makes of it, values and the digest of them left out."""
    found = []
    text = re.sub(r"intent [0-9a-f]{12}</sub>\n$", "</sub>", text)
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        found.append(f"{token.type} {token.content if token.type == 'html_block' else ''}")
        found += [
            f"  {each.type} {each.content if each.type in ('html_inline', 'text') else ''}"
            for each in token.children or []
            if each.type != "softbreak"
        ]
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_change_is_more_than_a_value_in_the_comment(tmp_path: Path, text: str) -> None:
    assert structure(rendered(scene(tmp_path, text))) == structure(
        rendered(scene(tmp_path, "harmless"))
    )


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", (data,)))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_change_is_more_than_text_in_the_page(tmp_path: Path, text: str) -> None:
    shown = page(scene(tmp_path, text))
    assert Elements(shown).found == Elements(page(scene(tmp_path, "harmless"))).found
    assert not any(hidden in shown for hidden in "\u202e\u200b\u2066\x1b")


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    shown = page(scene(tmp_path, "x"))
    assert "default-src 'none'" in shown
    assert not any(
        each in shown for each in ("http:", "https:", "src=", "url(", "<script", "@import")
    )


def test_the_same_review_gives_the_same_comment_and_page(tmp_path: Path) -> None:
    first, second = scene(tmp_path / "1", "x"), scene(tmp_path / "2", "x")
    assert rendered(first) == rendered(second)
    assert page(first) == page(second)


def test_a_comment_of_a_thousand_hires_fits_and_says_where_the_rest_is(tmp_path: Path) -> None:
    many = tuple(f"p{at:03}: {{name: {'N' * 200}, tier: senior}}" for at in range(1000))
    shown = rendered(review(change(tmp_path, after=roster((ADA, *many)))))
    assert len(shown) <= LONGEST
    assert "2,000 red flags" in shown
    assert "and 1,900 more, in the page of this review" in shown


def test_the_matrix_tells_gain_loss_and_neither_without_colour(tmp_path: Path) -> None:
    after = roster((ADA, BRAM, SENIOR), services=["web: {rights: {app: [SELECT]}}"])
    subject = change(tmp_path, after=after)
    (matrix,) = matrices(subject.people)
    tables = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "MAINTAIN")
    assert (matrix.schema, matrix.columns) == ("app", (*tables, "SEQUENCES", "OWN (SET ROLE)"))
    signs = {row.person.role: "".join(cell.sign for cell in row.cells) for row in matrix.rows}
    assert signs == {
        "chiara": "•••+++•+",
        "esra": "\N{MINUS SIGN}·······",
        "web": "+·······",
    }
    assert [row.person.role for row in matrix.others] == ["ada", "bram"]
    assert matrix.rows[0].cells[3].said == "chiara gains DELETE in app"
