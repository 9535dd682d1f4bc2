"""What repeats itself is told a few times, and then how often more."""

from datetime import UTC, datetime, timedelta

from strongroom.alerts import Alert
from strongroom.watch.bursts import Bursts
from strongroom.watch.telling import REFUSED, Told

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def _told(second: int, who: str = "ada", kind: str = REFUSED) -> Told:
    alert = Alert(START + timedelta(seconds=second), kind, f"Refused: {who}", "")
    return Told(f"{who}{second}", alert, who)


def test_a_loop_is_told_three_times_and_then_counted_over_a_restart() -> None:
    bursts = Bursts({})
    assert [bursts.let(_told(second)) for second in range(5)] == [True, True, True, False, False]
    assert bursts.let(_told(6, "bram"))
    again = Bursts(bursts.dump())
    assert not again.let(_told(7))
    assert again.ended(START + timedelta(minutes=9)) == []
    (more,) = again.ended(START + timedelta(minutes=11))
    assert more.alert.title == "3 more like it within 10 minutes: Refused: ada"
    assert again.ended(START + timedelta(minutes=12)) == []
    assert again.let(_told(800))
