"""What a teacher or a student may have besides its contract is written down where the contract is."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import explaindistill
from explaindistill.protocols import Student, Teacher, can_be_asked
from explaindistill.teachers.recorded import RecordedTeacher

PACKAGE = Path(explaindistill.__file__).parent
TEACHERS_PAGE = Path(__file__).parents[1] / "docs" / "howto" / "add_a_teacher.md"
REQUIRED = {"classes_", "predict", "predict_proba", "fingerprint"}
OF_STUDENTS = (
    "program",
    "drawing",
    "apply",
    "rules",
    "shapley",
    "counterfactual",
    "reasons",
    "recount",
    "toward_labels",
    "smaller",
)


def named(text: str) -> set[str]:
    """Names of members in the list of optional ones: ``name``, ``weights()``, ``hidden(X)``."""
    lists = re.findall(r"^ *- (``.*?): ", text, flags=re.MULTILINE)
    return {name for words in lists for name in re.findall(r"``(\w+)", words)}


def looked_up() -> dict[str, str]:
    """Members that the package looks for on a teacher by name, and a file that does."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name in ("teachers", "policies"):
            continue  # the one looks into adapters that it holds; what acts in the other has a contract of its own
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("hasattr", "getattr") and len(node.args) > 1:
                owner, member = node.args[:2]
                if re.search(r"(^|\.)_?teacher_?$", ast.unparse(owner)) and isinstance(member, ast.Constant):
                    names[member.value] = path.relative_to(PACKAGE).as_posix()
    return names


def test_every_optional_member_of_a_teacher_is_documented():
    names = looked_up()
    assert len(names) >= 8
    documented = named(Teacher.__doc__)
    assert {name: path for name, path in names.items() if name not in documented | REQUIRED} == {}
    page = TEACHERS_PAGE.read_text("utf-8")
    assert {name for name in documented if f"`{name}" not in page} == set()


def test_only_one_place_asks_whether_a_teacher_can_be_asked():
    assert looked_up()["knows"] == "protocols.py"
    assert sum('"knows"' in path.read_text("utf-8") for path in PACKAGE.rglob("*.py")) == 1
    assert not can_be_asked(RecordedTeacher(np.zeros((1, 1)), [1.0]))


@pytest.mark.parametrize("member", OF_STUDENTS)
def test_every_optional_member_of_a_student_says_what_its_absence_means(member):
    entry = re.search(rf"- [^:]*``{member}\(.*?(?=\n    - |\n\n)", Student.__doc__, flags=re.DOTALL)
    assert entry
    assert "Absent: " in " ".join(entry.group().split())
