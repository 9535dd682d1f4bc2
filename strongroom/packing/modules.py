"""Which files of Strongroom the function needs: what its module imports, and what that imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

#: What AWS Lambda calls, and the module it is in.
HANDLER = "strongroom.bootstrap.function.handler"
_ENTRY = HANDLER.rpartition(".")[0]

_OWN = "strongroom"


def sources(checkout: Path) -> dict[str, Path]:
    """Modules and the SQL beside them, by their path within the archive.

    Imports inside of functions count too, since they would be missed when it matters.

    Args:
        checkout: the folder that holds strongroom/.
    """
    found: dict[str, Path] = {}
    waiting = [_ENTRY]
    while waiting:
        module = waiting.pop()
        # Importing a module imports every package above it.
        for name in _with_packages(module):
            path = _file(checkout, name)
            if path is None or str(path.relative_to(checkout)) in found:
                continue
            found[str(path.relative_to(checkout))] = path
            waiting += _imported(path)
    for folder in sorted({path.parent for path in found.values()}):
        found |= {str(each.relative_to(checkout)): each for each in folder.glob("sql/*.sql")}
    return found


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if _own(each.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _own(node.module):
            yield node.module
            # A name may be a module of that package.
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _own(module: str) -> bool:
    return module == _OWN or module.startswith(f"{_OWN}.")


def _with_packages(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _file(checkout: Path, module: str) -> Path | None:
    stem = checkout.joinpath(*module.split("."))
    return next(
        (each for each in (stem / "__init__.py", stem.with_suffix(".py")) if each.is_file()), None
    )
