"""Simultaneous bands by a slow twin, and at every scale."""

import numpy as np
import pytest

from explaindistill.numerics.statistics.bands import max_t_band

DRAWS = np.random.default_rng(0).normal([0.0, 1.0, -2.0], [1.0, 0.1, 3.0], (400, 3))
ESTIMATE = np.array([0.1, 1.3, -2.0])


@pytest.mark.parametrize(("level", "places"), [(0.95, [0, 1, 2]), (0.8, [0, 2])])
def test_band_place_by_place(level, places):
    only = None if len(places) == 3 else np.isin(np.arange(3), places)
    low, high, p, critical = max_t_band(ESTIMATE, DRAWS, level, only)
    spread = [np.sqrt(((DRAWS[:, j] - DRAWS[:, j].mean()) ** 2).sum() / 399) for j in range(3)]
    largest = [max(abs(row[j] - ESTIMATE[j]) / spread[j] for j in places) for row in DRAWS]
    assert critical == pytest.approx(np.quantile(largest, level + 1.6448536 * np.sqrt(level * (1 - level) / 400)))
    for j in range(3):
        if j not in places:
            assert np.isnan([low[j], high[j], p[j]]).all()
            continue
        half = critical * spread[j]
        assert (low[j], high[j]) == pytest.approx((ESTIMATE[j] - half, ESTIMATE[j] + half))
        beyond = sum(value >= abs(ESTIMATE[j]) / spread[j] for value in largest)
        assert p[j] == pytest.approx((1 + beyond) / 401)


def test_a_deviation_as_large_as_the_estimate_counts():
    draws = np.array([[1.0, 0.0], [3.0, 0.0], [1.0, 0.0], [3.0, 0.0]])
    _, _, p, _ = max_t_band(np.array([1.0, 0.0]), draws)  # deviations of 0 and 2 about an estimate of 1
    assert p[0] == pytest.approx(3 / 5)
    _, _, p, _ = max_t_band(np.array([2.0, 0.0]), draws)  # deviations of 1, never 2
    assert p[0] == pytest.approx(1 / 5)
    _, _, p, _ = max_t_band(np.array([0.5, 0.0]), np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]))
    assert p[0] == 1


@pytest.mark.parametrize("scale", [1e-14, 1e9])
def test_the_unit_of_the_estimate_does_not_matter(scale):
    small, large = max_t_band(ESTIMATE, DRAWS), max_t_band(scale * ESTIMATE, scale * DRAWS)
    for once, scaled, factor in zip(small, large, (scale, scale, 1, 1), strict=True):
        np.testing.assert_allclose(scaled, factor * once)


def test_places_that_do_not_vary_have_no_band():
    constant = np.c_[DRAWS[:, 0], np.full(400, 1 / 3)]
    low, high, p, critical = max_t_band(np.array([0.1, 1 / 3]), constant)
    assert np.isnan([low[1], high[1], p[1]]).all()
    assert critical == max_t_band(np.array([0.1]), constant[:, :1])[3]
    for found in (
        max_t_band(np.zeros(1), np.full((5, 1), 2.0)),
        max_t_band(np.zeros(2), DRAWS[:, :2], usable=np.zeros(2, bool)),
    ):
        assert all(np.isnan(x).all() for x in found)


def test_few_draws_take_the_largest_of_all():
    *_, critical = max_t_band(np.zeros(1), np.array([[-1.0], [0.5], [2.0]]), 0.99)
    assert critical == pytest.approx(2 / np.std([-1, 0.5, 2], ddof=1))
