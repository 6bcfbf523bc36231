"""A scorecard says what is proven of its points: no single change improves them, on all rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from explaindistill import ScorecardClassifier
from explaindistill.numerics.linear import scorecard
from explaindistill.numerics.linear.scorecard import card_excess, search, unique_rows


def rows(n=400, seed=0):
    rng = np.random.default_rng(seed)
    B = rng.integers(0, 2, (n, 5)).astype(float)
    return B, expit(0.7 * (B @ [2, -1, 0, 4, 1]) - 1.0 + 0.3 * rng.normal(size=n))


@pytest.mark.parametrize("tolerance", [0.0, 0.03])
def test_no_single_change_of_points_lowers_the_loss(tolerance):
    B, p = rows()
    patterns = unique_rows(B, 1 - p, p)
    card = search(patterns, 3, -5, 5, tolerance=tolerance)
    assert card_excess(patterns, card, -5, 5) <= 1e-9
    for j in range(len(card.points)):
        for value in range(-5, 6):
            points = card.points.copy()
            points[j] = value
            total = B[:, list(card.support)] @ points
            n0 = np.array([((1 - p) * (total == t)).sum() for t in range(-15, 16)]) / len(p)
            n1 = np.array([(p * (total == t)).sum() for t in range(-15, 16)]) / len(p)
            assert scorecard.fit_totals(n0, n1, -15, card.offset, card.slope)[2] >= card.loss - 1e-9


def test_a_card_that_could_be_better_is_told_by_how_much():
    B, p = rows()
    patterns = unique_rows(B, 1 - p, p)
    card = search(patterns, 3, -5, 5)
    assert card_excess(patterns, replace(card, points=card.points[::-1].copy()), -5, 5) > 1e-3
    assert card_excess(patterns, replace(card, slope=card.slope * 1.3), -5, 5) > 1e-4
    assert card_excess(patterns, replace(card, offset=card.offset + 0.3), -5, 5) > 1e-4


def test_the_student_keeps_it_and_warns(monkeypatch):
    B, p = rows()
    X = pd.DataFrame(B, columns=list("abcde"))
    student = ScorecardClassifier().fit(X, np.column_stack([1 - p, p]))
    assert student.converged_
    assert student.optimality_ <= 1e-7
    original = scorecard.search

    def rough(*args):
        card = original(*args)
        return replace(card, slope=card.slope * 1.5)

    monkeypatch.setattr("explaindistill.students.scorecard.estimators.search", rough)
    with pytest.warns(ConvergenceWarning, match="ScorecardClassifier is not at its optimum"):
        student = ScorecardClassifier().fit(X, np.column_stack([1 - p, p]))
    assert not student.converged_
