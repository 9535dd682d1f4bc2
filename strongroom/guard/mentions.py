"""Guarded names and addresses in any text: whole words, also URL-encoded, also in binary files."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from strongroom.guard.declared import Guarded
from strongroom.guard.findings import How, Match
from strongroom.guard.hosts import Place, address_of

_BEFORE, _AFTER = r"(?<![\w.-])", r"(?![\w-]|\.\w)"
_PORT = r"(?:]?:(?P<port>\d{1,5})(?!\d))?"
_IPV4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_IPV6 = r"(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|\d{1,3}(?:\.\d{1,3}){3})?"
_ESCAPES = re.compile(r"\\(?:/|[nrt])")


class Mentions:
    """What to look for, made ready once."""

    def __init__(self, guarded: Sequence[Guarded]) -> None:
        """Look for every host of `guarded`."""
        self._places = [(one.environment, place) for one in guarded for place in one.places]
        names = [place.name.removeprefix("*") for _, place in self._places if place.name]
        self._words = sorted({"localhost", *(each for name in names for each in _spellings(name))})
        self._addresses = any(place.network for _, place in self._places)
        words = sorted({_word(place) for _, place in self._places if place.name})
        networks = [place.network for _, place in self._places if place.network]
        if any(network.version == 4 for network in networks):
            words.append(_IPV4)
        if any(network.version == 6 for network in networks):
            words.append(_IPV6)
        if any(place.loopback for _, place in self._places):
            words.append("localhost")
        found = f"{_BEFORE}(?P<host>{'|'.join(words)})\\.?{_AFTER}{_PORT}" if words else r"(?!)"
        self._pattern = re.compile(found, re.IGNORECASE)
        self._bytes = [
            (Match(environment, place.text, how), re.compile(form, re.IGNORECASE))
            for environment, place in self._places
            for how, form in _literals(place)
        ]

    def in_text(self, text: str) -> Iterator[Match]:
        """The guarded places that a line or a value names."""
        if not self._worth_a_look(text):
            return
        forms = {text}
        if "%" in text:
            forms.add(unquote(text))
        if "\\" in text:
            forms |= {_ESCAPES.sub(_escaped, form) for form in forms}
        seen: set[Match] = set()
        for form in forms:
            for word in self._pattern.finditer(form):
                seen.update(self._matches(word["host"], word["port"]))
        yield from sorted(seen, key=lambda match: (match.environment, match.declared))

    def _worth_a_look(self, text: str) -> bool:
        """Whether a pattern could match; a dump has millions of lines, and patterns are slow."""
        lower = text.lower()
        return (
            "%" in text
            or "\\" in text
            or any(word in lower for word in self._words)
            or (self._addresses and (text.count(".") > 2 or text.count(":") > 1))
        )

    def in_bytes(self, data: bytes) -> Iterator[Match]:
        """The guarded names in something that is no text."""
        yield from dict.fromkeys(match for match, form in self._bytes if form.search(data))

    def _matches(self, host: str, port: str | None) -> Iterator[Match]:
        address = address_of(host)
        for environment, place in self._places:
            if port is None and place.loopback:
                continue
            if port is not None and not place.is_at(int(port)):
                continue
            if place.covers_name(host) if address is None else place.covers_address(address):
                how = How.NAME if address is None else How.ADDRESS
                yield Match(environment, place.text, how)


def _word(place: Place) -> str:
    if place.name.startswith("*."):
        return r"(?:[\w-]+\.)+" + re.escape(place.name[2:])
    return "|".join(map(re.escape, _spellings(place.name)))


def _spellings(name: str) -> set[str]:
    """A name in ASCII and, where that differs, as people write it."""
    try:
        return {name, name.encode("ascii").decode("idna")}
    except UnicodeError:
        return {name}


def _literals(place: Place) -> Iterator[tuple[How, bytes]]:
    """A name with a dot, or a single address, as UTF-8 and UTF-16 would hold it."""
    network = place.network
    if network is not None and network.num_addresses == 1 and not place.loopback:
        yield How.ADDRESS, re.escape(str(network.network_address).encode()) + rb"(?![\d])"
    for text in _spellings(place.name.removeprefix("*")) if "." in place.name else ():
        yield How.NAME, re.escape(text.encode()) + rb"(?![\w-])"
        # Without the last zero it is also what the other order of bytes looks like.
        yield How.NAME, re.escape(text.encode("utf-16-le")[:-1])


def _escaped(found: re.Match[str]) -> str:
    """A slash as JSON may write it is a slash; an escaped line end parts words."""
    return "/" if found[0] == r"\/" else " "
