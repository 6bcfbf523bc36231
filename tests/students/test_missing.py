"""A missing value in a column that had none when fitting: where it goes, and that prints and exports say so."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.schema import Schema
from explaindistill.students._missing import MISSING_NOTE, unmet_missing

SENTENCE = "Fitting met no missing value in age; one that comes later goes with the heavier side."
N = 300
AGE = np.arange(N) % 60 + 20.0
STUDENTS = {
    "tree": xd.TreeClassifier(max_leaf_nodes=2, shrinkage=0),
    "model tree": xd.ModelTreeClassifier(max_leaf_nodes=2, n_folds=0),
}


def fitted(name, heavier="old", missing=False):
    """Two leaves by age: of the fitting rows two thirds are old, or young."""
    cut = 40 if heavier == "old" else 60
    X = pd.DataFrame({"age": np.where((np.arange(N) % 10 == 0) & missing, np.nan, AGE)})
    P = np.where(AGE - cut > 0, 0.9, 0.1)
    return STUDENTS[name].fit(X, pd.DataFrame({"no": 1 - P, "yes": P}))


@pytest.mark.parametrize("heavier", ["old", "young"])
@pytest.mark.parametrize("name", STUDENTS)
def test_a_missing_value_goes_with_the_heavier_side_and_the_print_says_so(name, heavier):
    student = fitted(name, heavier)
    typical = pd.DataFrame({"age": [70.0 if heavier == "old" else 30.0]})
    lost = pd.DataFrame({"age": [np.nan]})
    assert student.predict(lost).tolist() == student.predict(typical).tolist()
    assert student.describe().splitlines()[-1] == SENTENCE


@pytest.mark.parametrize("name", STUDENTS)
def test_where_fitting_met_missing_values_the_rules_say_it_and_nothing_is_added(name, tmp_path):
    student = fitted(name, missing=True)
    assert "no missing value" not in student.describe()
    assert MISSING_NOTE not in student.export(tmp_path / "s.py").read_text()


@pytest.mark.parametrize("ending", ["py", "c", "js", "sql", "onnx"])
@pytest.mark.parametrize("name", STUDENTS)
def test_every_export_says_it_in_its_head(name, ending, tmp_path):
    text = fitted(name).export(tmp_path / f"s.{ending}").read_bytes().decode("latin1")
    assert text.count(MISSING_NOTE) == 1
    if ending != "onnx":
        assert MISSING_NOTE in text[:400]


def test_columns_that_no_question_asks_for_are_not_named_and_many_are_counted():
    schema = Schema.infer(pd.DataFrame({f"x{i}": [1.0, 2.0] for i in range(9)} | {"gone": [None, 1.0]}))
    assert unmet_missing(schema, []) == unmet_missing(schema, [9]) == ""
    assert unmet_missing(schema, [0, 9]).startswith("Fitting met no missing value in x0;")
    assert "x5 and 3 more columns;" in unmet_missing(schema, range(10))


def test_a_name_cannot_end_the_comment_that_speaks_of_it(tmp_path):
    X = pd.DataFrame({'*/ " --\n': AGE})
    student = xd.TreeClassifier(max_leaf_nodes=2).fit(X, AGE > 40)
    assert r'"*/ \" --\n"; one' in student.describe()
    for ending in ("c", "js", "sql"):
        assert "*/ " not in student.export(tmp_path / f"s.{ending}", verify=None).read_text()[:300]


def test_limits_of_a_model_tree_quote_a_name_as_its_formulas_do():
    X = pd.DataFrame({"pay\nnow": AGE})
    student = xd.ModelTreeRegressor(max_leaf_nodes=2, n_folds=0).fit(X, np.abs(AGE - 50))
    assert r'"pay\nnow" counts as at least' in student.describe()
    assert "pay\nnow" not in student.describe()
