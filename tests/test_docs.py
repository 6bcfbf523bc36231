"""The documentation names what there is: every command, every plug-in, every page, and code that runs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import explaindistill
from explaindistill.cli.arguments import build_parser
from explaindistill.cli.running import COMMANDS

ROOT = Path(__file__).parents[1]
PACKAGE = Path(explaindistill.__file__).parent
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


INTERNAL = {  # what no user imports; a new module of the package is user-facing unless it is named here
    "audit_comparison",
    "audit_fidelity",
    "audit_frames",
    "audit_groups",
    "audit_importance",
    "audit_profile",
    "audit_teacher",
    "case",
    "corpus_frames",
    "deploying",
    "distilling",
    "enlarging",
    "fitting",
    "label_file",
    "manifest",
    "moving",
    "numerics",
    "pytest_plugin",
    "querying",
    "questions",
    "scoring",
    "views",
}
INSIDE = {"report": {"render"}, "cli": set()}  # of these rooms only the room itself and these modules are for users


def user_facing() -> list[str]:
    """Dotted names of the modules that users import, inside the package."""
    found = []
    for module in pkgutil.walk_packages(explaindistill.__path__, "explaindistill."):
        parts = module.name.split(".")[1:]
        inner = INSIDE.get(parts[0])
        hidden = any(part.startswith("_") for part in parts) or parts[0] in INTERNAL
        if not hidden and (inner is None or len(parts) == 1 or (len(parts) == 2 and parts[1] in inner)):
            found.append(".".join(parts))
    return found


def test_what_is_called_internal_is_there():
    assert [name for name in INTERNAL | set(INSIDE) if not list(PACKAGE.glob(f"{name}*"))] == []


def test_the_reference_lists_every_module_for_users():
    """A package in the list brings its modules with it."""
    page = (ROOT / "docs" / "reference" / "index.md").read_text("utf-8")
    listed = set(re.findall(r"^   explaindistill\.([\w.]+)$", page, flags=re.MULTILINE))
    bare = {name for name in user_facing() if (PACKAGE / name).is_dir() and name in INSIDE}
    missing = [n for n in user_facing() if n not in bare and not {n, n.split(".")[0]} & listed]
    assert missing == [], "list them in docs/reference/index.md, or name them in INTERNAL"
    assert listed <= {*user_facing()}


@pytest.mark.parametrize("name", ["", *user_facing()])
def test_every_public_name_has_an_example(name):
    """Examples are run as doctests; here only that there is one, of the name itself."""
    module = importlib.import_module(f"explaindistill.{name}".rstrip("."))
    things = {key: getattr(module, key) for key in getattr(module, "__all__", ())}
    public = {key: thing for key, thing in things.items() if inspect.isclass(thing) or inspect.isfunction(thing)}
    assert [key for key, thing in public.items() if ">>> " not in (thing.__doc__ or "")] == []
