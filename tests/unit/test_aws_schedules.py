"""Schedules on AWS: never longer between two times than was asked for, and after RDS's window."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from components.aws import schedules

WINDOW = "02:00-03:30"


def _fields(schedule: str) -> list[str]:
    assert schedule.startswith("cron(")
    return schedule.removeprefix("cron(").removesuffix(")").split(" ")


def test_backups_are_no_further_apart_than_asked_for() -> None:
    for hours in range(1, 168):
        minute, times, *rest = _fields(schedules.every_hours(hours, WINDOW))
        assert rest == ["*", "*", "?", "*"]
        assert minute == "30"
        found = [int(each) for each in times.split(",")]
        assert 4 in found
        gaps = {(after - before) % 24 or 24 for before, after in pairwise([*found, found[0]])}
        assert len(gaps) == 1
        assert gaps.pop() <= hours


def test_a_week_is_a_week() -> None:
    assert schedules.every_hours(168, WINDOW) == "cron(30 4 ? * SUN *)"
    assert schedules.every_days(7, WINDOW) == "cron(30 7 ? * SUN *)"


def test_the_first_of_a_month_is_kept_longer() -> None:
    assert schedules.every_month(WINDOW) == "cron(30 4 1 * ? *)"
    assert schedules.every_month("22:30-23:15") == "cron(15 0 1 * ? *)"


@pytest.mark.parametrize("days", [1, 2, 3, 5, 6, 8, 14, 28, 29, 30, 31, 45, 62, 90, 180, 365])
def test_restore_tests_are_no_further_apart_than_asked_for(days: int) -> None:
    _, _, day, month, _, _ = _fields(schedules.every_days(days, WINDOW))
    runs = [
        each
        for each in (date(2026, 1, 1) + timedelta(days=passed) for passed in range(2 * 365))
        if _at(day, each.day) and _at(month, each.month)
    ]
    assert len(runs) > 1
    gaps = {(after - before).days for before, after in pairwise(runs)}
    assert max(gaps) <= days


def _at(field: str, value: int) -> bool:
    """Whether a field of a schedule, from 1 on, is at a value."""
    if field == "*":
        return True
    start, _, step = field.partition("/")
    return (value - int(start)) % int(step) == 0 if step else value == int(start)
