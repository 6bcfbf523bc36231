"""Sums without rounding are those of ``math.fsum``, whatever the sizes, the order and the parts."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.numerics.exact_sums import ExactSum, lifted, rounded

NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), max_size=40)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_a_sum_is_rounded_once(a, b):
    total = ExactSum.of(np.array(a, dtype=float)) + ExactSum.of(np.array(b, dtype=float))
    try:
        expected = math.fsum(a + b)
    except OverflowError:
        expected = None
    if expected is not None:
        assert total.value() == expected


def test_columns_are_summed_apart_and_what_is_not_finite_is_said():
    values = np.array([[1e308, 1.0, 5e-324], [1e308, np.nan, 5e-324]])
    assert ExactSum.of(values[:, [0, 2]]).value().tolist() == [np.inf, 1e-323]
    assert np.isnan(ExactSum.of(values).value()).all()
    assert ExactSum.of(np.zeros((0, 2))).value().tolist() == [0.0, 0.0]
    assert ExactSum.of(-values[:, 0]).value() == -np.inf


def test_more_numbers_than_are_added_at_once():
    x = np.random.default_rng(0).normal(size=(1 << 20) + 3)
    assert ExactSum.of(x).value() == math.fsum(x)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6).map(lambda v: round(v, 9)), min_size=1, max_size=200), st.integers(0, 10**6))
def test_rounded_numbers_add_up_alike_in_any_order(numbers, seed):
    x = np.array(numbers)
    lift = lifted(np.abs(x).sum())
    grid = rounded(x, lift)
    order = np.random.default_rng(seed).permutation(len(x))
    assert np.cumsum(grid)[-1] == np.cumsum(grid[order])[-1] == math.fsum(grid)
    np.testing.assert_allclose(grid, x, atol=2.0**-50 * max(np.abs(x).sum(), 1e-300), rtol=0)


def test_what_is_nothing_stays_so():
    assert lifted(0.0) == 0.0
    assert rounded(np.zeros(2), lifted(0.0)).tolist() == [0.0, 0.0]
