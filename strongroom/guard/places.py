"""The files that decide what a command on this machine would reach."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from strongroom.guard.formats.registry import ENV_FILES, reader_of

#: In the working directory and its parents.
_BESIDE = (
    *ENV_FILES,
    *("compose*.y*ml", "docker-compose*.y*ml", "application*.y*ml", "application*.properties"),
    *("database.y*ml", "database.json", "config.json", "config.toml", "config.y*ml", "config.ini"),
    *("settings*.py", "*_settings.py", "config.py", "*.prisma", "appsettings*.json"),
    *("alembic.ini", "flyway.conf", "flyway.toml", "liquibase.properties", "diesel.toml"),
    *("ormconfig.*", "knexfile.*", "drizzle.config.*", "profiles.y*ml", "secrets.toml"),
    *("pg_service.conf", ".pg_service.conf", ".pgpass", ".mcp.json"),
)
#: Below the working directory; `*` is one folder.
_BELOW = (
    *("config/*", "config/environments/*", "config/settings/*", "settings/*.py", "*/settings.py"),
    *("*/settings/*.py", "*/config/*.py", "prisma/*.prisma", "prisma/*/*.prisma", ".env/*"),
    *("src/main/resources/application*", "*/src/main/resources/application*", ".streamlit/*.toml"),
    *("*/.env", "*/.env.*", ".devcontainer/*.json", ".devcontainer/*.y*ml", ".vscode/*.json"),
)
#: Folders that hold other people's programs.
OTHERS = frozenset(
    {".git", "node_modules", ".venv", "venv", "vendor", "__pycache__", "target", "dist", "build"}
    | {".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}
)
#: In the home folder, and the variables that name another place.
_AT_HOME = {".pgpass": "PGPASSFILE", ".pg_service.conf": "PGSERVICEFILE"}


def surroundings(
    here: Path, environment: Mapping[str, str], command: Sequence[str]
) -> Iterator[tuple[Path, str]]:
    """Files and the names that tell their formats, each file perhaps more than once.

    Args:
        here: the working directory.
        environment: the variables the command would get.
        command: the command; files among its arguments count when their format is known.
    """
    yield from _at_home(environment, here)
    for folder in _up_to_repository(here):
        yield from ((path, path.name) for path in _matching(folder, _BESIDE))
    yield from ((path, path.name) for path in _below(here))
    for argument in command[1:]:
        path = here / argument.rpartition("=")[2]
        if reader_of(path.name) and not path.is_dir() and (path.exists() or path.is_symlink()):
            yield path, path.name


def named_in(settings: Mapping[str, str], here: Path) -> Iterator[tuple[Path, str]]:
    """Files that variables of `.env` files name, which libpq would read."""
    for usual, variable in _AT_HOME.items():
        if settings.get(variable):
            yield here / settings[variable], usual
    if folder := settings.get("PGSYSCONFDIR"):
        yield here / folder / "pg_service.conf", "pg_service.conf"


def _at_home(environment: Mapping[str, str], here: Path) -> Iterator[tuple[Path, str]]:
    home = Path(environment.get("HOME") or Path.home())
    for usual, variable in _AT_HOME.items():
        if not environment.get(variable):
            yield home / usual, usual
    yield from named_in(environment, here)


def _up_to_repository(here: Path) -> Iterator[Path]:
    for folder in (here, *here.parents):
        yield folder
        if (folder / ".git").exists():
            return


def _matching(folder: Path, forms: Sequence[str]) -> Iterator[Path]:
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return  # what lies there cannot be read by the command either
    for name in names:
        if any(fnmatch(name.lower(), form) for form in forms) and not (folder / name).is_dir():
            yield folder / name


def _below(here: Path) -> Iterator[Path]:
    found: dict[Path, None] = {}
    for form in _BELOW:
        for path in sorted(here.glob(form)):
            others = OTHERS.isdisjoint(path.relative_to(here).parts)
            if others and not path.is_dir():
                found.setdefault(path)
    yield from found
