"""Rows as they lie in a table's file, and pages on which the server reads them as if committed.

A row that was never committed is in its file until a vacuum, and no query shows it. Its bytes, put
on a page of their own and marked as committed, are read by the server like any others: every type,
compressed or not, without a decoder of ours. Layouts are those of PostgreSQL 17's
storage/bufpage.h, access/htup_details.h and storage/checksum_impl.h.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from strongroom.reconcile.traces import Place

PAGE = 8192
_SEGMENT_PAGES = 131_072  # a file of a relation holds 1 GB

_MASK = 0xFFFFFFFF
# PageHeaderData: LSN, checksum, flags, lower, upper, special, size and version, prune xid.
_HEADER = struct.Struct("<QHHHHHHI")
_VERSION = PAGE | 4
_ITEM = struct.Struct("<I")
_NORMAL = 1  # LP_NORMAL
# HeapTupleHeaderData up to the bitmap: xmin, xmax, cid, ctid (block high, low, number), two
# masks, the header's length.
_TUPLE = struct.Struct("<IIIHHHHHB")
_SHAPE = 0x0007  # HEAP_HASNULL, HEAP_HASVARWIDTH, HEAP_HASEXTERNAL
_FROZEN = 0x0300  # HEAP_XMIN_COMMITTED and HEAP_XMIN_INVALID: visible to everybody
_NO_XMAX = 0x0800  # HEAP_XMAX_INVALID
_COLUMNS = 0x07FF  # HEAP_NATTS_MASK


def raw_rows(
    file: Path, places: Iterable[Place], writers: frozenset[int]
) -> Iterator[tuple[Place, bytes]]:
    """Rows as they lie in a file.

    Args:
        file: the first file of the relation; the server has written all its changes to it.
        places: of the rows.
        writers: transactions one of which must have written a row.

    Yields:
        a place and the row's bytes; nothing for a place at which there is no such row any more.
    """
    block, page = -1, b""
    for place in sorted(places):
        if place[0] != block:
            block, page = place[0], _page(file, place[0])
        row = _row(page, place[1])
        if row is not None and _TUPLE.unpack_from(row)[0] in writers:
            yield place, row


def as_committed(rows: Mapping[Place, bytes]) -> tuple[bytes, dict[Place, Place]]:
    """Pages that hold the rows as committed ones.

    Returns:
        the pages, and where on them the row of each place lies.
    """
    pages: list[bytes] = []
    where: dict[Place, Place] = {}
    waiting: list[bytes] = []
    room = PAGE - _HEADER.size
    for place, row in rows.items():
        size = _ITEM.size + _aligned(len(row))
        if size > room:
            pages.append(_built(len(pages), waiting))
            waiting, room = [], PAGE - _HEADER.size
        room -= size
        waiting.append(row)
        where[place] = (len(pages), len(waiting))
    if waiting:
        pages.append(_built(len(pages), waiting))
    return b"".join(pages), where


def _page(file: Path, block: int) -> bytes:
    segment, within = divmod(block, _SEGMENT_PAGES)
    path = file.with_name(f"{file.name}.{segment}") if segment else file
    try:
        with path.open("rb") as opened:
            opened.seek(within * PAGE)
            return opened.read(PAGE)
    except FileNotFoundError:
        return b""  # it was cut shorter, or dropped


def _row(page: bytes, number: int) -> bytes | None:
    """The bytes of one row; None when there is none of that number."""
    if len(page) < PAGE:
        return None
    lower = _HEADER.unpack_from(page)[3]
    at = _HEADER.size + (number - 1) * _ITEM.size
    if number < 1 or at + _ITEM.size > lower:
        return None
    # ItemIdData: offset in 15 bits, state in 2, length in 15.
    item = _ITEM.unpack_from(page, at)[0]
    offset, state, length = item & 0x7FFF, item >> 15 & 3, item >> 17
    if state != _NORMAL or length < _TUPLE.size or offset + length > PAGE:
        return None
    return page[offset : offset + length]


def _built(number: int, rows: Sequence[bytes]) -> bytes:
    page = bytearray(PAGE)
    upper = PAGE
    for index, row in enumerate(rows):
        upper -= _aligned(len(row))
        _, _, _, _, _, _, columns, mask, length = _TUPLE.unpack_from(row)
        head = _TUPLE.pack(
            *(2, 0, 0, number >> 16, number & 0xFFFF, index + 1),  # xmin 2 is FrozenTransactionId
            *(columns & _COLUMNS, mask & _SHAPE | _FROZEN | _NO_XMAX, length),
        )
        page[upper : upper + len(row)] = head + row[_TUPLE.size :]
        item = upper | _NORMAL << 15 | len(row) << 17
        _ITEM.pack_into(page, _HEADER.size + index * _ITEM.size, item)
    lower = _HEADER.size + len(rows) * _ITEM.size
    _HEADER.pack_into(page, 0, 0, 0, 0, lower, upper, PAGE, _VERSION, 0)
    struct.pack_into("<H", page, 8, checksum(bytes(page), number))
    return bytes(page)


def checksum(page: bytes, number: int) -> int:
    """The checksum PostgreSQL expects of a page whose own is zero.

    Args:
        page: 8192 bytes.
        number: of the block.
    """
    sums = list(_OFFSETS)
    words = struct.unpack("<2048I", page)
    lanes = range(32)
    for start in range(0, 2048, 32):
        for lane in lanes:
            mixed = sums[lane] ^ words[start + lane]
            sums[lane] = (mixed * 16777619 & _MASK) ^ mixed >> 17
    folded = 0
    for each in sums:
        mixed = each
        for _ in range(2):
            mixed = (mixed * 16777619 & _MASK) ^ mixed >> 17
        folded ^= mixed
    return (folded ^ number) % 65535 + 1


def _aligned(size: int) -> int:
    return (size + 7) // 8 * 8


# checksumBaseOffsets: where the 32 sums of a page begin.
# fmt: off
_OFFSETS = (
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
)
# fmt: on
