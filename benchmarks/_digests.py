"""Digest of all code that decides a figure: kept figures of other code are never shown, those of the same code are.

Followed are the imports of a file, names that a package loads at their first use, and rooms of plug-ins. What a file
*says* decides no figure: comments, docstrings and layout are left out, so that a better sentence voids no hour of work.
Not followed are doors, by which a model shows or writes itself (``plugins.door``, ``student.export``).
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

__all__ = ["code_digest", "sources"]

BENCHMARKS = Path(__file__).parent
ROOT = BENCHMARKS.parent
PACKAGE = "explaindistill"
LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy")


def sources(file: Path) -> list[Path]:
    """The file, and every file of the package and of this folder that its imports lead to, sorted."""
    known: set[Path] = set()
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path not in known:
            known.add(path)
            waiting += _imported(path)
    return sorted(known)


@cache
def code_digest(file: Path) -> str:
    """Sixteen hexadecimal digits of the syntax of ``sources(file)`` and of the versions of the numeric libraries."""
    code = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for path in sources(file):
        code.update(f"{path.relative_to(ROOT).as_posix()}\0{ast.dump(_without_docstrings(path))}\0".encode())
    return code.hexdigest()[:16]


def _without_docstrings(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and node.body
            and isinstance(first := node.body[0], ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            del node.body[0]
    return tree


@cache
def _imported(file: Path) -> frozenset[Path]:
    """Files that one file leads to by itself; of a package's ``__init__`` only the names that somebody asks for."""
    if file.name == "__init__.py":
        return frozenset()
    tree = ast.parse(file.read_text())
    paths: set[Path] = set()
    modules: dict[str, str] = {}  # name in this file -> module or package that it stands for
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                paths |= _files(node.module, alias.name)
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                paths |= _files(alias.name)
                top = alias.name.partition(".")[0]
                modules[alias.asname or top] = alias.name if alias.asname else top
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            paths |= _files(modules[node.value.id], node.attr)  # xd.Tree after "import explaindistill as xd"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("load", "names"):
            paths |= {path for argument in node.args[:1] for path in _room(argument)}
    return frozenset(paths)


def _files(module: str, name: str | None = None) -> set[Path]:
    """Files of a module, or of one name that it holds; empty for the libraries of others."""
    names = module.split(".")
    base = (ROOT if names[0] == PACKAGE else BENCHMARKS).joinpath(*names)
    if (plain := base.with_suffix(".py")).exists():
        return {plain}
    if not (package := base / "__init__.py").exists() and not (name and base.is_dir()):
        return set()
    paths = {package} if package.exists() else set()
    if name is None:
        return paths
    for candidate in (base / f"{name}.py", base / name / "__init__.py"):
        if candidate.exists():
            return paths | {candidate}
    return paths | (_homes(package, name) if package.exists() else set())


def _homes(package: Path, name: str) -> set[Path]:
    """Where a package has a public name from: its ``__init__`` imports it there, for type checkers at least."""
    for node in ast.walk(ast.parse(package.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and name in {alias.name for alias in node.names}:
            return _files(node.module, name)
    return set()


def _room(argument: ast.expr) -> set[Path]:
    """All files of a room of plug-ins that is named by a plain string."""
    if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
        return set()
    folder = ROOT.joinpath(PACKAGE, *argument.value.split("."))
    return set(folder.rglob("*.py")) if folder.is_dir() else set()
