"""The PostgreSQL of simulated instances: the packaged one, with extensions that RDS offers.

pgaudit and pg_cron are no part of stock PostgreSQL. What stands in for them makes the same names:
a job can be scheduled, listed and taken off, and none ever runs; nothing is audited. On RDS the
master makes them and the platform owns what is in them, as PostgreSQL has it of extensions that
are trusted; so here these are.
"""

import shutil
from importlib import resources
from pathlib import Path

from strongroom.cluster.package import ServerPackage
from strongroom.home import default_root

#: Name and version of each extension that is stood in for.
_STAND_INS = {"pg_cron": "1.6", "pgaudit": "17.1"}

#: Extensions that only a superuser makes, and on RDS its master too.
_TRUSTED = ("pg_stat_statements", "postgres_fdw")


def offered() -> ServerPackage:
    """The server, from a copy of its own below Strongroom's home."""
    server = ServerPackage.packaged(default_root() / "rds-server")
    (found,) = server.bin.parent.rglob("extension/plpgsql.control")
    for name, version in _STAND_INS.items():
        _add(found.parent, name, version)
    for name in _TRUSTED:
        _trust(found.parent / f"{name}.control")
    return server


def _add(folder: Path, name: str, version: str) -> None:
    control = folder / f"{name}.control"
    script = resources.files("rehearsal").joinpath(f"sql/{name}.sql")
    with resources.as_file(script) as path:
        shutil.copyfile(path, folder / f"{name}--{version}.sql")
    control.write_text(f"default_version = '{version}'\nrelocatable = false\ntrusted = true\n")
    for path in (control, folder / f"{name}--{version}.sql"):
        path.chmod(0o644)


def _trust(control: Path) -> None:
    text = control.read_text()
    if "trusted" not in text:
        control.write_text(f"{text}\ntrusted = true\n")
