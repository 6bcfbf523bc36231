"""Bootstrap-t of influences: against loops over draws, and how often it holds a mean of skewed numbers."""

import numpy as np
import pytest
from scipy import stats

from explaindistill.numerics.statistics.influences import T_DRAWS, bootstrap_t
from explaindistill.numerics.statistics.resampling import row_counts
from explaindistill.numerics.statistics.unseen import mean_excess, unseen_share


def plain(estimate, samples, counts, level):
    """The formula, draw by draw, of means of samples; without room for unseen units."""

    def error(values):
        return sum(np.var(v, ddof=1) / len(v) for v in values) ** 0.5

    t = []
    for draw in zip(*counts, strict=True):
        again = [np.repeat(v, c.astype(int)) for v, c in zip(samples, draw, strict=True)]
        # the spread of a draw is about its own mean, and of n units it has n - 1 degrees of freedom
        shift = sum(a.mean() - v.mean() for a, v in zip(again, samples, strict=True))
        t.append(shift / error(again))
    low, high = np.quantile(t, [(1 - level) / 2, (1 + level) / 2])
    v = np.array([np.var(x, ddof=1) / len(x) for x in samples])
    freedom = v.sum() ** 2 / sum(part**2 / (len(x) - 1) for part, x in zip(v, samples, strict=True))
    student = stats.t.ppf((1 + level) / 2, freedom)
    return estimate - max(high, student) * error(samples), estimate - min(low, -student) * error(samples)


def test_two_samples_against_the_loop():
    rng = np.random.default_rng(0)
    samples = [rng.exponential(size=12), rng.normal(size=30)]
    moved = [(x - x.mean()) / len(x) for x in samples]
    counts = [row_counts(len(x), 200, rng) for x in samples]
    none = [(0.0, 0.0)] * 2
    assert bootstrap_t(3.0, moved, counts, 0.9, none) == pytest.approx(plain(3.0, samples, counts, 0.9))
    low, high = bootstrap_t(3.0, moved, counts, 0.9)
    narrow = bootstrap_t(3.0, moved, counts, 0.9, none)
    furthest = [u.max() + mean_excess(u) for u in moved]
    squares = sum((len(u) * far * unseen_share(len(u), 0.9)) ** 2 for far, u in zip(furthest, moved, strict=True))
    assert high - 3 == pytest.approx(np.sqrt((narrow[1] - 3) ** 2 + squares))
    assert low < narrow[0]


def test_edges():
    assert np.isnan(bootstrap_t(1.0, [np.zeros(1)], [np.ones((5, 1))])).all()
    assert bootstrap_t(1.0, [np.zeros(4)], [row_counts(4, 5, np.random.default_rng(0))]) == (1.0, 1.0)
    assert bootstrap_t(1.0, [np.zeros(4)], [np.ones((5, 4))], reach=[(0.0, 1.0)])[1] == 1 + unseen_share(4)


def test_draws_that_were_studentised_elsewhere():
    moved = [np.array([-1.0, 0.0, 1.0]) / 3]
    t = np.r_[np.linspace(-9, 40, 99), np.nan]
    low, high = bootstrap_t(0.0, moved, [np.ones((100, 3))], 0.9, [(0.0, 0.0)], t)
    error = np.sqrt(1 / 3)
    expected = -np.quantile(t[:-1], [0.95, 0.05]) * error
    assert (low, high) == pytest.approx(expected)
    assert low == bootstrap_t(0.0, moved, [np.ones((100, 3))], 0.9, [(0.0, 1.0)], t)[0]


def test_draws_of_nothing_but_nan_leave_student():
    moved = [np.array([-1.0, 0.0, 1.0]) / 3]
    limits = bootstrap_t(0.0, moved, [np.ones((5, 3))], 0.9, [(0.0, 0.0)], np.full(5, np.nan))
    half = stats.t.ppf(0.95, 2) * np.sqrt(1 / 3)
    assert limits == pytest.approx((-half, half))


def test_the_mean_of_skewed_numbers_is_held():
    """Student's interval of 30 log-normal numbers holds in 90 of 100 samples or fewer."""
    rng, held, student, runs = np.random.default_rng(1), 0, 0, 200
    counts = row_counts(30, T_DRAWS, rng)
    for _ in range(runs):
        x = rng.lognormal(size=30)
        low, high = bootstrap_t(x.mean(), [(x - x.mean()) / 30], [counts])
        held += low <= np.exp(0.5) <= high
        half = stats.t.ppf(0.975, 29) * x.std(ddof=1) / np.sqrt(30)
        student += abs(x.mean() - np.exp(0.5)) <= half
    assert held / runs > 0.92
    assert student < held
