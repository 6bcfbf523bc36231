"""The engine of clustered rows against plain algebra, and what it must not do."""

import numpy as np
import pytest
from scipy import linalg, stats

from explaindistill.numerics.statistics.clusters import ClusterSums, student_quantile, too_few_clusters
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.numerics.statistics.members import Member, clustered_gap, correlation, pair
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
