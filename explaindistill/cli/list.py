"""The command list: the plug-ins of every room, and the profiles."""

from __future__ import annotations

import ast
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from textwrap import indent

from rich.console import Console

from explaindistill import plugins
from explaindistill.auditing.profiles.loading import load_profile, profile_names
from explaindistill.data.text_table import WIDTH, text_table

__all__ = ["run_list"]

PROFILES = "profiles"
INDENT = "  "


def run_list(args: Namespace, console: Console) -> int:
    """Name the plug-ins of every room, or of one."""
    for room in (*plugins.ROOMS, PROFILES) if args.room is None else (args.room,):
        lines = _profiles() if room == PROFILES else {name: _first_line(room, name) for name in plugins.names(room)}
        table = text_table(lines.items(), width=WIDTH - len(INDENT))
        console.print(f"{room}\n{indent(table, INDENT)}", markup=False, highlight=False)
    return 0


def _profiles() -> dict[str, str]:
    profiles = {name: load_profile(name) for name in profile_names()}
    return {name: f"{p.title}; read {p.retrieved}, {p.status}" for name, p in profiles.items()}


def _first_line(room: str, name: str) -> str:
    """First line of a plug-in's docstring, read without importing it: it may need a package that is not there."""
    spec = find_spec(f"explaindistill.{room}.{name}")
    if spec is None or spec.origin is None:
        return ""
    words = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return words.partition("\n")[0].partition(" :math:")[0].replace("``", "").rstrip(".:")
