"""An additive student says that it converged only at its optimum on all rows, on both sides of its short cuts."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning

from explaindistill import GAMClassifier, GAMRegressor
from explaindistill.students.gam import bins, fit, problem


def rare_tail(n, seed=0):
    """A teacher that is additive, with a column whose tail belongs to one row in five thousand."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.integers(1, 8, n),
            "c": rng.choice(list("wxyz"), n),
            "d": rng.integers(0, 4, n).astype(float),
        }
    )
    tail = rng.random(n) < 2e-4
    X.loc[tail, "d"] = rng.integers(20, 61, int(tail.sum()))
    level = X["c"].map({"w": 0.5, "x": -0.5, "y": 0.0, "z": 0.2})
    eta = 1.5 * X["a"] - 0.4 * (X["b"] - 4) + level + 0.3 * np.minimum(X["d"], 6) - 2
    p = expit(eta.to_numpy())
    return X, np.column_stack([1 - p, p])


@pytest.mark.parametrize("seed", [0, 1])
def test_a_rare_tail_does_not_stop_the_fit(seed):
    X, P = rare_tail(40_000, seed)
    student = GAMClassifier(random_state=0).fit(X, P)
    assert student.converged_
    assert student.optimality_ <= 1e-7
    Z, Q = rare_tail(5_000, seed + 10)
    assert np.abs(student.predict_proba(Z) - Q).mean() < 1e-3


@pytest.mark.parametrize("seed", range(3, 10))
def test_both_sides_of_the_limit_on_curvature_give_the_same_answers(monkeypatch, seed):
    X, P = rare_tail(6_000, seed)
    whole = GAMClassifier(random_state=0).fit(X, P).predict_proba(X)
    monkeypatch.setattr(problem, "CURVATURE_ROWS", 1_000)
    sampled = GAMClassifier(random_state=0).fit(X, P).predict_proba(X)
    # of seed 3 the choice of smoothing has two answers, a straight line and one that follows it: both are this close
    assert np.abs(whole - sampled).max() < (5e-3 if seed == 3 else 1e-4)


@pytest.mark.parametrize("seed", [5, 7])
def test_directions_of_a_few_rows_are_not_left_out(monkeypatch, seed):
    """One row is far out; a draft has all but smoothed it away, and the fit must not build on that."""
    X, P = rare_tail(6_000, seed)
    short = GAMClassifier(random_state=0).fit(X, P).predict_proba(X)
    monkeypatch.setattr(fit, "LEAST_EDF", 0.0)
    whole = GAMClassifier(random_state=0).fit(X, P).predict_proba(X)
    assert np.abs(short - whole).max() < 1e-4
    assert np.abs(short - np.asarray(P)).max() < 2e-3


def test_a_sample_of_rows_holds_every_row_of_a_rare_place(monkeypatch):
    X, P = rare_tail(6_000, 4)
    X.loc[[11, 1_001, 2_222, 3_333, 4_445], "d"] = (
        40.0  # an even sample of a sixth of the rows holds one of them or none
    )
    samples = []
    original = problem.AdditiveProblem.curvature_sample

    def recorded(self, terms):
        samples.append((self, original(self, terms)))
        return samples[-1][1]

    monkeypatch.setattr(problem.AdditiveProblem, "curvature_sample", recorded)
    monkeypatch.setattr(problem, "CURVATURE_ROWS", 1_000)
    GAMClassifier(random_state=0).fit(X, P)
    case, sample = samples[0]
    tail = np.flatnonzero(X["d"] > 6)
    even = np.linspace(0, len(X) - 1, 1_000).astype(int)
    assert len(tail) >= 5
    assert len(set(tail) - set(even)) >= 3
    whole, drawn = case.rows.parts.part, sample.parts.part
    assert len(drawn) < 2_000
    far = whole.codes[X.columns.get_loc("d"), tail]
    for code in far:  # once each, as they are
        near = drawn.codes[X.columns.get_loc("d")] == code
        assert drawn.weight[near].tolist() == [1.0] * int((whole.codes[X.columns.get_loc("d")] == code).sum())
    assert sample.weight == pytest.approx(case.rows.weight)


def test_sure_answers_of_several_classes_keep_finite_curves():
    """Newton's full step overshoots by thousands of logits where classes are told apart without doubt."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(np.exp(2 * rng.normal(size=(1_500, 4))), columns=list("abcd"))
    eta = 40 * np.column_stack([np.log(X["a"]), np.log(X["b"]), 0.5 - np.log(X["c"])])
    student = GAMClassifier(random_state=0).fit(X, softmax(eta, axis=1))
    assert student.converged_
    assert (student.predict(X) == eta.argmax(axis=1)).mean() > 0.97


def test_a_fit_that_is_cut_short_warns_and_says_so():
    X, P = rare_tail(3_000, 5)
    student = GAMClassifier(max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"is not at its optimum after .* raise max_iter \(now 1\)"):
        student.fit(X, (P > 0.5)[:, 1])
    assert not student.converged_
    assert student.optimality_ > 1e-7
    assert "before it settled" in student.describe()


def test_values_of_any_unit_are_held_against_their_own_spread():
    X, P = rare_tail(2_000, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for unit in (1e-6, 1.0, 1e6):
            assert GAMRegressor(random_state=0).fit(X, unit * P[:, 1]).optimality_ <= 1e-7


def crossed(n, seed=0):
    """A sum with one product, of which one of the columns alone says nothing."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    X["e"] = rng.integers(0, 3, n)
    return X, (X["a"] + 0.5 * X["b"] + 1.5 * X["c"] * X["d"]).to_numpy()


@pytest.mark.parametrize(
    ("name", "beyond"),
    [("SCAN_ROWS", 1_000), ("FEW_ROWS", 10_000), ("JOINED_ROWS", 10_000), ("FEW_PAIRS", 2), ("MANY_ROWS", 100)],
)
def test_both_sides_of_a_limit_give_the_same_curves(monkeypatch, name, beyond):
    home = bins if name in ("MANY_ROWS", "JOINED_ROWS") else fit
    X, y = crossed(2_500, 8)
    students = []
    for limit in (None, beyond):
        if limit is not None:
            assert (len(X) < getattr(home, name)) != (len(X) < limit) or name == "FEW_PAIRS"
            monkeypatch.setattr(home, name, limit)
        students.append(GAMRegressor(n_pairs=1, n_jobs=2, random_state=0).fit(X, y))
    one, other = students
    assert one.converged_
    assert other.converged_
    assert [s.features for s in one.shapes_] == [s.features for s in other.shapes_]
    assert np.abs(one.predict(X) - other.predict(X)).max() < 1e-3 * y.std()


@pytest.mark.parametrize("value", [0.0, 0.1, 0.1 + 2**-55, 1 / 3, 5.0, -1e9])
def test_a_constant_is_at_its_optimum(value):
    """All that is left to explain is the rounding of the mean, and no share of that may count as an excess."""
    frame = pd.DataFrame({"x": np.linspace(0, 1, 240), "c": np.resize(["a", "b", "c"], 240)})
    student = GAMRegressor().fit(frame, np.full(240, value))
    assert student.converged_
    assert student.predict(frame) == pytest.approx(np.full(240, value), rel=1e-12, abs=1e-12)


def test_both_sides_of_the_limit_on_rows_that_make_bins(monkeypatch):
    X, _ = crossed(6_000, 9)
    y = (X["a"] + np.sin(2 * X["b"])).to_numpy()
    whole = GAMRegressor(random_state=0).fit(X, y)
    monkeypatch.setattr(bins, "SORTED_ROWS", 3_000)
    monkeypatch.setattr(bins, "SAMPLED_VALUES", 1_200)
    sampled = GAMRegressor(random_state=0).fit(X, y)
    # the last knots stand elsewhere, so that the ends of curves move
    assert np.abs(whole.predict(X) - sampled.predict(X)).max() < 0.1 * y.std()
    assert np.abs(whole.predict(X) - sampled.predict(X)).mean() < 3e-3 * y.std()
    assert np.abs(y - sampled.predict(X)).mean() < 1.2 * np.abs(y - whole.predict(X)).mean()
    assert whole.predict(X).tolist() != sampled.predict(X).tolist()
