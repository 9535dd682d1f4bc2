"""The log is followed over days, torn lines and files that were replaced."""

from pathlib import Path

from strongroom.watch.tail import Place, back, now, read

TODAY, TOMORROW = "postgresql-2026-11-23.json", "postgresql-2026-11-24.json"


def test_a_line_that_is_still_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    log = tmp_path / TODAY
    log.write_text('{"a": 1}\n{"b"')
    lines, place = read(tmp_path, Place())
    assert lines == b'{"a": 1}\n'
    log.write_text('{"a": 1}\n{"b": 2}\n')
    lines, place = read(tmp_path, place)
    assert lines == b'{"b": 2}\n'
    assert read(tmp_path, place) == (b"", place)


def test_it_goes_on_in_the_next_days_file(tmp_path: Path) -> None:
    (tmp_path / TODAY).write_text("a\n")
    place = now(tmp_path)
    (tmp_path / TODAY).write_text("a\nb\n")
    (tmp_path / TOMORROW).write_text("c\n")
    lines, place = read(tmp_path, place)
    assert lines == b"b\n"
    lines, place = read(tmp_path, place)
    assert (lines, place.file) == (b"c\n", TOMORROW)


def test_a_file_that_was_removed_or_replaced_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / TODAY).write_text("a\n")
    place = now(tmp_path)
    (tmp_path / TODAY).rename(tmp_path / "kept")
    (tmp_path / "other").write_text("x\n")
    (tmp_path / "other").rename(tmp_path / TODAY)
    assert read(tmp_path, place)[0] == b"x\n"
    (tmp_path / TODAY).unlink()
    (tmp_path / TOMORROW).write_text("c\n")
    assert read(tmp_path, place)[0] == b"c\n"


def test_little_is_read_at_once_and_nothing_is_left_out(tmp_path: Path) -> None:
    (tmp_path / TODAY).write_text("".join(f"line {n}\n" for n in range(100)))
    found, place = b"", Place()
    while True:
        lines, place = read(tmp_path, place, most=64)
        if not lines:
            break
        found += lines
    assert found == (tmp_path / TODAY).read_bytes()


def test_going_back_ends_where_a_line_begins(tmp_path: Path) -> None:
    (tmp_path / TODAY).write_text("first\nsecond\nthird\n")
    place = now(tmp_path)
    assert read(tmp_path, back(tmp_path, place, 9))[0] == b"third\n"
    assert read(tmp_path, back(tmp_path, place, 6))[0] == b"third\n"
    assert back(tmp_path, place, 1000).offset == 0


def test_a_folder_without_logs_is_the_beginning(tmp_path: Path) -> None:
    assert now(tmp_path) == Place()
    (tmp_path / TODAY).write_text("a\n")
    assert read(tmp_path, Place())[0] == b"a\n"
