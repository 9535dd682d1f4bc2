"""What `rails db:reset` does, in a few lines: reads .env and database.yml, drops, creates.

Like dotenv-rails it leaves variables alone that are set already. The only argument is the
application's folder.
"""

import os
import re
import sys
from pathlib import Path

import psycopg
import yaml
from psycopg import sql

_FROM_ENV = re.compile(r"""<%= ENV\.fetch\("(\w+)"\)(?: \{ "([^"]*)" \})? %>""")
_KEYS = {"database": "dbname", "username": "user"}


def _load_env(path: Path) -> None:
    for line in path.read_text().splitlines():
        name, is_set, value = line.partition("=")
        if is_set and not line.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def _configuration(application: Path) -> dict[str, str]:
    text = (application / "config" / "database.yml").read_text()
    text = _FROM_ENV.sub(lambda found: os.environ.get(found[1]) or found[2] or "", text)
    chosen = yaml.safe_load(text)["development"]
    known = {_KEYS.get(key, key): str(value) for key, value in chosen.items() if value}
    return {key: value for key, value in known.items() if key not in ("adapter", "encoding")}


def reset(application: Path) -> None:
    """Drop the application's database, with everybody's sessions, and make it anew."""
    _load_env(application / ".env")
    parameters = _configuration(application)
    name = parameters.pop("dbname")
    options = {**parameters, "dbname": "postgres"}
    with psycopg.connect(**options, autocommit=True) as session:  # type: ignore[arg-type]
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid() AND usename = current_user",
            [name],
        )
        for statement in ("DROP DATABASE {}", "CREATE DATABASE {}"):
            session.execute(sql.SQL(statement).format(sql.Identifier(name)))


if __name__ == "__main__":
    reset(Path(sys.argv[1]))
