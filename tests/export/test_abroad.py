"""Wrong answers of exported code that were reported for other tools, tried on our exports.

BayesWitnesses/m2cgen 168 and 188, scikit-learn 14747 and onnx/sklearn-onnx 1192 (rows in single precision, thresholds
in double); dmlc/treelite 690 and 706 (the side of missing values); treelite 277 (a missing category is not category 0);
lightgbm 2921 (missing where fitting saw none); jpmml/sklearn2pmml 179 ("NA" is North America), 428 and 130 (unseen is
not missing), 87 (labels with spaces); microsoft/hummingbird 435 (a tree of one leaf asks nothing).
"""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from explaindistill.export import python
from explaindistill.export._engines import COMPILERS
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.linear.estimators import LinearClassifier
from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

CLASSIFIERS = (TreeClassifier, ModelTreeClassifier, GAMClassifier, LinearClassifier, RuleListClassifier)


def written_everywhere(student, folder):
    """``export`` runs each and compares; what this machine cannot run is written only."""
    for ending in ("py", "sql", "onnx", "json"):
        student.export(folder / f"s.{ending}")
    student.export(folder / "s.c", verify="target" if any(map(shutil.which, COMPILERS)) else None)
    student.export(folder / "s.js", verify="target" if shutil.which("node") else None)


def python_answers(student, rows):
    module: dict = {}
    exec(python.generate(student), module)
    answer = module.get("predict_proba", module["predict"])
    return np.array([answer(row) for row in rows], dtype=float)


@pytest.mark.parametrize("family", [TreeRegressor, ModelTreeRegressor, RuleListRegressor, GAMRegressor])
def test_rows_in_single_precision_answer_as_their_own_numbers(family, tmp_path):
    """A float32 cell is the double it stands for, also at the threshold; nothing is compared in single precision."""
    rng = np.random.default_rng(0)
    x = rng.choice(np.round(np.linspace(0, 1, 33), 3), 600).astype(np.float32)
    student = family().fit(pd.DataFrame({"x": x}), np.floor(x.astype(float) * 8))
    bounds = [float(c.bound) for c in _bounds(student.program().tree)] or [0.671]
    tries = [f(b) for b in bounds for f in (np.float32, lambda b: np.nextafter(np.float32(b), np.float32(9)))]
    tries = np.array([*tries, *np.unique(x)], dtype=np.float32)
    wanted = student.predict(pd.DataFrame({"x": tries}))
    np.testing.assert_allclose(python_answers(student, [{"x": v} for v in tries.tolist()]), wanted, atol=1e-12)
    np.testing.assert_allclose(student.predict(pd.DataFrame({"x": tries.astype(float)})), wanted, atol=1e-12)
    written_everywhere(student, tmp_path)


def _bounds(node):
    from explaindistill.data.program import AtMost, Split
    from explaindistill.export._trial import _single

    if not isinstance(node, Split):
        return []
    inner = [c for c in _single(node.condition) if isinstance(c, AtMost)]
    return inner + _bounds(node.yes) + _bounds(node.no)


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_missing_goes_the_way_that_fitting_chose(family, tmp_path):
    x = np.tile([np.nan] * 4 + [0, 1, 2, 3, 4, 5], 30)
    y = np.tile([1] * 4 + [0] * 4 + [1] * 2, 30)
    student = family().fit(pd.DataFrame({"x": x}), y)
    rows = [{"x": None}, {"x": 1.2}, {"x": 4.8}]
    wanted = student.predict_proba(pd.DataFrame({"x": [np.nan, 1.2, 4.8]}))
    np.testing.assert_allclose(python_answers(student, rows), wanted, atol=1e-12)
    assert wanted[0].argmax() == 1
    written_everywhere(student, tmp_path)


@pytest.mark.parametrize("family", CLASSIFIERS)
@pytest.mark.parametrize("column", [[1] * 30 + [2] * 30 + [0] * 30, ["b"] * 30 + ["c"] * 30 + ["a"] * 30])
def test_missing_and_unseen_where_fitting_saw_neither_are_no_category(family, column, tmp_path):
    X = pd.DataFrame({"code": pd.Categorical(column), "other": np.tile([0.0, 1.0, 2.0], 30)})
    student = family().fit(X, ["left"] * 60 + ["right"] * 30)
    unseen = "d" if isinstance(column[0], str) else 99
    rows = [{"code": v, "other": 1.0} for v in (None, column[-1], unseen)]
    frame = pd.DataFrame({"code": pd.Series([None, column[-1], unseen], dtype=object), "other": [1.0] * 3})
    np.testing.assert_allclose(python_answers(student, rows), student.predict_proba(frame), atol=1e-12)
    written_everywhere(student, tmp_path)


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_words_that_mean_missing_elsewhere_are_categories(family, tmp_path):
    words = ["NA", "None", "nan", "null", "", "EU"]
    X = pd.DataFrame({"continent": pd.Series([w for w in words for _ in range(40)] + [None] * 40, dtype=object)})
    y = np.array(["Education Loan", " other\n'loan'"])[([0] * 40 + [1] * 40) * 3 + [0] * 40]
    student = family().fit(X, y)
    rows = [{"continent": w} for w in (*words, None, "AS")]
    frame = pd.DataFrame({"continent": pd.Series([r["continent"] for r in rows], dtype=object)})
    np.testing.assert_allclose(python_answers(student, rows), student.predict_proba(frame), atol=1e-12)
    assert family is ModelTreeClassifier or len(set(student.predict(frame))) == 2
    written_everywhere(student, tmp_path)


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_one_answer_for_all_asks_nothing_of_a_missing_value(family, tmp_path):
    X = pd.DataFrame({"x": np.arange(60.0)})
    student = family().fit(X, pd.DataFrame({"no": np.full(60, 0.75), "yes": np.full(60, 0.25)}))
    rows = [{"x": None}, {"x": 3.0}]
    np.testing.assert_allclose(python_answers(student, rows), [[0.75, 0.25]] * 2, atol=1e-3)
    written_everywhere(student, tmp_path)
