"""The tour of the code names files and definitions that are there, at most twelve a walk."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import explaindistill

PACKAGE = Path(explaindistill.__file__).parent
PAGE = (Path(__file__).parents[1] / "docs" / "explain" / "tour.md").read_text("utf-8")
WALKS = {part.splitlines()[0]: part for part in PAGE.split("\n## ")[1:]}
STOP = re.compile(r"^\| \d+ \| `([\w/]+\.py)` \| `([\w.]+)` \|", flags=re.MULTILINE)


def definition(tree: ast.AST, dotted: str) -> bool:
    """Whether a module defines a function or class, or a class a method, of this name."""
    name, _, inner = dotted.partition(".")
    nodes = [
        node
        for node in ast.iter_child_nodes(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    ]
    return bool(nodes) and (not inner or definition(nodes[0], inner))


def test_there_are_three_walks():
    assert len(WALKS) == 3


@pytest.mark.parametrize("walk", WALKS)
def test_every_stop_is_there(walk):
    stops = STOP.findall(WALKS[walk])
    assert 4 <= len(stops) <= 12
    assert len(stops) == len(re.findall(r"^\| \d", WALKS[walk], flags=re.MULTILINE)), (
        "a line names no file and definition"
    )
    for path, name in stops:
        tree = ast.parse((PACKAGE / path).read_text("utf-8"))
        assert definition(tree, name), f"{path} has no {name}"
