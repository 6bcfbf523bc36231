"""Mean losses of rows in clusters: limits that know the skewness of the clusters' sums, and no wider than they must."""

import numpy as np
import pytest

from explaindistill.measures._pair import Pair
from explaindistill.numerics.statistics.mean_limits import mean_limits
from explaindistill.numerics.statistics.unseen import unseen_share, widened

CLUSTERS = np.repeat(np.arange(30), 20)


def losses(rng):
    """A tenth of the rows is lost, in some clusters more than in others."""
    return np.where(rng.random(600) < rng.beta(0.4, 3.6, 30)[CLUSTERS], 0.2, 0.0)


def pair(clusters=CLUSTERS):
    return Pair.of(np.zeros(600), np.zeros(600), None, clusters, 0.95, "student")


def test_limits_are_those_of_the_mean_and_of_rows_as_much_alike_as_those_that_were_seen():
    values = losses(np.random.default_rng(0))
    line = pair().average("brier", values, reach=(0.0, 0.5))
    inner = mean_limits(values, np.zeros(600, dtype=int), 1, clusters=CLUSTERS)
    worth = float(inner.n_effective[0])
    assert 30 < worth < 600
    expected = widened(values.mean(), np.r_[inner.low, inner.high], (0.0, 0.5), worth)
    assert [line["low"], line["high"]] == pytest.approx(expected.tolist())


def test_losses_that_are_all_alike_are_taken_for_copies():
    line = pair().average("brier", np.zeros(600), bounds=(0.0, 1.0), reach=(0.0, 0.5))
    assert [line["low"], line["high"]] == pytest.approx([0.0, 0.5 * unseen_share(30)])


def test_a_mean_of_independent_rows_is_as_before():
    values = losses(np.random.default_rng(1))
    of_rows = pair(None)
    line = of_rows.average("brier", values, reach=(0.0, 0.5))
    plain = of_rows.smooth("brier", [values], lambda m: float(m[0]), reach=(0.0, 0.5))
    assert (line["low"], line["high"], line["method"]) == (plain["low"], plain["high"], "delta")


def test_the_mean_is_held_by_an_interval_less_than_twice_as_wide_as_its_spread():
    rng, hits, widths, means = np.random.default_rng(2), 0, [], []
    for _ in range(150):
        values = losses(rng)
        line = pair().average("brier", values, reach=(0.0, 0.5))
        hits += line["low"] <= 0.02 <= line["high"]
        widths.append(line["high"] - line["low"])
        means.append(values.mean())
    assert hits / 150 >= 0.93
    assert np.median(widths) < 2 * 2 * 1.96 * np.std(means)
