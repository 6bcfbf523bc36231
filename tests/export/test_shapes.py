"""Every shape a student can have, in every language: one leaf, no term, one column, only categories, three classes."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from explaindistill.data.program import Leaf
from explaindistill.export._engines import COMPILERS
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
from explaindistill.students.scorecard.estimators import ScorecardClassifier
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

CLASSIFIERS = (TreeClassifier, ModelTreeClassifier, GAMClassifier, LinearClassifier, RuleListClassifier)
REGRESSORS = (TreeRegressor, ModelTreeRegressor, GAMRegressor, LinearRegressor, RuleListRegressor)
N = 240


def columns():
    """Columns of every kind, the number with holes, one of the categories never missing."""
    rng = np.random.default_rng(5)
    number = rng.normal(size=N).round(2)
    return {
        "number": np.where(rng.random(N) < 0.2, np.nan, number),
        "word": rng.choice(["a", "b", "c"], N).astype(object),
        "code": pd.Categorical(rng.choice([1, 2, 30], N)),
        "size": pd.Categorical(rng.choice(["s", "m", "l"], N), ["s", "m", "l"], ordered=True),
        "flag": rng.random(N) < 0.5,
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, N), unit="D"),
    }


def level(X):
    """A target between 0 and 1 that each of the columns moves."""
    z = np.zeros(N)
    for name in X:
        x = X[name]
        kinds = {"word": lambda x: x == "a", "code": lambda x: x.astype(int) == 30, "size": lambda x: x.cat.codes}
        kinds |= {"day": lambda x: (x - x.min()).dt.days / 45, "flag": lambda x: x, "number": lambda x: x.fillna(2.0)}
        z = z + np.asarray(kinds[name](x), dtype=float)
    return 1 / (1 + np.exp(-(z - z.mean()) * 2))


SHAPES = {
    "a constant answer": ["number", "word"],
    "one number": ["number"],
    "one flag": ["flag"],
    "one date": ["day"],
    "one order": ["size"],
    "only categories": ["word", "code"],
    "every kind": ["number", "word", "code", "size", "flag", "day"],
    "only whether it is missing": ["number"],
}


def rows_and_level(shape):
    X = pd.DataFrame(columns())[SHAPES[shape]]
    if shape == "a constant answer":
        return X, np.full(N, 0.3)
    return X, np.where(X["number"].isna(), 0.9, 0.2) if shape.startswith("only whether") else level(X)


def written_everywhere(student, folder):
    """Every language that this machine can run; ``export`` compares the answers."""
    for ending in ("py", "sql", "onnx", "json"):
        student.export(folder / f"s.{ending}")
    student.export(folder / "s.c", verify="target" if any(map(shutil.which, COMPILERS)) else None)
    student.export(folder / "s.js", verify="target" if shutil.which("node") else None)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("family", CLASSIFIERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers(shape, family, n_classes, tmp_path):
    X, p = rows_and_level(shape)
    shares = [1 - p, p] if n_classes == 2 else [1 - p, p * 0.4, p * 0.6]
    P = pd.DataFrame(np.column_stack(shares), columns=["no", "perhaps", "yes"][:n_classes])
    written_everywhere(family().fit(X, P), tmp_path)


@pytest.mark.parametrize("shape", SHAPES)
def test_scorecards(shape, tmp_path):
    X, p = rows_and_level(shape)
    written_everywhere(ScorecardClassifier().fit(X, pd.DataFrame({"no": 1 - p, "yes": p})), tmp_path)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("family", REGRESSORS)
def test_regressors(shape, family, tmp_path):
    X, p = rows_and_level(shape)
    written_everywhere(family().fit(X, p * 7 - 2), tmp_path)


def test_students_without_any_part_are_there(tmp_path):
    X, p = rows_and_level("a constant answer")
    P = pd.DataFrame({"no": 1 - p, "yes": p})
    assert TreeClassifier().fit(X, P).complexity().n_leaves == 1
    assert ModelTreeRegressor().fit(X, p).complexity().n_leaves == 1
    for gam in (GAMRegressor().fit(X, p), GAMClassifier().fit(X, P)):
        bare = type(gam).from_dict(gam.to_dict() | {"shapes": []})
        assert not bare.program().curves
        written_everywhere(bare, tmp_path)
    form = ScorecardClassifier().fit(X, P).to_dict()
    bare = ScorecardClassifier.from_dict(form | {"columns": [], "points": [], "lowest": 0, "risk": [0.3]})
    assert not bare.program().terms
    written_everywhere(bare, tmp_path)
    assert isinstance(RuleListClassifier().fit(X, P).program().tree, Leaf)


@pytest.mark.parametrize("options", [{}, {"max_leaf_nodes": 1}, {"max_leaf_nodes": 4}, {"max_leaf_features": 0}])
def test_breast_cancer_as_a_model_tree(options, tmp_path):
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    written_everywhere(ModelTreeClassifier(**options).fit(X, y), tmp_path)


def test_a_model_tree_without_terms_is_a_tree(tmp_path):
    X, p = rows_and_level("every kind")
    written_everywhere(ModelTreeRegressor(max_leaf_nodes=6, max_leaf_features=0).fit(X, p), tmp_path)
