"""Where the cuts of model trees send rows, and how ties and small parts are settled."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from explaindistill.numerics.model_trees import growth as model_growth
from explaindistill.numerics.model_trees.cuts import (
    _cut_leaf,
    _half,
    _routing,
    _side,
)
from explaindistill.numerics.model_trees.gram_splits import BinSums
from explaindistill.numerics.model_trees.leaf_models import (
    LinearTree,
    LinearTreeProblem,
    mean_loss,
    refit,
)
from explaindistill.numerics.model_trees.state import (
    Cut,
    GrowthState,
    LinearTreeLimits,
    SplitColumns,
)
from explaindistill.numerics.trees.binning import MISSING
from explaindistill.students.model_tree.estimators import ModelTreeRegressor

LIMITS = LinearTreeLimits(leaves=4, depth=9, leaf_rows=5.0, leaf_terms=9, parameters=30.0, gain=1e-6)


def table(codes, is_category=False, sizes=None):
    d, bins = codes.shape[1], int(codes.max()) + 1
    sizes = np.ones(bins) if sizes is None else np.asarray(sizes, dtype=float)
    return SplitColumns(
        codes, [bins] * d, [is_category] * d, [sizes] * d, np.arange(d), lambda f: codes[:, f].astype(float)
    )


def state(X, y, loss="squared"):
    n = len(X)
    problem = LinearTreeProblem(
        np.c_[X, np.ones(n)], np.asarray(y, float)[:, None], np.full(n, 1 / n), np.ones(n), loss, 1 / n
    )
    model = LinearTree({0: np.arange(n)}, problem.n_terms)
    model.add(0, problem.n_terms, 0)
    refit(problem, model, 30, 1e-12)
    return GrowthState(problem, model)


@pytest.mark.parametrize(("left", "right", "heavy"), [(6.0, 3.0, True), (3.0, 6.0, False), (4.0, 4.0, True)])
def test_what_fitting_did_not_see_goes_with_the_heavier_half(left, right, heavy):
    three = table(np.array([[0, 1, 2]], dtype=np.uint8).T)
    n = np.array([left, 0.0, right, 0.0])
    go = _routing(three, 0, np.array([0, 1, 2]), 1, not heavy, n)
    assert go[:3].tolist() == [True, True, False]
    assert go[MISSING] == go[255] == heavy


@pytest.mark.parametrize("missing_left", [True, False])
def test_missing_values_go_where_the_cut_says_if_there_are_any(missing_left):
    three = table(np.array([[0, 1, 2]], dtype=np.uint8).T)
    go = _routing(three, 0, np.array([0, 1, 2]), 0, missing_left, np.array([5.0, 1.0, 1.0, 2.0]))
    assert go[MISSING] == missing_left
    assert go[255]  # the heavier half, missing values aside


def test_other_categories_go_with_the_larger_set():
    kinds = table(np.array([[0, 1, 2]], dtype=np.uint8).T, is_category=True, sizes=[1, 4, 2])
    go = _routing(kinds, 0, np.array([2, 0, 1]), 1, False, np.array([9.0, 9.0, 1.0, 0.0]))
    assert go[[2, 0, 1]].tolist() == [True, True, False]
    assert not go[200]  # three categories on the left, four on the right
    go = _routing(kinds, 0, np.array([1, 0, 2]), 0, False, np.array([1.0, 9.0, 9.0, 0.0]))
    assert go[200]


def test_sides_add_up_to_the_whole():
    A, b = np.random.default_rng(0).random((4, 1, 2, 2)), np.random.default_rng(1).random((4, 1, 2))
    for last in (0, 1, 2):
        without, with_them = (_side(BinSums(A, b, None), last, m) for m in (False, True))
        np.testing.assert_allclose(without[0], A[: last + 1].sum(axis=0))
        np.testing.assert_allclose(with_them[0] - without[0], A[-1])
        np.testing.assert_allclose(with_them[1] - without[1], b[-1])
    # a cut between numbers and missing values
    np.testing.assert_allclose(_side(BinSums(A[:3], b[:3], None), 2, True)[0], A[:3].sum(axis=0))


def test_a_leaf_of_few_rows_is_not_cut():
    X = np.arange(12.0)[:, None]
    codes = table(np.arange(12, dtype=np.uint8)[:, None])
    here = state((X - X.mean()) / X.std(), X[:, 0] > 5)
    assert _cut_leaf(here, codes, replace(LIMITS, leaf_rows=6.0), 30.0, 0, None) is not None
    assert _cut_leaf(here, codes, replace(LIMITS, leaf_rows=6.5), 30.0, 0, None) is None
    assert _cut_leaf(here, codes, replace(LIMITS, depth=0), 30.0, 0, None) is None


@pytest.mark.parametrize("loss", ["squared", "binary"])
def test_a_half_is_fitted_to_its_minimum(loss):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, 2))
    y = 1 / (1 + np.exp(-4 * X[:, 0] - 2)) if loss == "binary" else 3 * X[:, 0] + 2
    here, rows = state(X, y, loss), np.arange(0, 80, 2)
    problem = here.problem
    Z = problem.design[rows][:, [2, 0]]

    def value(beta):
        now = here.eta[rows] + (Z @ beta)[:, None]
        loss_now = mean_loss(now, problem.targets[rows], problem.weight[rows], loss)
        return loss_now + 0.5 * problem.ridge * beta @ beta

    drop = _half(here, rows, [(0, 0)])
    best = value(np.zeros(2)) - minimize(value, np.zeros(2), tol=1e-12).fun
    assert drop == pytest.approx(best, rel=0.01)


def test_of_equal_columns_the_first_by_name_is_cut():
    x = np.arange(60.0)
    for names in ("ba", "ab"):
        X = pd.DataFrame({name: x for name in names})
        student = ModelTreeRegressor(max_leaf_nodes=2, max_leaf_features=0, n_folds=0).fit(X, x > 30)
        assert student.tree_.used() == ["a"] or {student.tree_.schema.names[f] for f in student.tree_.used()} == {"a"}


@pytest.mark.parametrize("there", [True, False])
def test_a_finer_cut_also_says_where_missing_values_go(monkeypatch, there):
    values = np.arange(40.0)
    codes = (values // 10).astype(np.uint8)
    if there:
        values[::8], codes[::8] = np.nan, MISSING
    here = state(np.zeros((40, 1)), np.arange(40) > 14)
    binned = replace(table(codes[:, None]), n_bins=[4], values=lambda f: values)
    go = np.zeros(256, dtype=bool)
    go[:2] = True
    cut = Cut(0, 0, go, 2.0, (), 1.0, 1.0)
    with np.errstate(invalid="ignore"):
        finer = (values <= 14) | np.isnan(values)
    monkeypatch.setattr(model_growth, "_fine_cut", lambda *_: (finer, True))
    left, changed = model_growth._between(here, binned, LIMITS, cut)
    assert (left == finer).all()
    assert changed.goes_left[MISSING] == there
    assert not go[MISSING]
    assert here.model.gap[0] == (14.0, 15.0)
