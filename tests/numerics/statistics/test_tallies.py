"""Counts, weights and clusters: effective rows against their definitions."""

import numpy as np
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.clusters import ClusterSums
from explaindistill.numerics.statistics.tallies import (
    Smooth,
    group_means,
    mean_function,
    row_labels,
    tally,
    weights_of,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_counts_by_hand():
    found = tally([True, True, False, True], [0, 0, 0, 2], 3)
    assert found.n.tolist() == [3, 0, 1]
    assert found.k.tolist() == [2, 0, 1]
    assert np.isnan(found.share[1])
    assert found.k_effective.tolist() == pytest.approx([2, 0, 1])


def test_rows_without_weight_or_group_are_left_out():
    found = tally([True, False, True], [0, 0, -1], 1, sample_weight=[1, 0, 1])
    assert (found.n[0], found.k[0], found.share[0]) == (1, 1, 1)


def test_weights_change_the_share_as_duplicated_rows_do():
    weighted = tally([True, False, False], [0, 0, 0], 1, sample_weight=[2, 1, 1])
    repeated = tally([True, True, False, False], [0] * 4, 1)
    assert weighted.share == pytest.approx(repeated.share)
    assert weighted.n_effective[0] == pytest.approx(16 / 6)


def test_equal_weights_are_no_weights():
    found = tally([True, False, True], [0, 0, 1], 2, sample_weight=[7, 7, 7])
    np.testing.assert_allclose(found.n_effective, [2, 1])


def test_a_cluster_of_copies_counts_once(rng):
    """Rows repeated five times inside their cluster are worth the rows themselves."""
    x = rng.random(200) < 0.3
    single = tally(x, np.zeros(200, int), 1, clusters=np.arange(200))
    fivefold = tally(np.repeat(x, 5), np.zeros(1000, int), 1, clusters=np.repeat(np.arange(200), 5))
    assert fivefold.n_effective[0] == pytest.approx(single.n_effective[0])
    assert fivefold.n_effective[0] == pytest.approx(200, rel=0.01)


def test_clusters_that_all_agree_and_a_single_cluster():
    assert tally([True] * 12, [0] * 12, 1, clusters=np.repeat(np.arange(6), 2)).n_effective[0] == 6
    assert np.isnan(tally([True, False] * 3, [0] * 6, 1, clusters=[0] * 6).n_effective[0])


def test_group_means_are_scipys(rng):
    v = rng.normal(size=30)
    mean, error, quantile = group_means(v, np.zeros(30, int), 2)
    expected = stats.t.interval(0.95, 29, v.mean(), stats.sem(v))
    np.testing.assert_allclose((mean[0] - quantile[0] * error[0], mean[0] + quantile[0] * error[0]), expected)
    assert np.isnan(mean[1])


def test_one_row_has_a_mean_and_no_error():
    mean, error, _ = group_means([3.0], [0], 1)
    assert mean[0] == 3
    assert np.isnan(error[0])


def test_mean_function_of_the_mean_is_the_standard_error(rng):
    v = rng.normal(size=(50, 1))
    value, error, _ = mean_function(v, lambda m: m[0])
    assert value == pytest.approx(v.mean())
    assert error == pytest.approx(stats.sem(v[:, 0]), rel=1e-6)


def test_mean_function_of_a_ratio_agrees_with_the_jackknife(rng):
    v = rng.gamma(3.0, size=(400, 2))
    _, error, _ = mean_function(v, lambda m: m[0] / m[1])
    left_out = np.array([np.delete(v, i, 0).mean(0) for i in range(400)])
    ratio = left_out[:, 0] / left_out[:, 1]
    assert error == pytest.approx(np.sqrt(399 / 400 * ((ratio - ratio.mean()) ** 2).sum()), rel=0.01)


def test_mean_function_by_cluster_and_on_too_few_rows(rng):
    v = rng.normal(size=(40, 1))
    _, alone, _ = mean_function(v, lambda m: m[0])
    _, copied, _ = mean_function(np.repeat(v, 3, axis=0), lambda m: m[0], clusters=np.repeat(np.arange(40), 3))
    assert copied == pytest.approx(alone)
    assert np.isnan(mean_function(v[:1], lambda m: m[0])[1])
    assert np.isnan(mean_function(v[:0], lambda m: m[0])).all()


@pytest.mark.parametrize("weight", [[1, 2], [1, -1, 1], [0, 0, 0], [1, np.nan, 1]])
def test_bad_weights(weight):
    with pytest.raises(InvalidInputError, match="sample_weight must"):
        weights_of(weight, 3)


def test_an_empty_group_is_worth_no_row():
    found = tally([True, False], [0, 2], 3, sample_weight=[2.0, 3.0])
    assert found.n_effective.tolist() == [1, 0, 1]
    assert found.weight.tolist() == [2, 0, 3]
    assert found.k_effective.tolist() == [1, 0, 0]
    clustered = tally(np.arange(20) % 2 == 0, np.zeros(20), 2, clusters=np.arange(20))
    k, n = clustered.worth(0.95)
    assert (k[1], n[1], clustered.n_effective[1]) == (0, 0, 0)
    assert n[0] == pytest.approx(clustered.members[0].worth(0.95))
    assert k[0] == pytest.approx(0.5 * n[0])
    assert [m.rarity for m in clustered.members] == [0.5, 0.0]


def test_members_know_the_rarer_side():
    found = tally(np.arange(40) % 4 > 0, np.zeros(40), 1, clusters=np.arange(40), sample_weight=np.full(40, 0.5))
    assert found.members[0].rarity == 0.25
    assert found.weight[0] == 20


def test_rows_left_out_take_their_weight_and_cluster_along(rng):
    x, code, cluster, w = rng.random(90) < 0.4, rng.integers(-1, 2, 90), rng.integers(0, 9, 90), rng.uniform(0, 2, 90)
    w[::7] = 0
    inside = (code >= 0) & (w > 0)
    whole = tally(x, code, 2, sample_weight=w, clusters=cluster)
    part = tally(x[inside], code[inside], 2, sample_weight=w[inside], clusters=cluster[inside])
    for one, other in zip(whole.worth(0.9), part.worth(0.9), strict=True):
        np.testing.assert_allclose(one, other)
    np.testing.assert_allclose(whole.n_effective, part.n_effective)
    np.testing.assert_allclose(
        whole.share, [np.average(x[inside & (code == a)], weights=w[inside & (code == a)]) for a in (0, 1)]
    )
    alone = tally(x, code, 2, clusters=cluster)
    np.testing.assert_allclose(
        alone.n_effective, tally(x[code >= 0], code[code >= 0], 2, clusters=cluster[code >= 0]).n_effective
    )


def test_labels_and_weights_of_another_length():
    for make in (lambda: tally([True, False], [0, 0], 1, clusters=["a"]), lambda: row_labels([1, 2, 3], 2)):
        with pytest.raises(InvalidInputError, match=r"^clusters must have one entry per row: 2 rows, got [13]$"):
            make()
    with pytest.raises(InvalidInputError, match=r"^sample_weight must have one number per row: 2 rows, got 3$"):
        tally([True, False], [0, 0], 1, sample_weight=[1, 2, 3])
    for bad in ([0, 0], [np.inf, 1], [-1, 2]):
        with pytest.raises(InvalidInputError, match=r"^sample_weight must be finite, non-negative and not all zero$"):
            weights_of(bad, 2)
    assert weights_of([], 0).shape == (0,)
    assert weights_of([[1], [0.5]], 2).tolist() == [1, 0.5]
    assert row_labels([["a"], ["b"]], 2).tolist() == ["a", "b"]


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_weighted_means_by_hand(rng, level):
    v, w, code = rng.normal(size=40), rng.uniform(0.5, 2, 40), np.arange(40) % 3 - 1
    mean, error, quantile = group_means(v, code, 2, sample_weight=w, level=level)
    for a in (0, 1):
        x, u = v[code == a], w[code == a] / w[code == a].sum()
        assert mean[a] == pytest.approx(u @ x)
        n = len(x)
        assert error[a] == pytest.approx(np.sqrt(n / (n - 1) * ((u * (x - u @ x)) ** 2).sum()))
        assert quantile[a] == pytest.approx(stats.t.ppf(0.5 + level / 2, 1 / (u**2).sum() - 1))


def test_two_rows_have_an_error_and_at_least_half_a_degree_of_freedom():
    mean, error, quantile = group_means([1.0, 3.0, 5.0], [0, 0, 1], 3)
    assert (mean[0], error[0], mean[1]) == (2, pytest.approx(1), 5)
    assert quantile[0] == pytest.approx(stats.t.ppf(0.975, 1))
    assert np.isnan([error[1], quantile[1], mean[2], error[2], quantile[2]]).all()
    _, _, quantile = group_means([1.0, 3.0], [0, 0], 1, sample_weight=[1.0, 1e-3])
    assert quantile[0] == pytest.approx(stats.t.ppf(0.975, 0.5))


def test_means_of_clusters_are_the_engines(rng):
    v, w, code, cluster = rng.normal(size=120), rng.uniform(0.5, 2, 120), rng.integers(-1, 2, 120), np.arange(120) % 12
    w[5] = 0
    mean, error, quantile = group_means(v, code, 2, sample_weight=w, clusters=cluster, level=0.9)
    inside = (code >= 0) & (w > 0)
    sums = ClusterSums.of(v[inside], code[inside], 2, clusters=cluster[inside], sample_weight=w[inside])
    for a in (0, 1):
        variance, freedom = sums.contrast(np.eye(2)[a])
        assert (mean[a], error[a]) == pytest.approx((sums.mean[a], np.sqrt(variance)))
        assert quantile[a] == pytest.approx(stats.t.ppf(0.95, freedom))
    mean, error, quantile = group_means(np.full(30, 2.5), np.zeros(30), 2, clusters=np.arange(30) % 6)
    assert (mean[0], error[0], quantile[0]) == (2.5, 0, 0)  # nothing varies: nothing is to be estimated
    assert np.isnan(mean[1])


def test_limits_of_a_smooth_function_at_another_level():
    half = stats.t.ppf(0.9, 4.0) * 0.2
    np.testing.assert_allclose(Smooth(1.0, 0.2, 4.0).limits(0.8), [1 - half, 1 + half])


def test_functions_of_weighted_and_clustered_means(rng):
    v, w, cluster = rng.normal(3, 1, (90, 2)), rng.uniform(0.5, 2, 90), np.arange(90) % 15
    mean = np.average(v, axis=0, weights=w)
    gradient = np.array([1 / mean[1], -mean[0] / mean[1] ** 2])  # of the ratio of the means, worked by hand
    moved = (v - mean) @ gradient
    value, error, freedom = mean_function(v, lambda m: m[0] / m[1], sample_weight=w)
    assert value == pytest.approx(mean[0] / mean[1])
    assert error == pytest.approx(np.sqrt(90 / 89 * ((w / w.sum() * moved) ** 2).sum()), rel=1e-6)
    assert freedom == np.inf
    value, error, freedom = mean_function(v, lambda m: m[0] / m[1], sample_weight=w, clusters=cluster)
    spread = ClusterSums.of(moved, np.zeros(90), 1, clusters=cluster, sample_weight=w).contrast([1.0])
    assert (error, freedom) == pytest.approx((np.sqrt(spread.variance), spread.freedom), rel=1e-6)


def test_rows_of_weight_zero_are_no_rows_of_a_function(rng):
    v = rng.normal(size=(20, 1))
    w = np.r_[np.ones(12), np.zeros(8)]
    found, fewer = mean_function(v, lambda m: m[0] ** 2, sample_weight=w), mean_function(v[:12], lambda m: m[0] ** 2)
    assert found == pytest.approx(fewer)
    one = mean_function(v, lambda m: m[0], sample_weight=np.eye(20)[3])
    assert one.estimate == pytest.approx(v[3, 0])
    assert np.isnan(one[1:]).all()
    two = mean_function(np.array([[1.0], [3.0]]), lambda m: m[0])
    assert two == pytest.approx((2, 1, np.inf))


def test_a_function_that_is_undefined_has_no_error():
    v = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    with np.errstate(all="ignore"):
        for function in (lambda m: np.nan * m[0], lambda m: np.float64(m[0]) / np.float64(m[1])):
            assert np.isnan(mean_function(v, function)[1:]).all()
        edge = mean_function(v, lambda m: np.sqrt(m[1]))  # defined at the means, not below them
    assert edge.estimate == 0
    assert np.isnan(edge[1:]).all()


def test_narrow_types_lose_nothing():
    v = np.array([0, 200, 250, 255], dtype=np.uint8)
    for narrow, wide in zip(
        group_means(v, np.zeros(4, np.int8), 1), group_means(v.astype(float), [0] * 4, 1), strict=True
    ):
        np.testing.assert_allclose(narrow, wide, rtol=1e-14)
    assert weights_of(np.array([200, 100], dtype=np.uint8), 2).sum() == 300
    assert weights_of(np.array([200, 100], dtype=np.uint8), 2).dtype == float
