import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.trees import binning, cells
from explaindistill.numerics.trees.binning import (
    MISSING,
    UNSEEN,
    apply_rule,
    bin_table,
    fit_rule,
    quantile_groups,
)
from explaindistill.numerics.trees.fixed_point import whole_targets, whole_weights


def same(a, b):
    return all(
        np.array_equal(getattr(a, k), getattr(b, k), equal_nan=True) for k in ("edges", "lows", "highs", "codes")
    )


@pytest.mark.parametrize("n", [2, 3, 253, 254, 255, 256, 257, 1000])
def test_distinct_values_around_the_limit(n):
    values = np.arange(n) / 7
    rule = fit_rule(values)
    assert rule.n_bins == min(n, 254) or (n > 254 and rule.n_bins <= 254)
    codes = apply_rule(values, rule)
    assert (np.diff(codes.astype(int)) >= 0).all()
    assert set(codes) == set(range(rule.n_bins))
    if n <= 254:
        assert rule.lows.tolist() == rule.highs.tolist() == values.tolist()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1e300, 1e300) | st.sampled_from([0.0, 1.0, np.nan]), min_size=1, max_size=60),
    st.integers(2, 12),
)
def test_codes_are_what_the_edges_say(values, max_bins):
    values = np.array(values)
    rule = fit_rule(values, max_bins=max_bins)
    codes = apply_rule(values, rule)
    present = ~np.isnan(values)
    assert rule.n_bins <= max_bins
    assert (codes[~present] == MISSING).all()
    assert (codes[present] == np.searchsorted(rule.edges, values[present], side="left")).all()
    for b in range(rule.n_bins):
        inside = values[present & (codes == b)]
        assert (inside.min(), inside.max()) == (rule.lows[b], rule.highs[b])
    assert (rule.highs[:-1] <= rule.edges).all()
    assert (rule.edges < rule.lows[1:]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 20), st.booleans())
def test_weight_is_repetition_and_order_is_nothing(seed, max_bins, is_category):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 40, 80).astype(float)
    weight = rng.integers(1, 4, 80).astype(float)
    target = rng.random((80, 3))
    kind = {"is_category": is_category, "n_categories": 40, "max_bins": max_bins}
    order = rng.permutation(80)
    once = fit_rule(values, weight, target=target, **kind)
    again = np.repeat(np.arange(80), weight.astype(int))
    assert same(once, fit_rule(values[again], target=target[again], **kind))
    assert same(once, fit_rule(values[order], weight[order], target=target[order], **kind))


def test_cells_find_what_sorting_finds():
    rng = np.random.default_rng(1)
    values = np.r_[rng.normal(size=60_000), np.full(9_000, 0.25), np.nan]
    codes = apply_rule(values, rule := fit_rule(values))
    counts = np.bincount(codes[:-1])
    alone = apply_rule(np.array([0.25]), rule)[0]
    assert (rule.lows[alone], rule.highs[alone], counts[alone]) == (0.25, 0.25, 9_000)
    assert rule.n_bins > 240
    assert np.delete(counts, alone).max() < 1.3 * 60_000 / 250
    assert codes[-1] == MISSING
    weighted = fit_rule(values, np.full(len(values), 2.0))
    assert same(weighted, fit_rule(np.r_[values, values]))


SKEWED = {
    "log-normal": np.exp(3 * np.random.default_rng(2).normal(size=60_000)),
    "one far out": np.r_[np.random.default_rng(3).normal(size=60_000), 1e300],
    "t tails": np.random.default_rng(4).standard_t(0.7, size=60_000),
    "spikes": np.round(np.exp(np.random.default_rng(5).normal(size=60_000)), 1),
}


@pytest.mark.parametrize("values", SKEWED.values(), ids=SKEWED)
def test_bins_of_skewed_columns_by_zooming_are_those_of_sorting(values, monkeypatch):
    zoomed, runs = fit_rule(values), cells.cell_runs(values, None, 254)
    assert runs is not None
    monkeypatch.setattr(binning, "MANY", 10**9)
    sorted_ = fit_rule(values)
    assert abs(zoomed.n_bins - sorted_.n_bins) <= 2
    a, b = (np.bincount(apply_rule(values, rule), minlength=254) for rule in (zoomed, sorted_))
    assert a.max() <= 1.5 * max(b.max(), len(values) / 254)
    assert (apply_rule(values, zoomed) == np.searchsorted(zoomed.edges, values, side="left")).all()


@pytest.mark.parametrize(
    "values",
    [np.repeat([0.0, 1.0, 1.0 + 1e-9], 30_000), np.repeat([5e-324, 1e-323, 2.0], 30_000), np.zeros(60_000),
     np.repeat([-1.7e308, 0.0, 1.7e308], 30_000), np.repeat([0.0, 1.0, np.nextafter(1.0, 2.0)], 30_000)],
    ids=["two values in one cell", "no equal steps", "constant", "no finite range", "neighbours"],
)  # fmt: skip
def test_few_values_each_have_a_bin_however_close(values):
    rule = fit_rule(values)
    assert rule.n_bins == len(np.unique(values))
    assert (apply_rule(values, rule) == np.searchsorted(rule.edges, values, side="left")).all()


def test_cells_do_not_depend_on_how_rows_are_divided_or_ordered():
    values = SKEWED["log-normal"]
    mixed = np.random.default_rng(0).permutation(len(values))
    assert same(fit_rule(values), fit_rule(values[mixed]))
    assert same(fit_rule(values, np.full(len(values), 2.0)), fit_rule(np.r_[values, values]))


def test_categories_missing_and_unseen():
    values = np.array([2.0, 0.0, np.nan, -1.0, 2.0])
    rule = fit_rule(values, is_category=True, n_categories=4)
    assert rule.codes.tolist() == [0, UNSEEN, 1, UNSEEN]
    assert apply_rule(np.array([0.0, 2, 3, 1, -1, np.nan, 9]), rule).tolist() == [0, 1, 255, 255, 255, 254, 255]


@pytest.mark.parametrize("target", [None, "one", "two"])
def test_many_categories_merge_with_their_neighbours(target):
    code = np.arange(529 * 3) % 529
    truth = np.sin(np.arange(529.0))
    outputs = {"one": truth[code], "two": np.stack([truth, -2 * truth], 1)[code], None: None}[target]
    rule = fit_rule(code.astype(float), is_category=True, n_categories=529, target=outputs)
    assert rule.n_bins <= 254
    assert set(rule.codes) == set(range(rule.n_bins))
    if target is not None:
        groups = [truth[rule.codes == b] for b in range(rule.n_bins)]
        ranges = sorted((g.min(), g.max()) for g in groups)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(ranges))


def test_groups_leave_heavy_values_alone():
    mass = np.array([1, 1, 100, 1, 1, 1, 1])
    group = quantile_groups(mass, 6)
    assert (group == group[2]).sum() == 1
    assert len(set(group)) <= 6


def test_a_frame_with_every_kind():
    frame = pd.DataFrame(
        {
            "number": [0.5, np.nan, 2.5, 1.5],
            "city": ["b", "a", None, "b"],
            "grade": pd.Categorical(["low", "high", "mid", None], ["low", "mid", "high"], ordered=True),
            "flag": [True, False, True, True],
            "day": pd.to_datetime(["2020-01-02", "2020-01-01", None, "2020-01-02"]),
        }
    )
    table = bin_table(Schema.infer(frame), frame, n_jobs=2)
    assert table.codes.flags.f_contiguous
    assert table.codes.tolist() == [[0, 1, 0, 1, 1], [254, 0, 2, 0, 0], [2, 254, 1, 1, 254], [1, 1, 254, 1, 1]]
    unseen = bin_table(Schema.infer(frame), frame.assign(grade=["low", "top", "mid", None]))
    assert unseen.codes[:, 2].tolist() == [0, 255, 1, 254]


def test_weights_and_targets_as_whole_numbers():
    whole, unit = whole_weights(np.array([0.5, 0.25]))
    assert (whole * unit).tolist() == [0.5, 0.25]
    assert whole_targets(np.array([[1.0], [0.5]]), whole, unit).ravel().tolist() == [2**20, 2**18]
    assert whole_targets(np.array([[1.0], [0.5]]), np.array([3, 1]), 1.0).ravel().tolist() == [3 * 2**20, 2**19]
    huge, _ = whole_weights(np.array([2.0**60, 1.0]))
    assert huge.max() == 2**20


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_rule(np.zeros(3), max_bins=255), "max_bins must lie between 2 and 254, got 255"),
    ],
)
def test_messages(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()


def test_kernels_are_what_their_python_says():
    values = np.array([0.1, np.nan, 0.9, 0.5, 0.2])
    whole = np.array([1, 2, 3, 4, 5])
    assert cells.value_range.py_func(values) == (0.1, 0.9)
    cuts = (
        np.array([0.1, 0.1]), np.array([2 / 0.8, 4 / 0.4]), np.array([0, 2]), np.array([2, 4]),
        np.array([1, -1, -1, -1, -1, -1]),
    )  # fmt: skip
    for weights in (whole, whole[:0]):
        twins = []
        for function in (cells.fill_cells, cells.fill_cells.py_func):
            state = np.zeros(5, dtype=np.int64), np.full(5, np.inf), np.full(5, -np.inf)
            function(values, weights, cuts, state, 1)
            twins.append(state)
        assert all(np.array_equal(a, b) for a, b in zip(*twins, strict=True))
    assert twins[0][0].tolist() == [2, 1, 1, 0, 0]
    out = np.zeros(5, dtype=np.uint8)
    edges = binning.EdgeCells(np.array([0.15, 0.5]), 0.15, 0.0, np.array([0]), np.array([2]))
    binning._assign.py_func(values, edges, out)
    assert out.tolist() == [0, 254, 2, 1, 1]
