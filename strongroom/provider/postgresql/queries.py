"""The queries of this package, each in a file of its own under sql/."""

from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def query(name: str) -> sql.SQL:
    """The query in ``sql/<name>.sql``, without its comments."""
    text = files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return sql.SQL("\n".join(lines))
