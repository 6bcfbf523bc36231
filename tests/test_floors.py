"""Imports point strictly down, and the heavy packages stay at the door."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import explaindistill

PACKAGE = Path(explaindistill.__file__).parent
ROOMS = ("teachers", "samplers", "students", "measures", "export", "domains", "plots", "scale")
FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "errors",
        "attribution",
        "plugins",
        "protocols",
        "_columns",
        "cost",
        "label_file",
        "rights",
        "schema",
        "stored",
        "targets",
        "datasets",
        "views",
        "numerics",
        "profiles",
    ),
    ROOMS,
    ("controls", "label_store", "proxies", "querying"),
    ("labelling", "agreeing", "scoring"),
    ("questions",),
    ("corpus", "fitting", "ways"),
    ("enlarging", "moving", "topping"),
    ("distilling",),
    ("distiller", "frontiers", "compression", "deferring", "refining", "online", "twins"),
    ("query_curves",),
    ("case", "lineage"),
    ("deploying",),
    ("audit_groups",),
    ("audit_fidelity", "audit_teacher", "audit_profile"),
    ("manifest", "audit_importance", "audit_comparison"),
    ("audit_frames", "corpus_frames"),
    ("auditing",),
    ("report", "gates", "comparing"),
    ("cli", "__init__", "pytest_plugin"),
    ("__main__",),
)
# The only places where something on the same floor or above is reached: by name, at the moment of use.
DOORS = {"auditing": {"report"}, "students": {"export", "plots"}}
REGISTRY = {"plugins.py", "teachers/_trusted.py"}  # the second imports the user's own module, after --trust
LOADERS = (
    "plugins.load",
    "plugins.door",
    "plugins.public",
    "importlib.import_module",
    "import_module",
    "load",
    "public",
)
HEAVY = (
    "torch",
    "shap",
    "dask",
    "distributed",
    "matplotlib",
    "numba",
    "onnx",
    "onnxruntime",
    "httpx",
    "jinja2",
)
HOMES = {  # a heavy package is named in these rooms only, and outside functions only in these files or rooms
    "torch": ({"teachers"}, {"teachers/torch.py"}),
    "matplotlib": (set(), {"plots"}),
    "shap": ({"measures", "attribution"}, set()),
    "dask": (set(), {"scale"}),
    "httpx": ({"teachers"}, {"teachers/http.py"}),
    "onnxruntime": ({"teachers"}, {"teachers/onnx.py"}),
}


def modules() -> dict[str, ast.Module]:
    """Parse every module of the package, by its path inside the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
        if "templates" not in path.parts
    }


MODULES = modules()


def unit(path: str) -> str:
    """Name of the room or top-level module that a file belongs to."""
    return path.split("/", maxsplit=1)[0].removesuffix(".py")


def floor(name: str) -> int:
    """Return the storey of a room or top-level module."""
    for level, names in enumerate(FLOORS):
        if name in names:
            return level
    pytest.fail(f"explaindistill.{name} stands on no floor: give it one in FLOORS")


def imported(tree: ast.Module, path: str) -> set[str]:
    """Dotted names of all that a file imports, inside functions too, but not those for type checkers."""
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
            found.add(str(node.module))
    return found


def own(names: set[str]) -> set[str]:
    """Rooms and top-level modules of this package among imported names."""
    parts = [name.split(".") for name in names if name.startswith("explaindistill.")]
    return {part[1] for part in parts if (PACKAGE / part[1]).exists() or (PACKAGE / f"{part[1]}.py").exists()}


@pytest.mark.parametrize("path", MODULES)
def test_imports_point_strictly_down(path):
    here = unit(path)
    for other in own(imported(MODULES[path], path)) - {here}:
        if floor(here) == floor(other) == 0:
            continue  # ground modules may stand on each other; the next test forbids circles
        assert floor(other) < floor(here), f"{path} imports explaindistill.{other}, which is not below it"


def test_ground_has_no_circle():
    below = {unit(path): set[str]() for path in MODULES if floor(unit(path)) == 0}
    for path, tree in MODULES.items():
        if unit(path) in below:
            below[unit(path)] |= own(imported(tree, path)) - {unit(path)}
    while below:
        free = {name for name, needs in below.items() if not needs & below.keys()}
        assert free, f"these import each other: {sorted(below)}"
        below = {name: needs for name, needs in below.items() if name not in free}


def test_the_page_on_architecture_names_every_room():
    """In a table that a reader sees before the code."""
    page = (Path(__file__).parents[1] / "docs" / "explain" / "architecture.md").read_text("utf-8")
    table = [line for line in page.splitlines() if line.startswith("| ")]
    named = {word for line in table for word in re.findall(r"`(\w+)`", line)}
    assert named == set(sum(FLOORS, ()))
    assert {unit(path) for path in MODULES} <= named


def loads_by_name(path: str) -> set[str]:
    """Rooms or modules that a file loads through the registry or importlib; a variable's name where it is one."""
    found = set()
    for node in ast.walk(MODULES[path]):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in LOADERS and node.args:
            target = node.args[0]
            words = target.value if isinstance(target, ast.Constant) else ast.unparse(target)
            found.add(str(words).removeprefix("explaindistill.").split(".", maxsplit=1)[0])
    return found


@pytest.mark.parametrize("path", [p for p in MODULES if p not in REGISTRY and not p.endswith("__init__.py")])
def test_doors_are_few(path):
    """What stands higher is reached through the listed doors only."""
    here = unit(path)
    for room in loads_by_name(path) - DOORS.get(here, set()) - {here}:
        assert room in sum(FLOORS, ()), f"{path} loads {room!r}: name the room in words, or list the door"
        assert floor(room) < floor(here), f"{path} opens a door to {room!r}, which is not below it"


@pytest.mark.parametrize("package", HOMES)
def test_heavy_packages_have_one_home(package):
    rooms, tops = HOMES[package]
    for path, tree in MODULES.items():
        outside = ast.Module(tree.body if unit(path) not in rooms else _top(tree), [])
        if path not in tops and unit(path) not in tops:
            named = {name.split(".")[0] for name in imported(outside, path)}
            assert package not in named or (package == "matplotlib" and unit(path) in rooms), (
                f"{path} imports {package}"
            )


def _top(tree: ast.Module) -> list[ast.stmt]:
    """Statements that run when the module is imported."""
    return [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]


def test_only_the_command_line_prints():
    for path, tree in MODULES.items():
        if unit(path) in {"cli", "__main__", "pytest_plugin"}:
            continue
        for node in ast.walk(tree):
            printing = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            assert not printing, f"{path} prints"


def run(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_import_is_light():
    loaded = run(f"import sys, explaindistill; print(*[m for m in {HEAVY!r} if m in sys.modules])")
    assert loaded.split() == []


def test_rooms_name_their_plugins_without_loading_them():
    code = "import sys; from explaindistill import plugins; [plugins.names(r) for r in plugins.ROOMS]; "
    assert run(code + "print('torch' in sys.modules, 'matplotlib' in sys.modules)").split() == [
        "False",
        "False",
    ]


CORE_ALONE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "shap", "onnx", "onnxruntime", "dask", "distributed", "httpx", "pyarrow"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import explaindistill as xd
from explaindistill.data.datasets import lending
from sklearn.linear_model import LogisticRegression

data = lending(600)
X = data.X[["debt_ratio", "amount", "late_payments"]]
teacher = LogisticRegression(max_iter=500).fit(X[:400], data.y[:400])
student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), n_queries=600, random_state=0).fit(X[:400])
audit = xd.audit(teacher, {"tree": student}, X[400:], data.y[400:], favorable="approved")
print(len(audit.frames["fidelity"]) > 0)
"""


def test_the_core_works_without_any_extra():
    assert run(CORE_ALONE).split() == ["True"]
