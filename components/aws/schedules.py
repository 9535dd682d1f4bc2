"""When AWS does something, from a number of hours or days and RDS's own window."""

#: A day's hours are divided evenly or not at all: an expression begins anew every day.
_PARTS_OF_A_DAY = (1, 2, 3, 4, 6, 8, 12, 24)
_WEEK_HOURS = 168
_LONGEST_MONTH = 31


def every_hours(hours: int, window: str) -> str:
    """A schedule with at most so many hours between two times.

    What does not divide a day is done more often rather than less: every 5 hours becomes every 4,
    every 36 becomes every day. A whole week is a week.

    Args:
        hours: 1 to 168.
        window: RDS's backup window, hh:mm-hh:mm in UTC. AWS Backup may not begin in it or in the
            hour before it, so it begins an hour after its end.
    """
    hour, minute = _after(window)
    if hours >= _WEEK_HOURS:
        return f"cron({minute} {hour} ? * SUN *)"
    step = max(part for part in _PARTS_OF_A_DAY if part <= hours)
    times = sorted((hour + step * each) % 24 for each in range(24 // step))
    return f"cron({minute} {','.join(map(str, times))} * * ? *)"


def every_month(window: str) -> str:
    """The first day of every month, an hour after RDS's backup window."""
    hour, minute = _after(window)
    return f"cron({minute} {hour} 1 * ? *)"


def every_days(days: int, window: str) -> str:
    """A schedule with at most so many days between two times, three hours after `every_hours`.

    Args:
        days: 1 to 365.
        window: RDS's backup window.
    """
    hour, minute = _after(window, hours=4)
    if days == 1:
        return f"cron({minute} {hour} * * ? *)"
    if days == 7:
        return f"cron({minute} {hour} ? * SUN *)"
    if days < _LONGEST_MONTH:
        return f"cron({minute} {hour} 1/{days} * ? *)"
    months = days // _LONGEST_MONTH
    return f"cron({minute} {hour} 1 1/{months} ? *)"


def _after(window: str, hours: int = 1) -> tuple[int, int]:
    """The time of day some hours after a window's end."""
    end = window.partition("-")[2]
    hour, minute = map(int, end.split(":"))
    return (hour + hours) % 24, minute
