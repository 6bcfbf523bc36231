"""Draws of means over pairs, against lists of rows that are drawn and paired one by one."""

import numpy as np
import pytest

from explaindistill.numerics.statistics.pair_draws import PairDraws
from explaindistill.numerics.statistics.resampling import row_counts


def loop(count, pairs, weight, values, units):
    """Mean and squared error of one draw: every copy of every row meets every copy of its partners."""
    n = len(units)
    copies = [(row, copy) for row in range(n) for copy in range(int(count[units[row]]))]
    met = [
        (a, b, weight[k], values[k])
        for k, (i, j) in enumerate(zip(*pairs, strict=True))
        for a in copies for b in copies if (a[0], b[0]) == (i, j)
    ]  # fmt: skip
    total = sum(w for *_, w, _ in met)
    mean = sum(w * v for *_, w, v in met) / total
    moved = {}
    for a, b, w, v in met:
        for row, copy in (a, b):  # copies of a unit are alike: what a row adds to its own is that of its copy
            key = (units[row], copy)
            moved[key] = moved.get(key, 0.0) + w * (v - mean) / total
    size = len(count)
    return mean, sum(u**2 for u in moved.values()) * size / (size - 1)


@pytest.mark.parametrize("units", [np.arange(7), np.array([0, 0, 1, 2, 2, 3, 3])])
def test_against_the_loop(units):
    rng = np.random.default_rng(1)
    orders = np.array([rng.permutation(7) for _ in range(3)])
    pairs = (np.tile(np.arange(7), 3), orders.ravel())
    weight, values = rng.uniform(0.5, 2, 7)[pairs[0]], rng.exponential(size=21)
    size = units.max() + 1
    drawn = row_counts(size, 12, rng)
    draws = PairDraws(drawn, pairs, weight, 7, None if size == 7 else units)
    t = draws.studentised(values)
    whole = np.average(values, weights=weight)
    for count, given in zip(drawn, t, strict=True):
        mean, square = loop(count, pairs, weight, values, units)
        assert given == pytest.approx((mean - whole) / np.sqrt(square))


def test_draws_without_a_pair_and_of_pairs_that_are_alike_are_no_number():
    pairs = (np.array([0, 1]), np.array([1, 0]))
    draws = PairDraws(np.array([[2.0, 0.0], [1.0, 1.0]]), pairs, np.ones(2), 2)
    assert np.isnan(draws.studentised(np.array([1.0, 1.0]))).all()
    assert np.isnan(PairDraws(np.ones((1, 3)), pairs, np.ones(2), 3).studentised(np.ones(2))).all()
