import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.data.schema import Schema
from explaindistill.numerics.trees import finer_thresholds
from explaindistill.numerics.trees.best_first import grow
from explaindistill.numerics.trees.binning import bin_table
from explaindistill.numerics.trees.finer_thresholds import finer_cut
from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.histogram import channels
from explaindistill.numerics.trees.local_rows import LocalRows, channels_of
from explaindistill.numerics.trees.lookahead import grow_ahead
from explaindistill.numerics.trees.open_leaves import TreeLimits
from explaindistill.numerics.trees.splitting import CutRules

FREE = CutRules(weight=0, target=1, least=1, low=-np.inf, high=np.inf, chance=0.0)


def grower(frame, Y, weight=None, raw=None, **given):
    schema = Schema.infer(frame)
    chosen = {"max_leaf_nodes": 8, "max_depth": None, "min_samples_leaf": 1, "min_decrease": 0.0}
    chosen |= {"max_features_used": None, "signs": np.zeros(len(schema), dtype=np.int64), "groups": None}
    table = bin_table(schema, frame, weight)
    rows = channels(np.asarray(Y, dtype=float).reshape(len(frame), -1), weight)
    return Grower(LocalRows(table, rows, raw), TreeLimits(**{**chosen, **given}), schema.names)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.sampled_from([None, 3]), st.integers(1, 3))
def test_never_worse_than_greedy(seed, leaves, depth, n_targets):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(0, 9, (90, 4)), columns=list("abcd")).assign(e=rng.choice(list("pqrs"), 90))
    Y = rng.random((90, n_targets)).round(1)
    kind = {"max_leaf_nodes": leaves, "max_depth": depth, "min_samples_leaf": 2}
    greedy, ahead = grow(grower(frame, Y, **kind)), grow_ahead(grower(frame, Y, **kind), 6)
    assert ahead.worth.sum() >= greedy.worth.sum() - 1e-9
    assert (ahead.feature < 0).sum() <= leaves
    same = grow_ahead(grower(frame, Y, **kind), 1)
    assert same.gain.sum() == pytest.approx(greedy.gain.sum())


def chessboard():
    """Greedy growth is led astray by a column that helps a little at once and nothing later."""
    grid = np.array([(a, b, c) for a in range(2) for b in range(2) for c in range(2)] * 20)
    frame = pd.DataFrame(grid, columns=list("abc"))
    y = 0.5 * (frame["a"] ^ frame["b"]) + 0.02 * frame["a"] + 0.1 * frame["c"]
    return frame, y


def test_what_greedy_growth_misses():
    frame, y = chessboard()
    greedy = grow(grower(frame, y, max_leaf_nodes=4))
    ahead = grow_ahead(grower(frame, y, max_leaf_nodes=4), 3)
    assert ahead.gain.sum() > 2 * greedy.gain.sum()


def test_without_a_limit_of_leaves_and_few_columns():
    frame, y = chessboard()
    assert (grow_ahead(grower(frame, y, max_leaf_nodes=None, max_depth=3), 3).feature < 0).sum() == 8
    few = grow_ahead(grower(frame, y, max_leaf_nodes=None, max_features_used=2), 3)
    assert len(set(few.feature) - {-1}) == 2


def slow_cut(values, Y, w):
    best, last = -np.inf, None
    for v in sorted(set(values))[:-1]:
        left = values <= v
        score = sum((w[s] @ Y[s]) ** 2 / w[s].sum() for s in (left, ~left))
        if score > best + 1e-12:
            best, last = score, v
    return last, best


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_finer_cuts_are_the_best_cuts(seed):
    rng = np.random.default_rng(seed)
    values, y, w = rng.integers(0, 15, 25).astype(float), rng.integers(0, 50, 25), rng.integers(1, 4, 25)
    rows = np.stack([w, w * y], axis=1)
    last, score = finer_cut(values, rows, np.zeros(2, dtype=np.int64), rows.sum(axis=0), FREE)
    assert slow_cut(values, y, w) == (last, pytest.approx(score))
    rising = finer_cut(values, rows, np.zeros(2, dtype=np.int64), rows.sum(axis=0), FREE, sign=1)
    if rising is not None:
        left = values <= rising[0]
        assert np.average(y[left], weights=w[left]) <= np.average(y[~left], weights=w[~left])


@pytest.mark.parametrize("spread", ["even", "skewed", "few"])
@pytest.mark.parametrize("sign", [0, 1])
def test_both_sides_of_the_limit_on_sorted_rows(monkeypatch, spread, sign):
    rng = np.random.default_rng(3)
    u = rng.random(20_000)
    values = {"even": u, "skewed": np.exp(6 * u), "few": np.floor(4 * u)}[spread]
    rows = np.stack(
        [np.ones(20_000, dtype=np.int64), np.where(u > 0.37, 900, 100) + rng.integers(0, 200, 20_000)], axis=1
    )
    arguments = values, rows, np.array([5, 900]), rows.sum(axis=0) + np.array([9, 2_000]), FREE, sign
    whole = finer_cut(*arguments)
    monkeypatch.setattr(finer_thresholds, "SORTED", 19_999)
    assert finer_cut(*arguments) == whole
    monkeypatch.setattr(finer_thresholds, "SORTED", 100)  # what is narrowed is narrowed again
    assert finer_cut(*arguments) == whole


def test_narrowing_adds_up_as_its_python_says():
    values, rows = np.array([0.5, 2.0, 1.0]), np.array([[1, 4], [1, 5], [2, 6]])
    for function in (finer_thresholds.add_up, finer_thresholds.add_up.py_func):
        sums, lows, highs = np.zeros((3, 2), dtype=np.int64), np.full(3, np.inf), np.full(3, -np.inf)
        function(np.array([0, 2, 0]), values, rows, sums, lows, highs)
        assert sums.tolist() == [[3, 10], [0, 0], [1, 5]]
        assert lows.tolist() == [0.5, np.inf, 2.0]
        assert highs.tolist() == [1.0, -np.inf, 2.0]


def test_no_finer_cut():
    rows = np.ones((3, 2), dtype=np.int64)
    none = np.zeros(2, dtype=np.int64)
    assert finer_cut(np.ones(3), rows, none, rows.sum(axis=0), FREE) is None
    assert finer_cut(np.arange(3.0), rows, none, rows.sum(axis=0), FREE._replace(least=2)) is None


@pytest.mark.parametrize("weighted", [False, True])
def test_thresholds_are_found_among_the_values_not_the_bins(weighted):
    rng = np.random.default_rng(0)
    x = rng.random(4000)
    frame = pd.DataFrame({"x": x})
    weight = np.ones(4000) if not weighted else rng.random(4000) + 0.5
    for cut in (0.30303, 0.5, 0.77777):
        refining = grower(frame, x > cut, weight, raw=lambda f, rows: x[rows], max_leaf_nodes=2)
        tree = grow(refining)
        left = refining.rows.index[tree.start[1] : tree.end[1]]
        assert x[left].max() == x[x <= cut].max()
        assert tree.sums[1].tolist() == channels_of(refining.channels, left).sum(axis=0).tolist()
        pure = ((x > cut) - np.average(x > cut, weights=weight)) ** 2 @ weight
        assert tree.gain.sum() == pytest.approx(pure, rel=1e-4)
