"""The table of all rules in docs/policies.md: `python -m policy.table` writes it anew."""

from pathlib import Path

from policy.rules import RULES

PAGE = Path(__file__).parents[1] / "docs" / "policies.md"
_START = "| rule |"


def table() -> str:
    """Every rule with what it says, what to do, and the published controls it covers."""
    rows = [
        f"| `{rule.name}` | {rule.title} | {', '.join(rule.controls)} | {rule.remedy} |"
        for rule in RULES
    ]
    return "\n".join([f"{_START} what holds | controls | what to do |", "|---|---|---|---|", *rows])


def written(page: str) -> str:
    """A page with the table of now in place of the one it ends with."""
    return page[: page.index(_START)] + table() + "\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
