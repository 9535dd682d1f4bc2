"""What a transaction did all in all, told from the records of its rows."""

from strongroom.incident.waldump import Record
from strongroom.reconcile.traces import Net, Trace

_FILE = "1663/5/16400"


def _net(*texts: str) -> Net:
    traced = Trace(7, 1, 1)
    for lsn, text in enumerate(texts, start=1):
        traced.take(Record("Heap", 7, lsn, f"{text}, blkref #0: rel {_FILE} blk 3"))
    return traced.nets().get(_FILE, Net())


def test_a_row_that_is_made_and_changed_is_one_row_made() -> None:
    net = _net("INSERT off: 1, flags: 0x00", "HOT_UPDATE old_xmax: 7, old_off: 1, new_off: 2")
    assert (net.made, net.gone) == ({(3, 2): None}, set())


def test_a_row_that_is_changed_twice_replaces_the_one_before_both() -> None:
    net = _net("UPDATE old_off: 5, new_off: 6", "UPDATE old_off: 6, new_off: 7")
    assert net.made == {(3, 7): (3, 5)}


def test_a_row_that_is_made_and_deleted_is_nothing() -> None:
    assert _net("INSERT off: 1", "DELETE off: 1") == Net()


def test_a_row_that_is_changed_and_deleted_is_the_one_before_deleted() -> None:
    net = _net("UPDATE old_off: 5, new_off: 6", "DELETE off: 6")
    assert (net.made, net.gone) == ({}, {(3, 5)})


def test_a_row_that_moves_to_another_block_is_followed() -> None:
    traced = Trace(7, 1, 1)
    blocks = f"blkref #0: rel {_FILE} blk 9, blkref #1: rel {_FILE} blk 3"
    traced.take(Record("Heap", 7, 1, f"UPDATE old_off: 5, new_off: 1, {blocks}"))
    assert traced.nets()[_FILE].made == {(9, 1): (3, 5)}


def test_rows_that_are_copied_in_are_told_one_by_one() -> None:
    fresh = _net("MULTI_INSERT+INIT ntuples: 3, flags: 0x02")
    assert sorted(fresh.made) == [(3, 1), (3, 2), (3, 3)]
    added = _net("MULTI_INSERT ntuples: 2, flags: 0x02, offsets: [4, 9]")
    assert sorted(added.made) == [(3, 4), (3, 9)]


def test_of_very_many_rows_the_rest_is_only_counted() -> None:
    net = _net(*["MULTI_INSERT+INIT ntuples: 200, flags: 0x02"] * 101)
    assert net.uncounted == 200


def test_catalogs_are_told_apart_from_tables() -> None:
    traced = Trace(7, 1, 1)
    traced.take(Record("Heap", 7, 1, "INSERT off: 1, blkref #0: rel 1663/5/1259 blk 0"))
    assert (traced.catalogs, traced.nets()) == (True, {})
