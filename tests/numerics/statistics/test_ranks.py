"""Areas and rank correlations against scikit-learn, scipy and all pairs."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.metrics import roc_auc_score

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.clusters import ClusterSums
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


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_an_area_takes_the_wider_of_two_intervals(rng, level):
    """Scores of two shapes: Student's interval on the logit scale by hand, beside Newcombe's."""
    positive = np.arange(60) < 15
    score = np.where(positive, 3 * rng.normal(size=60) + 1, rng.normal(size=60))
    variance, freedom, worth = auc_spread(score, positive)
    area = auc(score, positive)
    half = stats.t.ppf(0.5 + level / 2, freedom) * np.sqrt(variance) / (area * (1 - area))
    centre = np.log(area / (1 - area))
    student = 1 / (1 + np.exp(-(centre + np.array([-half, half]))))
    plain = np.array(auc_interval(area, *worth, level))
    assert student[0] < plain[0]
    assert student[1] > plain[1]
    assert auc_and_interval(score, positive, level=level) == pytest.approx((area, *student))


def test_newcombes_interval_at_another_level_and_of_many_areas_at_once():
    low, high = auc_interval([0.7, 1.0, 0.0], [12, 10, 10], [30, 10, 10], 0.9)
    z, extra = stats.norm.ppf(0.95), (12 + 30) / 2 - 1

    def equation(t):
        v = t * (1 - t) * (1 + extra * (1 - t) / (2 - t) + extra * t / (1 + t)) / 360
        return (0.7 - t) ** 2 - z**2 * v

    assert low[0] == pytest.approx(optimize.brentq(equation, 1e-9, 0.7))
    assert high[0] == pytest.approx(optimize.brentq(equation, 0.7, 1 - 1e-9))
    assert (high[1], low[2]) == (1, 0)
    assert low[1] == pytest.approx(1 - high[2])
    for p, q in ((0, 5), (5, 0)):
        assert np.isnan(auc_interval(0.5, p, q)).all()
    assert np.isfinite(auc_interval(0.5, 1, 1)).all()
    with pytest.raises(InvalidInputError, match="level must lie"):
        auc_interval(0.5, 4, 4, 1.5)


def test_areas_at_the_ends_and_variances_that_are_unknown_keep_newcombes_interval():
    for area, variance, freedom in ((1.0, 0.01, 5.0), (0.0, 0.01, 5.0), (0.6, np.nan, 5.0), (0.6, 0.01, np.nan)):
        given = auc_interval(area, 9, 11, variance=variance, freedom=freedom)
        np.testing.assert_array_equal(given, auc_interval(area, 9, 11))


def test_a_weighted_spread_by_hand(rng):
    score, positive, w = rng.integers(0, 7, 40), np.arange(40) < 17, rng.uniform(0.2, 2, 40)
    parts, worths = [], []
    for mine, other, sign in ((positive, ~positive, 1), (~positive, positive, -1)):
        placement = np.array(
            [np.average(0.5 * (1 + sign * np.sign(x - score[other])), weights=w[other]) for x in score[mine]]
        )
        u = w[mine] / w[mine].sum()
        n = 1 / (u**2).sum()
        parts.append(u @ (placement - u @ placement) ** 2 * n / (n - 1) / n)
        worths.append(n)
    variance, freedom, worth = auc_spread(score, positive, w)
    assert variance == pytest.approx(sum(parts))
    assert worth == pytest.approx(tuple(worths))
    assert freedom == pytest.approx(sum(parts) ** 2 / sum(v**2 / (n - 1) for v, n in zip(parts, worths, strict=True)))


def test_clustered_areas_are_contrasts_of_placements(rng):
    score, positive, cluster, w = rng.normal(size=90), rng.random(90) < 0.4, np.arange(90) % 9, rng.uniform(0.5, 2, 90)
    score += rng.normal(size=9)[cluster]
    below = np.array(
        [np.average((s > score[~positive]) + 0.5 * (s == score[~positive]), weights=w[~positive]) for s in score]
    )
    above = np.array(
        [np.average((s > score[positive]) + 0.5 * (s == score[positive]), weights=w[positive]) for s in score]
    )
    placement = np.where(positive, below, above)
    sums = ClusterSums.of(placement, (~positive).astype(int), 2, clusters=cluster, sample_weight=w)
    expected, alone = sums.contrast([1.0, -1.0]), auc_spread(score, positive, w)
    variance, freedom, worth = auc_spread(score, positive, w, cluster)
    assert (variance, freedom) == pytest.approx(tuple(expected))
    shrunk = min(1, alone[0] / expected.variance)
    assert worth == pytest.approx((alone[2][0] * shrunk, alone[2][1] * shrunk))
    area, low, high = auc_and_interval(score, positive, w, 0.9, cluster)
    assert area == pytest.approx(roc_auc_score(positive, score, sample_weight=w))
    np.testing.assert_allclose((low, high), auc_interval(area, *worth, 0.9, variance=variance, freedom=freedom))


def test_four_clusters_say_nothing_of_an_area(rng):
    variance, freedom, worth = auc_spread(rng.normal(size=40), np.arange(40) % 2 == 0, clusters=np.arange(40) // 2 % 4)
    assert np.isnan([variance, freedom, *worth]).all()


def test_perfect_order_in_clusters_is_worth_all_rows():
    score = np.arange(40.0)
    variance, _, worth = auc_spread(score, score >= 20, clusters=np.arange(40) % 10)
    assert variance == 0
    assert worth == pytest.approx((20, 20))


def test_one_sided_and_single_rows():
    variance, freedom, worth = auc_spread([1.0, 2, 3], [True, True, True])
    assert np.isnan([variance, freedom]).all()
    assert worth == (3.0, 0.0)
    variance, freedom, worth = auc_spread([1.0, 2, 3], [True, False, False])
    assert np.isnan(variance)
    assert worth == pytest.approx((1, 2))
    area, variance, freedom = auc_of_counts([1.0, 2, 3], [1, 0, 0], [0, 1, 1])
    assert area == 0
    assert np.isnan([variance, freedom]).all()
    assert np.isnan(auc_of_counts([1.0, 2.0], [0, 0], [1, 2])).all()


def test_zero_weights_are_no_rows(rng):
    score, positive = rng.normal(size=30), rng.random(30) < 0.5
    w = np.r_[np.ones(20), np.zeros(10)]
    assert auc(score, positive, w) == pytest.approx(auc(score[:20], positive[:20]))
    assert np.isnan(auc([1.0, 2.0], [True, False], [1.0, 0.0]))
    assert np.isnan(auc_spread([1.0, 2.0], [True, False], [1.0, 0.0])[0])


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_interval_of_spearman_by_hand(level):
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt((1 + 0.36 / 2) / 17)
    expected = np.tanh(np.arctanh(0.6) + np.array([-half, half]))
    assert spearman_interval(0.6, 20, level) == pytest.approx(tuple(expected))
    assert np.isfinite(spearman_interval(0.6, 3.5)).all()
    low, high = spearman_interval(-1.0, 30)
    assert low == pytest.approx(-1)
    assert low <= high < -0.99


def test_spearman_of_few_and_of_light_rows():
    assert spearman([1, 2], [5, 9]) == 1
    assert spearman([1, 2], [9, 5]) == -1
    assert spearman([1, 2, 3], [2, 1, 3], np.full(3, 1e-5)) == pytest.approx(0.5)
    assert np.isnan(spearman([1, 2, 3], [4, 4, 4]))
    assert np.isnan(spearman([1, 2, 2], [3, 4, 5], [0, 1, 1]))


def test_narrow_types_lose_nothing(rng):
    a, b = rng.integers(0, 255, (2, 50))
    positive, w = np.arange(50) < 20, rng.integers(1, 200, 50)
    narrow = [x.astype(np.uint8) for x in (a, b, w)]
    assert spearman(*narrow) == pytest.approx(spearman(a, b, w), abs=1e-14)
    assert auc(narrow[0], positive.astype(np.uint8), narrow[2]) == pytest.approx(auc(a, positive, w), abs=1e-14)
    assert auc_spread(narrow[0], positive.astype(int), narrow[2])[0] == pytest.approx(auc_spread(a, positive, w)[0])
    n, m = np.array([200], np.uint8), np.array([250], np.uint8)
    np.testing.assert_allclose(
        auc_interval(np.float32([0.75]), n, m), auc_interval([0.75], [200.0], [250.0]), rtol=1e-14
    )
    counted = auc_of_counts(np.array([3, 1], np.uint8), np.array([200, 250], np.uint8), np.array([240, 9], np.uint8))
    assert counted == pytest.approx(auc_of_counts([3, 1], [200, 250], [240, 9]))


def test_rounding_does_not_push_a_correlation_past_one():
    """Weighted ranks of the same and of turned rows: without a bound 1.0000000000000002 in many of these samples."""
    for seed in range(1, 60):
        rng = np.random.default_rng(seed)
        a, w = rng.normal(size=20), rng.random(20)
        assert 1 - 1e-12 < spearman(a, a, w) <= 1
        assert -1 <= spearman(a, -a, w) < -1 + 1e-12
