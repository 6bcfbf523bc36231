"""Imports point strictly down, and the heavy packages stay at the door."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import explaindistill

PACKAGE = Path(explaindistill.__file__).parent
# From the top down: what stands on one floor never imports its neighbours, the ground apart. The page on architecture
# shows this very table; a room is a folder, everything else a file.
FLOORS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("8", ("__main__",), "`python -m explaindistill`"),
    ("7", ("cli",), "the command line; the only place that prints"),
    ("6", ("__init__", "report"), "the public names; pages, tables and files made of an audit"),
    ("5", ("auditing",), "`audit()`: rows, models and rule in, a frozen record of frames out"),
    ("4", ("distillation",), "`Distiller`: asking, fitting, refining, studies of many fits"),
    (
        "3",
        ("asking", "domains", "export", "measures", "plots", "samplers", "scale", "students", "teachers"),
        "what can be asked, made, fitted, measured, drawn, written and cut; these rooms never import each other",
    ),
    ("2", ("data", "numerics", "plugins"), "rows and what a column is; kernels that know arrays only; the registry"),
    ("1", ("errors", "protocols"), "the ground"),
)
# The only places where something on the same floor or above is reached: by name, at the moment of use.
DOORS = {"auditing": {"report"}, "domains": {"plots"}, "students": {"export", "plots"}}
REGISTRY = {"plugins.py", "teachers/_saved.py"}  # the second imports the user's own module, after --trust
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
    "gymnasium",
)
HOMES = {  # a heavy package is named in these rooms only, and outside functions only in these files or rooms
    "torch": ({"teachers"}, {"teachers/torch.py"}),
    "matplotlib": (set(), {"plots"}),
    "shap": ({"measures", "students"}, set()),
    "dask": ({"scale"}, set()),
    "distributed": ({"scale"}, set()),
    "httpx": ({"teachers"}, {"teachers/http.py"}),
    "onnxruntime": ({"export", "teachers"}, {"teachers/onnx.py"}),
    "gymnasium": ({"distillation"}, set()),
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
    """Return the storey of a room or file at the top."""
    for level, names, _ in FLOORS:
        if name in names:
            return int(level)
    pytest.fail(f"explaindistill.{name} stands on no floor: give it one in FLOORS")


def imported(tree: ast.Module, path: str) -> set[str]:
    """Dotted names of all that a file imports, inside functions too, but not those for type checkers."""
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(str(node.module))
    return names


def files_imported(path: str) -> set[str]:
    """Files of this package that a file imports, by their paths."""
    out = set()
    for name in imported(MODULES[path], path):
        inside = name.removeprefix("explaindistill.").replace(".", "/")
        if name.startswith("explaindistill."):
            out |= {candidate for candidate in (f"{inside}.py", f"{inside}/__init__.py") if candidate in MODULES}
    return out - {path}


def test_the_top_is_small():
    entries = {p.name for p in PACKAGE.iterdir() if p.name not in {"__pycache__", "py.typed"}}
    assert len(entries) <= 21, sorted(entries)
    assert {name.removesuffix(".py") for name in entries} == {name for _, names, _ in FLOORS for name in names}
    assert len(FLOORS) <= 8


@pytest.mark.parametrize("path", MODULES)
def test_imports_point_strictly_down(path):
    here = unit(path)
    for other in {unit(file) for file in files_imported(path)} - {here, "__init__"}:
        assert floor(other) < floor(here) or {floor(other), floor(here)} == {1}, (
            f"{path} imports explaindistill.{other}, which is not below it"
        )


def test_files_have_no_circle():
    needs = {path: files_imported(path) - {"__init__.py"} for path in MODULES}
    while needs:
        free = {path for path, below in needs.items() if not below & needs.keys()}
        assert free, f"these import each other, or need what does: {sorted(needs)}"
        needs = {path: below for path, below in needs.items() if path not in free}


@pytest.mark.parametrize("path", MODULES)
def test_underscore_modules_are_imported_in_their_own_room_only(path):
    for name in imported(MODULES[path], path):
        words = name.split(".")
        for i, word in enumerate(words[1:-1] if words[0] == "explaindistill" else (), start=1):
            if word.startswith("_"):
                assert path.startswith("/".join(words[1:i]) + "/"), f"{path} imports {name}"


@pytest.mark.parametrize("path", MODULES)
def test_numerics_know_arrays_only(path):
    if unit(path) == "numerics":
        assert not {name.split(".")[0] for name in imported(MODULES[path], path)} & {"pandas", "sklearn"}, path


def test_no_room_or_module_bears_the_name_of_a_public_function():
    """Importing a submodule would hide the function behind the module."""
    places = {path.removesuffix(".py").removesuffix("/__init__") for path in MODULES}
    assert not {name for name in explaindistill.__all__ if name in places}


def floor_table() -> str:
    """Render the table of the page on architecture."""
    rows = [f"| {level} | {', '.join(f'`{name}`' for name in names)} | {words} |" for level, names, words in FLOORS]
    return "\n".join(["| floor | holds | what it is |", "|---|---|---|", *rows])


def test_the_page_on_architecture_shows_the_floors():
    page = (Path(__file__).parents[1] / "docs" / "explain" / "architecture.md").read_text("utf-8")
    assert floor_table() in page, f"put this table on the page:\n{floor_table()}"


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
        rooms = {name for _, names, _ in FLOORS for name in names}
        assert room in rooms, f"{path} loads {room!r}: name the room in words, or list the door"
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
        if unit(path) in {"cli", "__main__"} or path == "auditing/pytest_plugin.py":
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
        if name.split(".")[0] in {"torch", "shap", "onnx", "onnxruntime", "dask", "distributed", "httpx", "pyarrow",
                                  "gymnasium", "Box2D"}:
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


class Walk:
    class action_space:
        n = 2

    def reset(self, seed=None):
        self.x, self.t = float(seed % 9 - 4), 0
        return [self.x], {}

    def step(self, action):
        self.x, self.t = self.x + 2 * action - 1, self.t + 1
        return [self.x], -abs(self.x), False, self.t == 10, {}


tree = xd.TreeClassifier(max_leaf_nodes=2)
policy = xd.PolicyDistiller(lambda S: S[:, 0] < 0, tree, Walk, n_rounds=1, random_state=0)
print(xd.audit_policy(policy.teacher, policy.fit(), Walk, n_episodes=100, noise=()).frames["verdicts"]["verdict"][0])
try:
    xd.PolicyDistiller(lambda S: S[:, 0] < 0, xd.TreeClassifier(), "CartPole-v1").fit()
except xd.errors.MissingExtraError as error:
    print("rl" in str(error))
"""


def test_the_core_works_without_any_extra():
    assert run(CORE_ALONE).split() == ["True", "keeps", "True"]
