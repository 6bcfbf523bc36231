"""A copy of the project whose room carries every mutant that mutmut can make of it, behind a switch."""

from __future__ import annotations

import ast
import contextlib
import difflib
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS, FILES = ("explaindistill", "tests", "docs", "benchmarks"), ("README.md", "LICENSE", "pyproject.toml")
TOOL = "mutmut==3.8.1"


@dataclass(frozen=True)
class Mutant:
    """One broken version: ``module.x_function__mutmut_3``, with a digest of the function as it is unbroken."""

    name: str
    digest: str

    @property
    def function(self) -> str:
        """Mangled name of the function, as the switch reports it."""
        return self.name.partition("__mutmut_")[0]

    def place(self, seed: int) -> str:
        """Key of the order of drawing: it stays when the code elsewhere changes, so that a draw can go on later."""
        return hashlib.sha256(f"{seed} {self.name} {self.digest}".encode()).hexdigest()


def sources(room: Path) -> list[Path]:
    """List the modules of a room, or the one module."""
    return sorted(room.rglob("*.py")) if room.is_dir() else [room]


def copy_project(folder: Path, room: Path) -> list[Mutant]:
    """Bring the copy up to date, break what changed, and list the mutants: tests write beside the code they run."""
    index = folder / "mutants.json"
    known = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
    inside = {path.relative_to(PROJECT).as_posix() for path in sources(room)}
    files = [PROJECT / name for name in FILES]
    files += [path for name in FOLDERS for path in (PROJECT / name).rglob("*") if path.is_file()]
    table: dict[str, dict[str, object]] = {}
    for path in files:
        name = path.relative_to(PROJECT).as_posix()
        if {"__pycache__", "_build", "results", "outcomes"} & set(path.parts):
            continue
        content = path.read_bytes()
        if name in inside:
            digest = hashlib.sha256(content + Path(__file__).read_bytes()).hexdigest()
            table[name] = known.get(name, {})
            if table[name].get("digest") != digest:
                table[name] = {"digest": digest, "functions": break_module(content.decode(), folder / name, name)}
        elif not (folder / name).exists() or (folder / name).read_bytes() != content:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    forget(folder, {path.relative_to(PROJECT).as_posix() for path in files})
    index.write_text(json.dumps(table), encoding="utf-8")
    every = [(name, key) for row in table.values() for name, key in row["functions"].items()]  # type: ignore[attr-defined]
    return [Mutant(name, key) for name, key in every]


def forget(folder: Path, names: set[str]) -> None:
    """Remove from the copy what the project no longer has: a removed test must not judge."""
    for top in FOLDERS:
        for path in (folder / top).rglob("*.py"):
            if path.relative_to(folder).as_posix() not in names:
                path.unlink()


def break_module(source: str, place: Path, name: str) -> dict[str, str]:
    """Write the module with all its broken versions; give their names, each with the digest of its function."""
    try:
        from mutmut.mutation.file_mutation import mutate_file_contents
    except ImportError:
        raise SystemExit(f"mutants are made by mutmut: `pip install {TOOL}`") from None
    with contextlib.chdir(PROJECT):  # mutmut reads its settings in pyproject.toml
        done = mutate_file_contents(name, source)
    imports = "from mutmut.mutation.trampoline import wrap_in_trampoline as _mutmut_mutated, MutantDict"
    code = done.code.replace(imports, "from mutants.switch import broken as _mutmut_mutated, MutantDict")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(code, encoding="utf-8")
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    digests = done.hash_by_function_name
    return {f"{module}.{key}": digests[key.partition("__mutmut_")[0]] for key in done.mutant_names}


class Copy:
    """Reader of broken modules: what a mutant changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: dict[str, dict[str, list[str]]] = {}

    @cached_property
    def equivalents(self) -> dict[tuple[str, str], str]:
        """Mutants that answer as the original does whatever the input: function and changed lines, with the reason."""
        text = (Path(__file__).parent / "equivalent.txt").read_text(encoding="utf-8")
        blocks = [block.splitlines() for block in text.split("\n\n") if block.strip() and not block.startswith("# ")]
        return {
            (lines[0], "\n".join(line for line in lines[1:] if line[0] in "-+")): " ".join(
                line[2:] for line in lines[1:] if line[0] == "#"
            )
            for lines in blocks
        }

    def functions(self, module: str) -> dict[str, list[str]]:
        """Split a broken module into its versions: mangled name and lines."""
        if module not in self.modules:
            path = self.folder / (module.replace(".", "/") + ".py")
            path = path if path.exists() else path.with_suffix("") / "__init__.py"
            text = path.read_text(encoding="utf-8")
            lines = text.splitlines()
            self.modules[module] = {
                node.name: lines[node.lineno - 1 : node.end_lineno]
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
            }
        return self.modules[module]

    def difference(self, mutant: Mutant) -> str:
        """Show the broken lines, the original first."""
        module, _, key = mutant.name.rpartition(".")
        versions = self.functions(module)
        original = key.partition("__mutmut_")[0] + "__mutmut_orig"
        before, after = ([line.replace(name, "f") for line in versions[name]] for name in (original, key))
        lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
        return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if line[0] in "-+")

    def equivalent(self, mutant: Mutant) -> bool:
        """Tell whether the list of equivalents names this mutant."""
        return (mutant.function, self.difference(mutant)) in self.equivalents
