"""The documentation names what there is: every command, every plug-in, every page, and code that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import explaindistill
from explaindistill.cli.arguments import build_parser
from explaindistill.cli.running import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = sorted(p for p in (ROOT / "docs").rglob("*.md") if not {"_build", "generated"} & set(p.parts))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]


def test_every_command_is_documented():
    page = (ROOT / "docs" / "howto" / "command-line.md").read_text("utf-8")
    assert [c for c in COMMANDS if f"explaindistill {c}" not in page] == []


def test_every_exit_code_is_documented():
    page = (ROOT / "docs" / "howto" / "audit.md").read_text("utf-8")
    assert [n for n in (0, 1, 2, 3, 130) if f"| {n} |" not in page] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_commands_in_the_text_exist(path):
    """Words after ``explaindistill`` at the start of a line, and their options, are those of the parser."""
    text = path.read_text("utf-8").replace("\\\n", " ")
    for line in re.findall(r"^explaindistill (\w.*)$", text, flags=re.MULTILINE):
        words = line.split()
        assert words[0] in COMMANDS, f"{path.name}: {line}"
        help_text = build_parser()._subparsers._group_actions[0].choices[words[0]].format_help()
        for option in re.findall(r"--[a-z-]+", line):
            assert option in help_text, f"{path.name}: {words[0]} has no {option}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_links_to_files_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_python_in_the_text_compiles_and_names_what_there_is(path):
    for block in re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), flags=re.DOTALL):
        compile(block, str(path), "exec")
        for name in re.findall(r"\bxd\.(\w+)", block):
            assert hasattr(explaindistill, name), f"{path.name} names xd.{name}"


def test_make_targets_named_in_the_text_exist():
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    for path in TEXTS:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text("utf-8"), flags=re.MULTILINE)
        assert set(named) <= rules, path.name


def test_every_source_of_a_formula_is_in_the_bibliography():
    page = (ROOT / "docs" / "explain" / "bibliography.md").read_text("utf-8")
    source = re.compile(r"doi:\s?10\.[^\s;,)`]*(?:\([^\s]*)?|arXiv:\d{4}\.\d+")
    missing = {
        (found, path.name)
        for path in (ROOT / "explaindistill").rglob("*.py")
        for found in (m.rstrip(".)") for m in source.findall(path.read_text("utf-8")))
        if found.split("<")[0] not in page
    }
    assert missing == set()
