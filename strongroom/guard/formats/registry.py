"""Which format a file is in, told by its name."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import PurePath
from types import MappingProxyType

from strongroom.guard.formats.document import Document, NotUnderstoodError
from strongroom.guard.formats.env import read_env
from strongroom.guard.formats.lines import read_ini, read_pgpass, read_prisma, read_properties
from strongroom.guard.formats.python import read_python
from strongroom.guard.formats.toml import read_toml
from strongroom.guard.formats.yaml import read_json, read_yaml
from strongroom.guard.targets import Entry

Reader = Callable[[Document], Iterator[Entry]]

# Patterns that look for the end of a line would go through it again and again.
_LONG_BLANK = re.compile(r"[^\S\n]{1000}")
ENV_FILES = (".env", ".env.*", "*.env", ".envrc", ".envrc.*", ".flaskenv")
_BY_NAME: Mapping[str, Reader] = MappingProxyType(
    {
        **dict.fromkeys(ENV_FILES, read_env),
        **dict.fromkeys((".pgpass", "pgpass", "pgpass.conf", "*.pgpass"), read_pgpass),
        **dict.fromkeys((".pg_service.conf", "pg_service.conf"), read_ini),
        **dict.fromkeys(("*.yml", "*.yaml", "*.yml.erb", "*.yaml.erb"), read_yaml),
        **dict.fromkeys(("*.json", "*.json5", ".pgrc"), read_json),
        **dict.fromkeys(("*.properties", "flyway.conf"), read_properties),
        **dict.fromkeys(("*.ini", "*.cfg", "*.cnf", "*.conf"), read_ini),
        "*.toml": read_toml,
        "*.prisma": read_prisma,
        "*.py": read_python,
    }
)


def reader_of(name: str) -> Reader | None:
    """What reads a file of this name; None when it is only searched as text."""
    lower = PurePath(name).name.lower()
    return next((reader for form, reader in _BY_NAME.items() if fnmatch(lower, form)), None)


def entries_of(reader: Reader, document: Document) -> list[Entry]:
    """What a reader gives, all of it.

    Raises:
        NotUnderstoodError: the text is not of that format, or is nested beyond reason.
    """
    if _LONG_BLANK.search(document.text):
        raise NotUnderstoodError("anything a person writes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the style of somebody's Python
            return [*reader(document)]
    except RecursionError:
        raise NotUnderstoodError("anything a person writes") from None
