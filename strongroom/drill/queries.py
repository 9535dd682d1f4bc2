"""The statements of drills, each in a file of its own."""

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> bytes:
    """The statement in sql/<name>.sql."""
    return files(__package__).joinpath("sql", f"{name}.sql").read_bytes()
