"""The engine of clustered rows against plain algebra, and what it must not do."""

import numpy as np
import pytest
from scipy import linalg, stats

from explaindistill.numerics.statistics.clusters import ClusterSums, student_quantile, too_few_clusters
from explaindistill.numerics.statistics.intervals import ratio_of_intervals, wilson
from explaindistill.numerics.statistics.members import Member, PairWorth, clustered_gap, correlation, pair
from explaindistill.numerics.statistics.tallies import tally


def sample(seed, groups=3, n=400, clusters=20):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, clusters, n)
    x = rng.normal(size=n) + rng.normal(size=clusters)[cluster]
    return x, rng.integers(0, groups, n), cluster, rng.uniform(0.5, 2, n)


@pytest.mark.parametrize("contrast", [[1, 0, 0], [1, -1, 0], [0.2, 0.3, -0.5]])
def test_the_variance_and_its_freedom_are_those_of_whole_matrices(contrast):
    """The slow twin: residuals as a matrix times errors, their covariance, and Satterthwaite's ratio of traces."""
    x, g, cluster, w = sample(0)
    sums = ClusterSums.of(x, g, 3, clusters=cluster, sample_weight=w)
    assert sums.correlation > 0.2
    scale = np.array(contrast) * sums.deviation / sums.weight.sum(axis=0)
    count, groups = sums.weight.shape
    model = [
        (1 - sums.correlation) * np.diag(sums.square[c])
        + sums.correlation * np.outer(sums.weight[c], sums.weight[c])
        for c in range(count)
    ]  # fmt: skip
    residual = np.zeros((count, count * groups))
    for c in range(count):
        residual[c, c * groups : (c + 1) * groups] += scale
        residual[c] -= np.tile(sums.weight[c] / sums.weight.sum(axis=0) * scale, count)
    covariance = residual @ linalg.block_diag(*model) @ residual.T
    factor = np.array([scale @ m @ scale for m in model]) / np.diag(covariance)
    spread = sums._normal(np.array(contrast, dtype=float))
    assert spread.variance == pytest.approx(factor @ (sums.residual @ scale) ** 2)
    expected = (factor @ np.diag(covariance)) ** 2 / (np.outer(factor, factor) * covariance**2).sum()
    assert spread.freedom == pytest.approx(expected)


def test_single_rows_as_clusters_are_the_textbooks_mean():
    x = np.random.default_rng(1).normal(size=50)
    spread = ClusterSums.of(x, np.zeros(50, int), 1, clusters=np.arange(50)).contrast([1.0])
    assert spread.variance == pytest.approx(stats.sem(x) ** 2)
    assert spread.freedom == pytest.approx(49, rel=1e-3)


def test_rare_values_leave_fewer_degrees_of_freedom():
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(60), 10)
    found = {}
    for rate in (0.05, 0.5):
        x = rng.random(600) < np.repeat(rng.beta(rate, 1 - rate, 60), 10)
        sums = ClusterSums.of(x, np.zeros(600, int), 1, clusters=cluster)
        found[rate] = sums.contrast([1.0]).freedom / sums._normal(np.ones(1)).freedom
    assert found[0.05] < 0.8
    assert found[0.5] > 0.99


@pytest.mark.parametrize(("count", "said"), [(4, False), (5, True)])
def test_fewer_than_five_clusters_say_nothing(count, said):
    x, cluster = np.arange(60) % 3 == 0, np.arange(60) % count
    counted = tally(x, np.zeros(60, int), 1, clusters=cluster)
    low, high = wilson(*counted.worth(0.95))
    assert np.isfinite(low[0]) == np.isfinite(high[0]) == said
    assert bool(too_few_clusters(count)) != said


def test_without_events_a_cluster_counts_as_one_row():
    counted = tally(np.zeros(200, bool), np.zeros(200, int), 1, clusters=np.repeat(np.arange(20), 10))
    assert counted.n_effective[0] == 20
    assert wilson(*counted.worth(0.95))[1][0] == pytest.approx(wilson(0, 20)[1])


def test_groups_that_share_clusters_are_compared_inside_them():
    """Both groups follow their cluster: the gap is known better than either rate."""
    rng = np.random.default_rng(3)
    cluster, group = np.repeat(np.arange(40), 20), np.tile([0, 1], 400)
    x = rng.random(800) < rng.beta(1, 1, 40)[cluster]
    counted = tally(x, group, 2, clusters=cluster)
    assert correlation(*counted.members) > 0.5
    (low, high), _ = clustered_gap(*counted.share, pair(*counted.members, 0.95))
    apart = tally(x, group, 2, clusters=cluster + 40 * group)
    (least, most), _ = clustered_gap(*apart.share, pair(*apart.members, 0.95))
    assert high - low < 0.7 * (most - least)
    stranger = Member(ClusterSums.of(x, group, 2, clusters=cluster), 1, 0.5)
    assert correlation(counted.members[0], stranger) == 0


def test_coverage_of_ten_unequal_clusters():
    """A normal quantile of the variance between clusters held the rate in three of four samples."""
    rng, held, runs = np.random.default_rng(4), 0, 150
    for _ in range(runs):
        cluster = np.repeat(np.arange(10), np.maximum(1, rng.lognormal(2.5, 1, 10).round().astype(int)))
        x = rng.random(len(cluster)) < rng.beta(1.2, 2.8, 10)[cluster]
        low, high = wilson(*tally(x, np.zeros(len(x), int), 1, clusters=cluster).worth(0.95))
        held += low[0] <= 0.3 <= high[0]
    assert held / runs > 0.9


def test_the_normal_quantile_where_nothing_is_estimated():
    assert student_quantile(np.inf) == pytest.approx(stats.norm.ppf(0.975))
    assert np.isnan(student_quantile(np.nan))


def between_matrix(sums, correlation):
    """Expected squares of the clusters' residuals, all groups together, by whole matrices."""
    count, groups = sums.weight.shape
    share = sums.weight / sums.weight.sum(axis=0)
    residual = np.array([np.kron(np.eye(count)[c], np.ones(groups)) - np.tile(share[c], count) for c in range(count)])
    model = [
        (1 - correlation) * np.diag(q) + correlation * np.outer(w, w)
        for w, q in zip(sums.weight, sums.square, strict=True)
    ]
    return np.diag(residual @ linalg.block_diag(*model) @ residual.T)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_correlation_is_that_of_the_moments(seed):
    """Squares within and between clusters set equal to what they are on average; row by row."""
    x, g, cluster, w = sample(seed)
    sums = ClusterSums.of(x, g, 3, clusters=cluster, sample_weight=w)
    mean = np.array([np.average(x[g == a], weights=w[g == a]) for a in range(3)])
    sd = np.array([np.sqrt(np.average((x[g == a] - mean[a]) ** 2, weights=w[g == a])) for a in range(3)])
    r = (x - mean[g]) / sd[g]
    within = expected = between = 0.0
    for c in range(20):
        v, e = w[cluster == c], r[cluster == c]
        within += v @ e**2 - (v @ e) ** 2 / v.sum()
        expected += v.sum() - v @ v / v.sum()
        between += (v @ e) ** 2
    alone = within / expected
    shared = (between - alone * between_matrix(sums, 0.0).sum()) / between_matrix(sums, 1.0).sum()
    assert sums.correlation == pytest.approx(shared / (shared + alone))
    np.testing.assert_allclose(sums.mean, mean)
    np.testing.assert_allclose(sums.deviation, sd)


def test_the_correlation_is_found_in_many_clusters():
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(800), 6)
    x = np.sqrt(0.3) * rng.normal(size=800)[cluster] + np.sqrt(0.7) * rng.normal(size=4800)
    assert ClusterSums.of(x, np.zeros(4800, int), 1, clusters=cluster).correlation == pytest.approx(0.3, abs=0.03)
    against = np.tile([1.0, -1.0], 2400)  # rows of a cluster that cancel: a correlation below 0 counts as none
    assert ClusterSums.of(against, np.zeros(4800, int), 1, clusters=cluster).correlation == 0


def test_kurtosis_and_what_rows_are_worth_by_hand():
    x = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], dtype=bool)
    w = np.array([1.0, 1, 1, 1, 1, 2, 2, 2, 2, 2])
    sums = ClusterSums.of(x, [0] * 9 + [-1], 2, clusters=list("aabbccddee"), sample_weight=w)
    p = 1 / 13
    assert sums.mean[0] == pytest.approx(p)
    assert sums.excess[0] == pytest.approx((1 - 3 * p * (1 - p)) / (p * (1 - p)) - 3)  # fourth moment of a coin
    assert sums.rows[0] == pytest.approx(13**2 / (5 + 16))
    assert sums.copies[0] == pytest.approx(13**2 / (4 + 4 + 9 + 16 + 4))
    assert sums.count.tolist() == [5, 0]
    assert np.isnan(sums.mean[1])
    assert np.isnan(sums.rows[1])
    assert np.isnan(sums.copies[1])
    assert (sums.deviation[1], sums.excess[1]) == (0, 0)


def test_freedom_of_rare_values_by_hand():
    """Single rows are their own clusters: D is 1 and nothing is added; of copies 1 / freedom grows by kurtosis / n."""
    x = np.arange(200) % 20 == 0
    single = ClusterSums.of(x, np.zeros(200, int), 1, clusters=np.arange(200)).contrast([1.0])
    assert single.freedom == pytest.approx(199, rel=0.02)
    pairs = ClusterSums.of(np.repeat(x, 2), np.zeros(400, int), 1, clusters=np.repeat(np.arange(200), 2))
    spread, plain = pairs.contrast([1.0]), pairs._normal(np.ones(1))
    worth = pairs.deviation[0] ** 2 / plain.variance
    kurtosis = 1 / (0.05 * 0.95) - 6
    added = (1 - worth / 400) ** 2 * kurtosis / worth
    assert spread.variance == plain.variance
    assert 1 / spread.freedom - 1 / plain.freedom == pytest.approx(added)


def test_groups_share_what_rare_values_add_as_they_share_the_variance():
    rng, cluster = np.random.default_rng(9), np.repeat(np.arange(24), 10)
    x = rng.random(240) < rng.beta(0.2, 2, 24)[cluster]
    group = (np.arange(240) % 3 == 0).astype(int)
    sums = ClusterSums.of(x, group, 2, clusters=cluster)
    alone = [sums._normal(k).variance for k in np.eye(2)]
    added = []
    for a in range(2):
        worth = min(sums.deviation[a] ** 2 / alone[a], sums.rows[a])
        added.append((1 - worth / sums.rows[a]) ** 2 * sums.excess[a] / worth)
    expected = (added[0] * alone[0] ** 2 * 1 + added[1] * 16 * alone[1] ** 2) / (alone[0] + 4 * alone[1]) ** 2
    found, plain = sums.contrast([1.0, -2.0]), sums._normal(np.array([1.0, -2.0]))
    assert expected > 0
    assert 1 / found.freedom - 1 / plain.freedom == pytest.approx(expected)


def test_values_that_do_not_differ_are_certain():
    sums = ClusterSums.of(np.full(40, 1e6 / 3), np.zeros(40, int), 1, clusters=np.arange(40) % 8)
    assert sums.deviation[0] == 0
    assert sums.contrast([1.0]).variance == 0
    assert sums.excess[0] == 0


def test_a_group_in_too_few_clusters_spoils_its_own_contrasts_only():
    x, group = np.arange(60) % 3, np.repeat([0, 1], [50, 10])
    cluster = np.r_[np.arange(50) % 10, np.arange(10) % 4]
    sums = ClusterSums.of(x, group, 2, clusters=cluster)
    assert np.isfinite(sums.contrast([1.0, 0.0])).all()
    assert np.isnan(sums.contrast([0.0, 1.0])).all()
    assert np.isnan(sums.contrast([1.0, -1.0])).all()
    assert np.isfinite(sums.each[0].variance)
    assert np.isnan(sums.each[1].variance)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_students_quantile_at_another_level(level):
    np.testing.assert_allclose(student_quantile([1, 4.5], level), stats.t.ppf(0.5 + level / 2, [1, 4.5]))
    assert student_quantile(np.inf, level) == pytest.approx(stats.norm.ppf(0.5 + level / 2))


def test_too_few_in_words():
    assert too_few_clusters(4) == "cannot say: 4 clusters, fewer than 5"
    assert too_few_clusters(5) == ""


def member(x, cluster, rarity=0.5):
    return Member(ClusterSums.of(x, np.zeros(len(x), int), 1, clusters=cluster), 0, rarity)


def test_worth_of_a_member_by_hand():
    rng = np.random.default_rng(6)
    cluster = np.repeat(np.arange(30), 8)
    x = (rng.random(240) < rng.beta(1, 1, 30)[cluster]).astype(float)
    one = member(x, cluster)
    variance, freedom = one.sums.contrast([1.0])
    unit = x.var()
    assert one.count == 30
    assert one.n_effective == pytest.approx(unit / variance)
    assert one.n_effective < 240
    for level in (0.8, 0.95):
        shrunk = (stats.norm.ppf(0.5 + level / 2) / stats.t.ppf(0.5 + level / 2, freedom)) ** 2
        assert one.worth(level) == pytest.approx(unit / variance * shrunk)
        other = (stats.norm.ppf(0.5 + level / 2) / stats.t.ppf(0.5 + level / 2, 3.0)) ** 2
        assert one.worth(level, 3.0) == pytest.approx(unit / variance * other)


def test_rows_that_cancel_in_their_cluster_are_worth_no_more_than_rows():
    one = member(np.tile([0.0, 1.0], 60), np.repeat(np.arange(30), 4))
    assert one.n_effective == one.worth(0.95) == 120


def test_too_few_events_count_by_copies():
    rng = np.random.default_rng(7)
    cluster, x = np.repeat(np.arange(40), 5), (rng.random(200) < 0.5).astype(float)
    worth = member(x, cluster).n_effective
    limit = 3 / worth  # three effective events are enough, fewer are not
    assert not member(x, cluster, limit * 1.001).is_sparse
    sparse = member(x, cluster, limit * 0.999)
    assert sparse.is_sparse
    assert sparse.n_effective == sparse.worth(0.9) == min(worth, 40)


def pair_of(rarities, seed=8, n_clusters=40):
    rng = np.random.default_rng(seed)
    cluster, group = np.repeat(np.arange(n_clusters), 20), np.tile([0, 1], 10 * n_clusters)
    x = rng.random(len(cluster)) < rng.beta(2, 2, n_clusters)[cluster]
    sums = ClusterSums.of(x, group, 2, clusters=cluster)
    return Member(sums, 0, rarities[0]), Member(sums, 1, rarities[1])


def test_a_pair_by_hand():
    first, second = pair_of((0.5, 0.5))
    spread = first.sums.contrast([1.0, -1.0])
    a, b = first.alone.variance, second.alone.variance
    found = pair(first, second, 0.9)
    assert found.correlation == pytest.approx((a + b - spread.variance) / (2 * np.sqrt(a * b)))
    assert found.correlation == correlation(first, second) > 0.3
    assert (found.first, found.second) == (first.worth(0.9, spread.freedom), second.worth(0.9, spread.freedom))
    assert found.level == 0.9


@pytest.mark.parametrize("rarities", [(1e-6, 0.5), (0.5, 1e-6)])
def test_a_pair_with_one_rare_side_is_compared_as_if_apart(rarities):
    first, second = pair_of(rarities)
    assert first.is_sparse != second.is_sparse
    assert tuple(pair(first, second, 0.8)) == (first.worth(0.8), second.worth(0.8), 0.0, 0.8)


def test_a_certain_side_has_no_correlation():
    sums = ClusterSums.of(
        np.where(np.arange(400) % 2, np.arange(400) % 6 < 3, True), np.arange(400) % 2, 2, clusters=np.arange(400) // 20
    )
    first, second = Member(sums, 0, 0.0), Member(sums, 1, 0.5)
    assert first.alone.variance == 0 < second.alone.variance
    assert correlation(first, second) == correlation(second, first) == 0
    assert pair(first, second, 0.95)[2:] == pair(second, first, 0.95)[2:] == (0.0, 0.95)


def test_a_clustered_gap_is_mover_on_wilsons_limits():
    worth = PairWorth(80.0, 50.0, 0.4, 0.9)
    (l1, u1), (l2, u2) = (np.array(wilson(p * n, n, 0.9)) for p, n in ((0.3, 80.0), (0.6, 50.0)))
    difference, ratio = clustered_gap(0.3, 0.6, worth)
    down = np.sqrt((0.3 - l1) ** 2 + (u2 - 0.6) ** 2 - 0.8 * (0.3 - l1) * (u2 - 0.6))
    up = np.sqrt((u1 - 0.3) ** 2 + (0.6 - l2) ** 2 - 0.8 * (u1 - 0.3) * (0.6 - l2))
    assert difference == pytest.approx((-0.3 - down, -0.3 + up))
    assert ratio == pytest.approx(tuple(map(float, ratio_of_intervals((0.3, l1, u1), (0.6, l2, u2), 0.4))))
