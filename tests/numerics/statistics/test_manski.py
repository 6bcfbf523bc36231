"""Bounds over all that the unknown could be, by enumeration, and their errors by hand."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from explaindistill.numerics.statistics.manski import People, imbens_manski, manski

PEOPLE = [People(100.0, 40.0, 90.0), People(80.0, 60.0, 70.0), People(20.0, 6.0, 20.0)]


@pytest.mark.parametrize("ratio", [True, False])
def test_bounds_are_the_ends_of_all_assignments(ratio):
    """Each unknown person belongs to the group, to the reference or to neither."""
    gaps = []
    for a1, b1, a0, b0 in product(range(7), range(7), range(15), range(15)):
        if a1 + b1 <= 6 and a0 + b0 <= 14:
            a, b = (40 + a1) / (100 + a1 + a0), (60 + b1) / (80 + b1 + b0)
            gaps.append(a / b if ratio else a - b)
    low, high, (least, most) = manski(PEOPLE, ratio)
    assert (low, high) == pytest.approx((min(gaps), max(gaps)))
    assert least < low < high < most


def errors(ratio):
    """Delta method by derivatives worked by hand on a fine grid: rates and shares, six numbers."""
    n = np.array([p.effective for p in PEOPLE])
    weight = np.array([p.weight for p in PEOPLE])
    rate, share = np.array([p.selected for p in PEOPLE]) / weight, weight / weight.sum()
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = np.diag(rate * (1 - rate) / n)
    covariance[3:, 3:] = (np.diag(share) - np.outer(share, share)) / n.sum()

    def bound(x, least):
        (k1, k2, ku), (s1, s2, su) = x[:3] * x[3:], x[3:]
        lows = k1 / (s1 + su - ku), k2 / (s2 + su - ku)
        highs = (k1 + ku) / (s1 + ku), (k2 + ku) / (s2 + ku)
        a, b = (lows[0], highs[1]) if least else (highs[0], lows[1])
        return np.log(a / b) if ratio else a - b

    point, out = np.r_[rate, share], []
    for least in (True, False):
        gradient = [(bound(point + 1e-5 * e, least) - bound(point - 1e-5 * e, least)) / 2e-5 for e in np.eye(6)]
        out.append(np.sqrt(np.array(gradient) @ covariance @ gradient))
    return out


@pytest.mark.parametrize("ratio", [True, False])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_sampling_limits_are_those_of_the_delta_method(ratio, level):
    low, high, sampling = manski(PEOPLE, ratio, level)
    ends = (np.log(low), np.log(high)) if ratio else (low, high)
    expected = imbens_manski(*ends, *errors(ratio), level)
    assert sampling == pytest.approx(tuple(np.exp(expected)) if ratio else expected, rel=1e-5)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_the_critical_value_solves_its_equation(level):
    low, high = imbens_manski(0.2, 0.9, 0.5, 0.4, level)
    c = (0.2 - low) / 0.5
    assert (high - 0.9) / 0.4 == pytest.approx(c)
    assert stats.norm.cdf(c + 0.7 / 0.5) - stats.norm.cdf(-c) == pytest.approx(level)
    # bounds that crossed by chance count as one
    low, _ = imbens_manski(0.3, 0.2, 1.0, 1.0, level)
    assert 0.3 - low == pytest.approx(stats.norm.ppf(0.5 + level / 2))


def test_where_nobody_is_unknown_the_bounds_meet():
    known = [*PEOPLE[:2], People(0.0, 0.0, 0.0)]
    low, high, (least, most) = manski(known, ratio=False)
    assert low == high == pytest.approx(0.4 - 0.75)
    error = np.sqrt(0.24 / 90 + 0.1875 / 70)
    assert (least, most) == pytest.approx((low - 1.96 * error, high + 1.96 * error), rel=1e-3)


def test_undefined_and_infinite_gaps():
    empty = [People(0.0, 0.0, 0.0), PEOPLE[1], People(0.0, 0.0, 0.0)]
    assert np.isnan(manski(empty, ratio=False)[:2]).all()
    few = [People(100.0, 40.0, np.nan), *PEOPLE[1:]]  # fewer than five clusters
    low, high, sampling = manski(few, ratio=False)
    assert np.isfinite([low, high]).all()
    assert np.isnan(sampling).all()
    nobody = [PEOPLE[0], People(50.0, 0.0, 50.0), People(0.0, 0.0, 0.0)]
    low, high, sampling = manski(nobody, ratio=True)
    assert np.isnan(low)
    assert high == np.inf
    assert np.isnan(sampling).all()
    none = [People(50.0, 0.0, 50.0), PEOPLE[1], PEOPLE[2]]
    low, high, sampling = manski(none, ratio=True)
    assert (low, sampling) == (0.0, (0.0, np.inf))
    assert 0 < high < 1
    all_unknown = [PEOPLE[0], People(50.0, 0.0, 50.0), PEOPLE[2]]
    low, high, sampling = manski(all_unknown, ratio=True)
    assert 0 < low < high == np.inf
    assert sampling == (0.0, np.inf)


def test_errors_that_are_not_known_or_nothing():
    assert np.isnan(imbens_manski(0, 1, 1, np.inf)).all()
    assert np.isnan(imbens_manski(0, 1, np.nan, 0)).all()
    assert imbens_manski(0.25, 0.75, 0, 0) == (0.25, 0.75)
    low, high = imbens_manski(0.25, 0.75, 0.0, 0.5)  # only one bound is known without error
    assert low == 0.25
    assert high > 0.75
