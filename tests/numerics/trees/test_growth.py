import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from explaindistill.data.schema import Schema
from explaindistill.numerics.trees import growth, histogram, local_rows, splitting
from explaindistill.numerics.trees.best_first import grow
from explaindistill.numerics.trees.binning import bin_table
from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.histogram import channels
from explaindistill.numerics.trees.local_rows import LocalRows
from explaindistill.numerics.trees.open_leaves import TreeLimits, no_cuts


def limits(d, **given):
    chosen = {
        "max_leaf_nodes": 8,
        "max_depth": None,
        "min_samples_leaf": 1,
        "min_decrease": 0.0,
        "max_features_used": None,
        "signs": np.zeros(d, dtype=np.int64),
        "groups": None,
    }
    return TreeLimits(**{**chosen, **given})


ROWS = {}  # of each tree grown here, in the order of its leaves


def grown(frame, targets, weight=None, kinds=None, n_jobs=None, scale=2.0**20, **given):
    schema = Schema.infer(frame, kinds=kinds)
    table = bin_table(schema, frame, weight, n_jobs)
    rows = channels(np.asarray(targets, dtype=float).reshape(len(frame), -1), weight, scale)
    local = LocalRows(table, rows, n_jobs=n_jobs)
    tree = grow(Grower(local, limits(len(schema), **given), schema.names))
    ROWS[id(tree)] = local.index
    return tree


def squared_error(Y, w):
    return float((w[:, None] * (Y - np.average(Y, axis=0, weights=w)) ** 2).sum()) if len(Y) else 0.0


def cuts_of(values, is_category):
    """All ways to send the rows of a column left, as row masks."""
    missing = np.isnan(values)
    kinds = sorted(set(values[~missing]))
    if is_category:
        levels = [*kinds, "missing"] if missing.any() else kinds
        for r in range(1, len(levels)):
            for chosen in itertools.combinations(levels, r):
                yield np.isin(values, [c for c in chosen if c != "missing"]) | (missing & ("missing" in chosen))
        return
    for last in kinds:
        yield values <= last
        yield (values <= last) | missing


def price(values, is_category, Y, w):
    """What a category column is expected to gain by chance."""
    n_levels = len(set(values[~np.isnan(values)])) + np.isnan(values).any()
    return 2 / np.pi * max(0, n_levels - 2) * squared_error(Y, w) / len(Y) if is_category else 0.0


def brute_force_worth(columns, is_category, Y, w, least):
    best = 0.0
    for values, kind in zip(columns, is_category, strict=True):
        for left in cuts_of(values, kind):
            if min(left.sum(), (~left).sum()) >= least:
                drop = squared_error(Y, w) - squared_error(Y[left], w[left]) - squared_error(Y[~left], w[~left])
                best = max(best, drop - price(values, kind, Y, w))
    return best


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.integers(1, 4))
def test_each_split_is_the_best_there_is(seed, weighted, least):
    rng = np.random.default_rng(seed)
    n = 30
    frame = pd.DataFrame({"a": rng.integers(0, 6, n) / 2, "b": rng.random(n), "c": rng.choice(list("pqrst"), n)})
    frame.loc[rng.random(n) < 0.2, "b"] = np.nan
    frame.loc[rng.random(n) < 0.2, "c"] = None
    Y = rng.integers(0, 5, (n, 1)) / 4
    w = rng.random(n) + 0.5 if weighted else np.ones(n)
    if least > 1:  # the order by the mean is the best one for sets of any size, not above a least size
        frame = frame[["a", "b"]]
    kinds = [False, False, True][: frame.shape[1]]
    columns = Schema.infer(frame).encode(frame).T
    tree = grown(frame, Y, w, min_samples_leaf=least, max_leaf_nodes=5)
    for node in range(len(tree.feature)):
        rows = ROWS[id(tree)][tree.start[node] : tree.end[node]]
        best = brute_force_worth(columns[:, rows], kinds, Y[rows], w[rows], least)
        if (f := tree.feature[node]) >= 0:
            assert tree.worth[node] == pytest.approx(best, rel=1e-4, abs=1e-4)
            chance = price(columns[f, rows], kinds[f], Y[rows], w[rows])
            assert tree.gain[node] == pytest.approx(tree.worth[node] + chance, rel=1e-4, abs=1e-4)
        elif (tree.feature < 0).sum() < 5:
            assert best < 1e-4


@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_cart_on_hard_labels(n_classes):
    rng = np.random.default_rng(5)
    X = rng.integers(0, 200, (400, 4)) / 8
    y = (X[:, 0] + X[:, 1] * X[:, 2] / 20 + rng.normal(size=400) > 30).astype(int) + (X[:, 3] > 20) * (n_classes - 2)
    tree = grown(pd.DataFrame(X, columns=list("abcd")), np.eye(n_classes)[y], max_leaf_nodes=12)
    cart = DecisionTreeClassifier(max_leaf_nodes=12, random_state=0).fit(X, y).tree_
    splits = np.flatnonzero(cart.children_left >= 0)
    purity = cart.weighted_n_node_samples * (1 - cart.impurity)
    gains = [purity[cart.children_left[i]] + purity[cart.children_right[i]] - purity[i] for i in splits]
    assert np.allclose(np.sort(tree.gain)[-11:], np.sort(gains))
    assert (tree.end - tree.start)[tree.feature < 0].sum() == 400


def test_equals_cart_on_values_of_several_outputs():
    rng = np.random.default_rng(6)
    X = rng.integers(0, 50, (300, 3)).astype(float)
    Y = np.stack([np.sin(X[:, 0] / 9), X[:, 1] * X[:, 2] / 2500], axis=1)
    tree = grown(pd.DataFrame(X, columns=list("abc")), Y, scale=2.0**30, max_leaf_nodes=9)
    cart = DecisionTreeRegressor(max_leaf_nodes=9, random_state=0).fit(X, Y)
    explained = np.var(Y, axis=0).sum() - np.var(Y - cart.predict(X), axis=0).sum()
    assert tree.gain.sum() / 300 == pytest.approx(explained, rel=1e-6)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_ten_million_rows_do_not_overflow(n_targets):
    table = type("T", (), {"codes": np.asfortranarray(np.array([[0], [1]], dtype=np.uint8)), "rules": ()})()
    weight = np.array([6e6, 4e6])
    rows = channels(np.array([[1.0], [0.0]])[:, [0] * n_targets], weight)
    sums = rows.rows.sum(axis=0)
    assert not rows.packed
    assert sums[0] == 10**7
    assert sums[1] == 6 * 10**6 * 2**20
    assert table.codes.shape == (2, 1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_order_of_rows_and_columns_threads_and_repetition_change_nothing(seed, soft):
    rng = np.random.default_rng(seed)
    n = 60
    frame = pd.DataFrame({"b": rng.integers(0, 9, n), "a": rng.random(n).round(1), "c": rng.choice(list("pqr"), n)})
    Y = rng.random((n, 1)).round(2) if soft else rng.integers(0, 2, (n, 1)).astype(float)
    w = rng.integers(1, 4, n).astype(float)
    first = written(frame, grown(frame, Y, w))
    order = rng.permutation(n)
    moved = frame.iloc[order].reset_index(drop=True)
    assert written(moved, grown(moved, Y[order], w[order])) == first
    turned = frame[["c", "a", "b"]]
    assert written(turned, grown(turned, Y, w, n_jobs=3)) == first
    again = np.repeat(np.arange(n), w.astype(int))
    many = frame.iloc[again].reset_index(drop=True)
    assert written(many, grown(many, Y[again])) == first


def written(frame, tree):
    names = Schema.infer(frame).names
    return [
        (names[f] if f >= 0 else "", left, right, sums.tolist(), None if table is None else table.tolist())
        for f, left, right, sums, table in zip(
            tree.feature, tree.left, tree.right, tree.sums, tree.goes_left, strict=True
        )
    ]


def test_limits_and_constraints():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.random((500, 4)), columns=list("abcd"))
    Y = frame["a"] * frame["b"] + frame["c"] ** 2 - frame["d"] / 3
    deep = grown(frame, Y / 2, max_leaf_nodes=None, max_depth=3)
    assert (deep.feature < 0).sum() == 8
    few = grown(frame, Y / 2, max_features_used=2, max_leaf_nodes=20)
    assert len(set(few.feature) - {-1}) == 2
    assert (few.feature < 0).sum() == 20
    apart = grown(frame, Y / 2, groups=(frozenset({0, 2}), frozenset({1, 3})), max_leaf_nodes=12)
    for path in paths(apart):
        assert path <= {0, 2} or path <= {1, 3}
    wide = grown(frame, Y / 2, min_samples_leaf=60, max_leaf_nodes=None)
    leaf = wide.feature < 0
    assert (wide.end - wide.start)[leaf].min() >= 60
    gains = wide.gain[wide.feature >= 0] / 500
    some = np.sort(gains)[len(gains) // 2]
    fewer = grown(frame, Y / 2, min_samples_leaf=60, max_leaf_nodes=None, min_decrease=some)
    assert (fewer.feature >= 0).sum() >= 1
    assert fewer.gain[fewer.feature >= 0].min() / 500 >= some * (1 - 1e-9)


def paths(tree, node=0, above=frozenset()):
    if tree.feature[node] < 0:
        return [above]
    below = above | {int(tree.feature[node])}
    return [p for child in (tree.left[node], tree.right[node]) for p in paths(tree, child, below)]


def test_histograms_that_do_not_fit_are_made_again(monkeypatch):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.random((400, 3)), columns=list("abc"))
    Y = frame["a"] * frame["b"]
    before = written(frame, grown(frame, Y, max_features_used=1))
    monkeypatch.setattr(growth, "KEPT_BYTES", 0)
    monkeypatch.setattr(local_rows, "WORTH_THREADS", 0)
    assert written(frame, grown(frame, Y, max_features_used=1, n_jobs=2)) == before


def test_one_row_and_constant_columns_make_one_leaf():
    assert len(grown(pd.DataFrame({"a": [1.0]}), [0.5]).feature) == 1
    assert len(grown(pd.DataFrame({"a": [1.0] * 9}), np.arange(9) / 9).feature) == 1


@pytest.fixture
def small():
    rng = np.random.default_rng(8)
    codes = np.ascontiguousarray(rng.integers(0, 4, (2, 11)).astype(np.uint8))
    codes[1, 3] = 254
    slots = histogram.Slots(np.array([4, 4]), np.array([0, 5, 10]), np.zeros(2, dtype=np.bool_))
    return codes, rng.integers(1, 9, (11, 3)), slots


@pytest.mark.parametrize("index", [np.empty(0, dtype=np.int32), np.array([0, 3, 4, 7, 9], dtype=np.int32)])
def test_histogram_kernels_are_what_their_python_says(small, index):
    codes, rows, slots = small
    rows = histogram.gather.py_func(rows, index) if len(index) else rows
    at = index if len(index) else np.arange(11)
    slow = np.zeros((10, 3), dtype=np.int64)
    for f in range(2):
        for row, i in zip(rows, at, strict=True):
            slow[slots.offsets[f] + (4 if codes[f, i] == 254 else codes[f, i])] += row
    for function in (histogram.fill, histogram.fill.py_func):
        out = np.empty((10, 3), dtype=np.int64)
        function(codes, index, rows, np.arange(2), slots, out)
        assert np.array_equal(out, slow)
    packed = (rows[:, 0] << 42) | rows[:, 1]
    for function in (histogram.fill_packed, histogram.fill_packed.py_func):
        out = np.empty((10, 2), dtype=np.int64)
        function(codes, index, packed, np.arange(2), slots, out)
        assert np.array_equal(out, slow[:, :2])
    function(codes, index, packed[: len(packed) // 2 * 2 - 2], np.arange(2), slots, out)


def test_partition_keeps_the_order_of_each_side():
    column = np.array([0, 1, 0, 2, 1], dtype=np.uint8)
    goes_left = np.zeros(256, dtype=np.bool_)
    goes_left[1] = True
    for function in (histogram.partition, histogram.partition.py_func):
        index = np.arange(5, dtype=np.int32)
        assert function(column, index, goes_left, np.empty(5, dtype=np.int32)) == 2
        assert index.tolist() == [1, 4, 0, 2, 3]
    assert histogram.total_of.py_func(np.arange(9), index) == histogram.total_of(np.arange(9), index) == 10


@pytest.mark.parametrize("sign", [0, 1, -1])
@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), (2.0, 3.0)])
def test_cut_kernels_are_what_their_python_says(monkeypatch, sign, bounds):
    rng = np.random.default_rng(4)
    hist = np.ascontiguousarray(rng.integers(0, 5, (10, 2)))
    hist[:, 1] *= rng.integers(0, 5, 10)
    hist[:5, 0] += hist[5:, 0].sum() - hist[:5, 0].sum() > 0
    total = hist[:5].sum(axis=0)
    hist[9] += total - hist[5:].sum(axis=0)
    slots = histogram.Slots(np.array([4, 4]), np.array([0, 5, 10]), np.array([False, True]))
    rules = splitting.CutRules(0, 1, 2, *bounds, 0.1)
    answers = []
    for compiled in (True, False):
        with monkeypatch.context() as patch:
            if not compiled:
                for name in ("score", "_gain", "_cut_number", "_cut_category", "category_order"):
                    patch.setattr(splitting, name, getattr(splitting, name).py_func)
            function = splitting.best_cuts if compiled else splitting.best_cuts.py_func
            cuts = no_cuts(2)
            function(hist, slots, np.arange(2), total, np.array([sign, 0]), rules, cuts)
            answers.append(cuts)
    for a, b in zip(*answers, strict=True):
        assert np.allclose(a, b)
