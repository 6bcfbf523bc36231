"""Numbers move towards labels, no further than the limit; the structure stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from explaindistill.errors import InvalidInputError
from explaindistill.refining import refine
from explaindistill.students.linear import LinearClassifier, LinearRegressor
from explaindistill.students.scorecard import ScorecardClassifier
from explaindistill.students.tree import TreeClassifier, TreeRegressor


def rows(n: int = 3000) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """A teacher that puts the border in the wrong place, and labels that know better."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    wrong = expit(2 * X["x"].to_numpy() - 1)
    right = expit(2 * X["x"].to_numpy() + 0.5)
    y = (rng.random(n) < right).astype(int)
    return X, np.column_stack([1 - wrong, wrong]), y, right


@pytest.mark.parametrize("kind", [TreeClassifier, LinearClassifier])
def test_labels_win_where_the_limit_allows(kind: type) -> None:
    X, P, y, right = rows()
    student = kind().fit(X, P)
    before = student.predict_proba(X).copy()
    free, bound = (refine(student, X, y, P=P, max_loss=limit) for limit in (1.0, 0.05))
    np.testing.assert_array_equal(student.predict_proba(X), before)
    assert free.strength == 1
    assert 0 < bound.strength < 1
    errors = [np.abs(s.predict_proba(X)[:, 1] - right).mean() for s in (student, bound.student, free.student)]
    assert errors[0] > errors[1] > errors[2]
    assert bound.curve.loc[bound.curve["chosen"], "loss"].item() <= 0.05
    assert free.curve["error"].iloc[-1] < free.curve["error"].iloc[0]
    assert free.curve["chosen"].sum() == 1
    assert list(free.curve.columns) == ["strength", "fidelity", "loss", "performance", "error", "n", "chosen"]


def test_no_loss_allowed_keeps_the_answers() -> None:
    X, P, y, _ = rows()
    student = TreeClassifier(max_leaf_nodes=4).fit(X, P)
    kept = refine(student, X, y, max_loss=0.0)
    assert (kept.student.predict(X) == student.predict(X)).mean() > 0.99
    np.testing.assert_array_equal(kept.student.tree_.threshold, student.tree_.threshold)


def test_refined_linear_student_keeps_its_terms() -> None:
    X, P, y, _ = rows()
    student = LinearClassifier(max_terms=1).fit(X, P)
    free = refine(student, X, pd.DataFrame({0: 1 - y, 1: y}), max_loss=1.0).student
    assert free.coefficients()["term"].tolist() == student.coefficients()["term"].tolist()
    assert free.coefficients()["coefficient"][0] == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("kind", [TreeRegressor, LinearRegressor])
def test_regression_moves_to_the_values(kind: type) -> None:
    X, P, _, right = rows()
    student = kind().fit(X, P[:, 1])
    free = refine(student, X, right, P=P[:, 1], max_loss=10.0)
    assert free.strength == 1
    assert ((free.student.predict(X) - right) ** 2).mean() < ((student.predict(X) - right) ** 2).mean() / 2


def test_arrays_and_messages() -> None:
    X, P, y, _ = rows(300)
    array = X.to_numpy()
    assert refine(LinearClassifier().fit(array, P), array, y).curve["n"].iloc[0] == 100
    with pytest.raises(InvalidInputError, match="must be a tree or a linear student, got ScorecardClassifier"):
        refine(ScorecardClassifier(max_terms=1).fit(X, P), X, y)
    student = TreeClassifier().fit(X, P)
    with pytest.raises(InvalidInputError, match="max_loss must be at least 0"):
        refine(student, X, y, max_loss=-1)
    with pytest.raises(InvalidInputError, match="at least 3 distinct rows"):
        refine(student, X.iloc[[0, 0]], y[[0, 0]])
