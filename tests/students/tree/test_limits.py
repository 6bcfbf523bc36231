"""A tree is the same on both sides of every limit on rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from explaindistill.numerics.trees import binning, finer_thresholds, histogram, stable_growth
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor


def rows(n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=n), "skewed": np.exp(2 * rng.normal(size=n)), "b": rng.integers(0, 9, n)})
    X["job"] = rng.choice(list("uvwxyz"), n)
    p = expit(X["a"] + np.log(X["skewed"]) * (X["b"] > 3) - (X["job"] == "u")).to_numpy()
    return X, np.column_stack([1 - p, p])


@pytest.mark.parametrize(
    ("home", "name", "beyond"),
    [
        (binning, "MANY", 1_000),
        (binning, "SEARCH_CELLS", 1 << 20),
        (binning, "SEARCH_CELLS", 1 << 4),
        (finer_thresholds, "SORTED", 10),
    ],
)
def test_both_sides_of_a_limit_on_bins_give_the_same_answers(monkeypatch, home, name, beyond):
    X, P = rows()
    whole = TreeClassifier(12, shrinkage=0).fit(X, P)
    monkeypatch.setattr(home, name, beyond)
    other = TreeClassifier(12, shrinkage=0).fit(X, P)
    if name == "MANY":  # ends of bins move by a 64th of a bin, and thresholds are then found among the values
        assert np.abs(other.predict_proba(X) - whole.predict_proba(X)).mean() < 5e-3
    else:
        np.testing.assert_array_equal(other.predict_proba(X), whole.predict_proba(X))


def test_packed_histograms_are_those_that_are_not(monkeypatch):
    X, P = rows()
    plain, seen = histogram.channels, []

    def watched(*args):
        seen.append(plain(*args).packed)
        return plain(*args)

    monkeypatch.setattr("explaindistill.students.tree.fit.channels", watched)
    light = TreeClassifier(12, shrinkage=0, min_samples_leaf=1).fit(X, P)
    assert all(seen)
    seen.clear()
    heavy = TreeClassifier(12, shrinkage=0, min_samples_leaf=1).fit(X, P, sample_weight=np.full(len(X), 1_024))
    assert not any(seen)
    np.testing.assert_allclose(heavy.predict_proba(X), light.predict_proba(X), atol=1e-12)


def test_values_with_a_sign_and_without_have_the_same_tree():
    """Targets of at least 0 are packed with their count, others are not and have finer steps."""
    X, P = rows()
    below = TreeRegressor(12, shrinkage=0).fit(X, P[:, 1] - 0.5)
    above = TreeRegressor(12, shrinkage=0).fit(X, P[:, 1])
    np.testing.assert_allclose(below.predict(X) + 0.5, above.predict(X), atol=1e-9)


def test_both_sides_of_the_limit_on_rows_that_measure_chance(monkeypatch):
    X, P = rows()
    whole = TreeClassifier(6, tie_tolerance=0.05).fit(X, P)
    monkeypatch.setattr(stable_growth, "MOST_ROWS", 1_000)
    sampled = TreeClassifier(6, tie_tolerance=0.05).fit(X, P)
    np.testing.assert_array_equal(sampled.predict_proba(X), whole.predict_proba(X))
    assert sampled.chance_ == pytest.approx(whole.chance_, abs=0.1)


@pytest.mark.parametrize(("n", "least"), [(40, 2), (599, 2), (600, 3), (999, 4), (1_000, 5), (1_001, 5), (20_000, 5)])
def test_a_leaf_has_one_of_two_hundred_rows_where_nobody_says(n: int, least: int) -> None:
    """A weight counts as rows, so that a table answers as its copies written out do."""
    rng = np.random.default_rng(n)
    X, P = rng.normal(size=(n, 2)), rng.integers(0, 2, n)
    grown = {"max_leaf_nodes": None, "max_depth": 3, "search": "greedy", "shrinkage": 0}
    given = TreeClassifier(**grown, min_samples_leaf=least).fit(X, P)
    assert TreeClassifier(**grown).fit(X, P).to_dict()["nodes"] == given.to_dict()["nodes"]
    twice = TreeClassifier(**grown).fit(X, P, sample_weight=np.full(n, 2))
    copies = TreeClassifier(**grown).fit(np.repeat(X, 2, axis=0), np.repeat(P, 2))
    np.testing.assert_array_equal(twice.predict_proba(X), copies.predict_proba(X))
