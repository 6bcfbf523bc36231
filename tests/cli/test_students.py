"""Students by their names and settings."""

import pytest

from explaindistill import plugins
from explaindistill.cli.students import make_students
from explaindistill.errors import InvalidInputError


def test_settings_are_values_or_words():
    made = make_students(["tree"], "classification", ["tree.max_leaf_nodes=5", "tree.max_depth=None"], seed=3)["tree"]
    assert (made.max_leaf_nodes, made.max_depth) == (5, None)
    assert make_students(["tree"], "classification", ["tree.search=greedy"], 0)["tree"].search == "greedy"


def test_student_for_another_task(monkeypatch):
    class OnlyClassifier:
        pass

    monkeypatch.setattr(plugins, "public", lambda room, name: {"OnlyClassifier": OnlyClassifier})
    with pytest.raises(InvalidInputError, match="student tree does no regression; it has: OnlyClassifier"):
        make_students(["tree"], "regression", [], 0)


def test_one_size_for_the_categories_of_all_students():
    names = ["tree", "linear", "scorecard"]
    chosen = make_students(names, "classification", ["linear.min_category_size=3"], 0, min_category_size=20)
    assert [chosen[name].min_category_size for name in names] == [20, 3, 20]
    plain = make_students(names, "classification", [], 0)
    assert {student.min_category_size for student in plain.values()} == {5}
