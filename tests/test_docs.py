"""The documentation names what there is: every command, every plug-in, every page, and code that runs."""

from __future__ import annotations

import importlib
import importlib.util
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


FORMULA = re.compile(r":math:`([^`]+)`|\.\. math:: (.+(?:\n +.+)*)")


def load(path: Path):
    """A module of the documentation, which is no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_formula_is_drawn_by_the_browser_itself():
    pytest.importorskip("latex2mathml", reason="the extra docs has it")
    formula = load(ROOT / "docs" / "_ext" / "mathml.py").formula
    found = [one or lines for path in PACKAGE.rglob("*.py") for one, lines in FORMULA.findall(path.read_text("utf-8"))]
    assert len(found) > 300
    drawn = {text: formula(text, "inline") for text in found}
    assert [text for text, page in drawn.items() if not page.startswith("<math") or "\\" in page] == []


def test_what_a_page_would_ask_of_another_host_is_found(tmp_path):
    asked = load(ROOT / "docs" / "_ext" / "offline.py").asked
    (tmp_path / "a.html").write_text('<a href="https://x.org">x</a><script src="_static/a.js"></script>', "utf-8")
    assert asked(tmp_path) == []
    (tmp_path / "b.html").write_text('<script async src="https://cdn.org/m.js"></script>', "utf-8")
    (tmp_path / "c.css").write_text("@font-face {src: url(//fonts.org/a.woff2)}", "utf-8")
    assert [line.split(":")[0] for line in asked(tmp_path)] == ["b.html", "c.css"]


# What users import: of these rooms every module, of the others what is named; the rest is inner machinery.
OPEN_ROOMS = (
    "distillation.studies",
    "distillation.ways",
    "export",
    "measures",
    "plots",
    "samplers",
    "teachers",
)
OPEN_MODULES = (
    "asking.budget",
    "asking.cost",
    "asking.labelling",
    "asking.progress_report",
    "asking.proxies",
    "asking.shelf",
    "asking.store",
    "auditing.audit_rows",
    "auditing.audits",
    "auditing.comparing",
    "auditing.gates",
    "auditing.inputs",
    "auditing.models",
    "auditing.options",
    "auditing.policies.audit",
    "auditing.policies.grid",
    "auditing.profiles",
    "auditing.profiles.loading",
    "auditing.record",
    "auditing.stored",
    "auditing.twin_models",
    "cli",
    "data.datasets",
    "data.drawing",
    "data.program",
    "data.schema",
    "data.targets",
    "distillation.choosing.best",
    "distillation.choosing.reading_budget",
    "distillation.choosing.student_choice",
    "distillation.compression",
    "distillation.corpus",
    "distillation.distiller",
    "distillation.policies.distiller",
    "distillation.policies.dynamics",
    "distillation.refining",
    "distillation.wrappers.deferring",
    "distillation.wrappers.online",
    "distillation.wrappers.regions",
    "domains.audio.columns",
    "domains.audio.domain",
    "domains.image.columns",
    "domains.image.domain",
    "domains.image.samplers",
    "domains.text.domain",
    "domains.text.label_scores",
    "errors",
    "plugins",
    "protocols",
    "report.render",
    "scale.parquet",
)


def user_facing() -> list[str]:
    """Dotted names of the modules that users import, inside the package; of a family of students its folder."""
    names = []
    for module in pkgutil.walk_packages(explaindistill.__path__, "explaindistill."):
        name = module.name.removeprefix("explaindistill.")
        is_family = name.startswith("students.") and name.count(".") == 1
        is_open = is_family or name in OPEN_MODULES or name.startswith(tuple(f"{room}." for room in OPEN_ROOMS))
        if is_open and not any(part.startswith("_") for part in name.split(".")):
            names.append(name)
    return names


def test_what_is_called_open_is_there():
    walked = {module.name for module in pkgutil.walk_packages(explaindistill.__path__, "explaindistill.")}
    assert [name for name in (*OPEN_ROOMS, *OPEN_MODULES) if f"explaindistill.{name}" not in walked] == []


def test_the_reference_lists_every_module_for_users():
    """A package in the list brings its modules with it."""
    page = (ROOT / "docs" / "reference" / "index.md").read_text("utf-8")
    listed = set(re.findall(r"^   explaindistill\.([\w.]+)$", page, flags=re.MULTILINE))
    above = {name: {name.rsplit(".", depth)[0] for depth in range(name.count(".") + 1)} for name in user_facing()}
    assert [name for name, packages in above.items() if not packages & listed] == [], (
        "list them in docs/reference/index.md"
    )
    assert listed <= {*user_facing(), *OPEN_ROOMS, "students"}


@pytest.mark.parametrize("name", ["", *user_facing()])
def test_every_public_name_has_an_example(name):
    """Examples are run as doctests; here only that there is one, of the name itself."""
    module = importlib.import_module(f"explaindistill.{name}".rstrip("."))
    things = {key: getattr(module, key) for key in getattr(module, "__all__", ())}
    public = {key: thing for key, thing in things.items() if inspect.isclass(thing) or inspect.isfunction(thing)}
    assert [key for key, thing in public.items() if ">>> " not in (thing.__doc__ or "")] == []
