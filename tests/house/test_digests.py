"""The digest of a benchmark's figures: new code makes another one, a better sentence does not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def digests(tmp_path: Path) -> ModuleType:
    """The module, looking at a package of three files in place of ours."""
    spec = importlib.util.spec_from_file_location("_digests_of_a_test", ROOT / "benchmarks" / "_digests.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    package = tmp_path / "explaindistill"
    (package / "rooms").mkdir(parents=True)
    (package / "__init__.py").write_text("if TYPE_CHECKING:\n    from explaindistill.rooms.tree import Tree\n")
    (package / "rooms" / "tree.py").write_text('"""A tree."""\nfrom explaindistill.rooms import depth\nTree = depth\n')
    (package / "rooms" / "depth.py").write_text("def depth():\n    '''Levels.'''\n    return 3\n")
    (package / "rooms" / "page.py").write_text("words = 1\n")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "speed.py").write_text("import explaindistill as xd\nxd.Tree\n")
    module.ROOT, module.BENCHMARKS = tmp_path, tmp_path / "benchmarks"
    return module


def _fresh(digests: ModuleType) -> str:
    digests._imported.cache_clear()
    digests.code_digest.cache_clear()
    return digests.code_digest(digests.BENCHMARKS / "speed.py")


def test_names_that_a_package_loads_late_are_followed_and_other_rooms_are_not(digests: ModuleType) -> None:
    names = {path.name for path in digests.sources(digests.BENCHMARKS / "speed.py")}
    assert names == {"speed.py", "__init__.py", "tree.py", "depth.py"}


@pytest.mark.parametrize(
    ("file", "before", "after", "same"),
    [
        ("depth.py", "Levels.", "Levels of a tree.", True),
        ("depth.py", "return 3", "return 3  # why", True),
        ("depth.py", "return 3", "return 4", False),
        ("page.py", "1", "2", True),
    ],
)
def test_a_sentence_voids_no_figure_and_code_does(
    digests: ModuleType, file: str, before: str, after: str, same: bool
) -> None:
    path, digest = digests.ROOT / "explaindistill" / "rooms" / file, _fresh(digests)
    path.write_text(path.read_text().replace(before, after))
    assert (_fresh(digests) == digest) is same


def test_students_and_measures_that_decide_our_figures_are_among_them(
    digests: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "ROOT", ROOT)
    monkeypatch.setattr(digests, "BENCHMARKS", ROOT / "benchmarks")
    names = {path.relative_to(ROOT).as_posix() for path in digests.sources(ROOT / "benchmarks" / "best.py")}
    assert "explaindistill/students/gam/estimators.py" in names
    assert "explaindistill/numerics/trees/growth.py" in names
    assert not any(name.startswith("explaindistill/report/") for name in names)
