"""Counts, weights and clusters: effective rows against their definitions."""

import numpy as np
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.tallies import (
    group_means,
    mean_function,
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
