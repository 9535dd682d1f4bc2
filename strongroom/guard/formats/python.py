"""Python settings, as Django keeps them: literals, and what reads the environment."""

import ast
import re
from collections.abc import Iterator

from strongroom.guard.formats.document import Document, NotUnderstoodError
from strongroom.guard.targets import Entry

#: Functions that read a variable: os.getenv, os.environ.get, django-environ, decouple.
_READERS = frozenset({"get", "getenv", "env", "str", "int", "db", "db_url", "url", "config"})

# Parsing takes most of the time a repository takes.
_WORTH_PARSING = re.compile(r"host|server|addr|://|dsn|passw|database", re.IGNORECASE)


def read_python(document: Document) -> Iterator[Entry]:
    """The values assigned at the top of a module, dictionaries key by key."""
    if not _WORTH_PARSING.search(document.text):
        return
    try:
        module = ast.parse(document.text)
    except (SyntaxError, ValueError, MemoryError):
        raise NotUnderstoodError("Python") from None
    reading = _Reading(document)
    for statement in _statements(module):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                yield from reading.entries(_path(target), statement.value)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported; the bodies of functions do not."""
    for below in ast.iter_child_nodes(node):
        if isinstance(below, ast.stmt | ast.excepthandler):
            yield below
            if not isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _statements(below)


def _path(node: ast.expr) -> tuple[str, ...]:
    """The name something is assigned to: ``DATABASES["default"]["HOST"]`` has three."""
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            return (*_path(value), key)
    return ("",)


class _Reading:
    """What expressions are worth, with the names of the module so far."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._names: dict[str, str] = {}

    def entries(self, path: tuple[str, ...], node: ast.expr) -> Iterator[Entry]:
        """The settings in what is assigned to `path`."""
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name = self.worth(key) if key is not None else None
                yield from self.entries((*path, name or ""), value)
        elif isinstance(node, ast.Call) and self.worth(node) is None:
            for keyword in node.keywords:  # dict(HOST=…), dj_database_url.config(default=…)
                yield from self.entries((*path, keyword.arg or ""), keyword.value)
            for argument in node.args:
                yield from self.entries((*path, ""), argument)
        elif (worth := self.worth(node)) is not None:
            if len(path) == 1:
                self._names[path[0]] = worth
            yield self._document.entry(path, worth, node.lineno)

    def worth(self, node: ast.expr) -> str | None:
        """The text an expression stands for; None when only running it would tell."""
        match node:
            case ast.Constant(value=value):
                return str(value)
            case ast.Name(id=name):
                return self._names.get(name)
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=name):
                return self._document.variables.get(self.worth(name) or "")
            case ast.Call():
                return self._called(node)
            case _:
                return self._joined(node)

    def _joined(self, node: ast.expr) -> str | None:
        """Text put together: f-strings, ``a + b`` and ``a or b``."""
        match node:
            case ast.JoinedStr(values=parts):
                return "".join(self.worth(part) or "" for part in parts)
            case ast.FormattedValue(value=value):
                return self.worth(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return (self.worth(left) or "") + (self.worth(right) or "")
            case ast.BoolOp(values=values):
                return next(filter(None, map(self.worth, values)), None)
            case _:
                return None

    def _called(self, call: ast.Call) -> str | None:
        """What a call that reads the environment gives: the variable, or the default."""
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name not in _READERS:
            return None
        arguments = [self.worth(argument) for argument in call.args]
        given = {keyword.arg: self.worth(keyword.value) for keyword in call.keywords}
        asked = arguments[0] if arguments else given.get("env", "DATABASE_URL")
        default = given.get("default") or (arguments[1] if len(arguments) > 1 else None)
        return self._document.variables.get(asked or "") or default
