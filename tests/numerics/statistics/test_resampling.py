"""Bootstrap counts and the limits of draws."""

import numpy as np
import pytest

from explaindistill.numerics.statistics.resampling import percentile_limits, row_counts


def test_counts_are_multinomial():
    counts = row_counts(7, 20_000, np.random.default_rng(0))
    assert counts.shape == (20_000, 7)
    assert counts.dtype == float
    assert (counts.sum(axis=1) == 7).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.03)
    np.testing.assert_allclose(counts.var(axis=0), 6 / 7, atol=0.04)
    assert np.corrcoef(counts[:, 0], counts[:, 6])[0, 1] == pytest.approx(-1 / 6, abs=0.03)
    assert abs(np.corrcoef(counts[1:, 6], counts[:-1, 0])[0, 1]) < 0.03  # no sample spills into the next


def test_limits_are_quantiles_of_each_column():
    draws = np.random.default_rng(1).normal(size=(301, 2)) * [1, 10]
    for level in (0.95, 0.8):
        low, high = percentile_limits(draws, level)
        order = np.sort(draws, axis=0)
        np.testing.assert_allclose(low, [np.interp((1 - level) / 2 * 300, range(301), c) for c in order.T])
        np.testing.assert_allclose(high, [np.interp((1 + level) / 2 * 300, range(301), c) for c in order.T])
    np.testing.assert_array_equal(percentile_limits(draws), percentile_limits(draws, 0.95))
    draws[3, 1] = np.nan
    low, high = percentile_limits(draws)
    assert np.isnan([low[1], high[1]]).all()
    assert np.isfinite([low[0], high[0]]).all()


def test_narrow_types_lose_nothing():
    found = percentile_limits(np.array([0, 100, 255], dtype=np.uint8), 0.9)
    assert found == pytest.approx((10, 239.5))
    assert percentile_limits(np.float32([0.1, 0.2]))[0].dtype == np.float64
