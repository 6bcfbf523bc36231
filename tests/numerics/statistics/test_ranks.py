"""Areas and rank correlations against scikit-learn, scipy and all pairs."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.metrics import roc_auc_score

from explaindistill.numerics.statistics.ranks import (
    auc,
    auc_and_interval,
    auc_interval,
    auc_of_counts,
    auc_spread,
    spearman,
    spearman_interval,
)


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def test_auc_is_the_share_of_pairs(rng):
    score, positive = rng.integers(0, 6, 40), rng.random(40) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in score[positive] for b in score[~positive]]
    assert auc(score, positive) == pytest.approx(np.mean(pairs))


def test_auc_is_scikit_learns_with_weights(rng):
    score, positive, w = rng.integers(0, 9, 200), rng.random(200) < 0.3, rng.random(200)
    assert auc(score, positive, w) == pytest.approx(roc_auc_score(positive, score, sample_weight=w), abs=1e-12)


def test_auc_without_one_side_is_undefined():
    assert np.isnan(auc([1, 2], [True, True]))
    assert np.isnan(auc([], []))
    assert np.isnan(auc_interval(np.nan, 0, 5)).all()


@pytest.mark.parametrize(("theta", "m", "n"), [(0.7, 12, 30), (0.95, 25, 25), (0.5, 10, 200)])
def test_auc_interval_solves_the_score_equation(theta, m, n):
    z, extra = stats.norm.ppf(0.975), (m + n) / 2 - 1

    def equation(t):
        v = t * (1 - t) * (1 + extra * (1 - t) / (2 - t) + extra * t / (1 + t)) / (m * n)
        return (theta - t) ** 2 - z**2 * v

    twin = optimize.brentq(equation, 1e-9, theta), optimize.brentq(equation, theta, 1 - 1e-9)
    np.testing.assert_allclose(auc_interval(theta, m, n), twin, atol=1e-9)


def test_auc_interval_covers_in_small_groups(rng):
    """25 and 25 rows, two normals with an area of .8: the interval holds where DeLong's does not."""
    shift = np.sqrt(2) * stats.norm.ppf(0.8)
    positive = np.repeat([True, False], 25)
    areas = np.array([auc(rng.normal(size=50) + shift * positive, positive) for _ in range(1500)])
    low, high = auc_interval(areas, 25, 25)
    assert ((low <= 0.8) & (high >= 0.8)).mean() > 0.93


def test_spearman_is_scipys(rng):
    a, b = rng.integers(0, 5, 60), rng.normal(size=60)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_spearman_weights_are_repeated_rows(rng):
    a, b, times = rng.integers(0, 5, 30), rng.normal(size=30), rng.integers(1, 4, 30)
    assert spearman(a, b, times) == pytest.approx(spearman(np.repeat(a, times), np.repeat(b, times)))


def test_spearman_of_a_constant_is_undefined():
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert np.isnan(spearman([], []))
    assert np.isnan(spearman_interval(0.5, 3)).all()
    assert np.isnan(spearman_interval(np.nan, 30)).all()
    assert spearman_interval(1.0, 30)[1] == pytest.approx(1.0)


def test_the_spread_is_delongs(rng):
    """Twin: variances of the placements, row by row."""
    score, positive = rng.integers(0, 9, 30), np.arange(30) < 12
    a = [np.mean([(x > y) + 0.5 * (x == y) for y in score[~positive]]) for x in score[positive]]
    b = [np.mean([(x > y) + 0.5 * (x == y) for x in score[positive]]) for y in score[~positive]]
    u, v = np.var(a, ddof=1) / 12, np.var(b, ddof=1) / 18
    variance, freedom, worth = auc_spread(score, positive)
    assert variance == pytest.approx(u + v)
    assert freedom == pytest.approx((u + v) ** 2 / (u**2 / 11 + v**2 / 17))
    assert worth == pytest.approx((12, 18))


def test_the_interval_is_never_narrower_than_newcombes(rng):
    score, positive = rng.normal(size=80), rng.random(80) < 0.3
    area, low, high = auc_and_interval(score, positive)
    plain = auc_interval(area, positive.sum(), (~positive).sum())
    assert low <= plain[0] < area < plain[1] <= high


def test_single_rows_and_perfect_order():
    area, low, high = auc_and_interval([1.0, 2.0, 3.0], [False, False, True])
    assert (area, high) == (1.0, 1.0)
    assert 0 < low < 1
    assert np.isnan(auc_and_interval([1.0, 2.0], [True, True])).all()


def test_areas_of_counts_are_those_of_the_rows(rng):
    cells = np.array([0.3, 0.1, 0.3, 0.7, 0.9])  # one score stands in two cells
    plus, minus = np.array([4, 1, 0, 6, 2]), np.array([5, 7, 3, 0, 1])
    score = np.r_[np.repeat(cells, plus), np.repeat(cells, minus)]
    positive = np.arange(len(score)) < plus.sum()
    variance, freedom, _ = auc_spread(score, positive)
    assert auc_of_counts(cells, plus, minus) == pytest.approx((auc(score, positive), variance, freedom))
    assert np.isnan(auc_of_counts(cells, plus, 0 * minus)).all()
    assert np.isnan(auc_of_counts([1.0, 2.0], [1, 0], [0, 1])[1:]).all()
