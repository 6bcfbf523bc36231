"""Intervals of proportions against their definitions, published examples and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import (
    bonett_price,
    clopper_pearson,
    mean_of_intervals,
    mover_difference,
    mover_ratio,
    newcombe,
    normal_quantile,
    ratio_of_intervals,
    wilson,
)

counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def wilson_twin(k, n, level):
    """Definition: the two p at which the score statistic of k out of n is the normal quantile."""
    z, p = stats.norm.ppf(0.5 + level / 2), k / n

    def score(q):
        return (p - q) ** 2 - z**2 * q * (1 - q) / n

    low = 0.0 if k == 0 else optimize.brentq(score, 1e-15, p - 1e-9, xtol=1e-14)
    high = 1.0 if k == n else optimize.brentq(score, p + 1e-9, 1 - 1e-15, xtol=1e-14)
    return low, high


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 20), (7, 20), (19, 20), (20, 20), (3, 1000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_solves_the_score_equation(k, n, level):
    np.testing.assert_allclose(wilson(k, n, level), wilson_twin(k, n, level), atol=1e-9)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 17), (10, 10), (2, 400)])
def test_clopper_pearson_is_scipys_exact_interval(k, n):
    found = stats.binomtest(k, n).proportion_ci(method="exact")
    np.testing.assert_allclose(clopper_pearson(k, n), (found.low, found.high), atol=1e-12)


def test_clopper_pearson_inverts_the_binomial_tails():
    low, high = clopper_pearson(4, 30, 0.9)
    assert stats.binom.sf(3, 30, low) == pytest.approx(0.05)
    assert stats.binom.cdf(4, 30, high) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("table", "expected"),
    [  # Newcombe 1998b, table II, method 10
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe_published(table, expected):
    np.testing.assert_allclose(newcombe(*table), expected, atol=6e-5)


def ratio_twin(k1, n1, k2, n2):
    """Limits as roots: theta is a limit where MOVER's limit of p1 - theta p2 is 0 (Donner and Zou 2012, section 2)."""
    p1, p2 = k1 / n1, k2 / n2
    (l1, u1), (l2, u2) = wilson_twin(k1, n1, 0.95), wilson_twin(k2, n2, 0.95)

    def at_low(theta):
        return p1 - theta * p2 - np.sqrt((p1 - l1) ** 2 + theta**2 * (u2 - p2) ** 2)

    def at_high(theta):
        return p1 - theta * p2 + np.sqrt((u1 - p1) ** 2 + theta**2 * (p2 - l2) ** 2)

    ratio = p1 / p2
    low = 0.0 if k1 == 0 else optimize.brentq(at_low, 0, ratio)
    return low, optimize.brentq(at_high, ratio, 1e6)


@pytest.mark.parametrize(
    "table", [(10, 100, 30, 100), (0, 40, 12, 50), (40, 40, 50, 50), (1, 30, 1, 30), (180, 300, 400, 600)]
)
def test_mover_ratio_solves_its_equation(table):
    np.testing.assert_allclose(mover_ratio(*table), ratio_twin(*table), rtol=1e-7)


def test_ratio_where_the_quadratic_is_linear():
    """2 b = upper limit of b: the formula is 0/0 and the limit of both roots counts."""
    low, high = ratio_of_intervals((0.2, 0.1, 0.3), (0.2, 0.1, 0.4))
    near, _ = ratio_of_intervals((0.2, 0.1, 0.3), (0.2, 0.1, 0.4 - 1e-7))
    assert low == pytest.approx(float(near), rel=1e-5)
    assert high > 1


def test_ratio_to_a_group_that_is_never_selected():
    low, high = mover_ratio(5, 50, 0, 50)
    assert 0 < low < np.inf
    assert high == np.inf
    low, high = mover_ratio(0, 50, 0, 50)
    assert (low, high) == (0.0, np.inf)


def test_bonett_price_published():
    """The Wald interval of the table with one added to each discordant count, worked by hand."""
    p, q, n = 5 / 102, 15 / 102, 102
    half = 1.959963984540054 * np.sqrt((p + q - (p - q) ** 2) / n)
    np.testing.assert_allclose(bonett_price(4, 14, 100), (p - q - half, p - q + half), atol=1e-12)


def test_undefined_denominators_give_nan():
    for found in (
        wilson(0, 0),
        clopper_pearson(0, 0),
        newcombe(0, 0, 1, 2),
        mover_ratio(1, 2, 0, 0),
        bonett_price(0, 0, 0),
    ):
        assert np.isnan(found).all()
    assert np.isnan(mean_of_intervals([], [], [])).all()


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, np.nan])
def test_level_must_be_a_share(level):
    with pytest.raises(InvalidInputError, match="level must lie strictly between 0 and 1"):
        normal_quantile(level)


@settings(max_examples=60, deadline=None)
@given(counts, counts)
def test_limits_surround_the_estimate(first, second):
    (k1, n1), (k2, n2) = first, second
    low, high = wilson(k1, n1)
    assert 0 <= low <= k1 / n1 <= high <= 1
    exact = clopper_pearson(k1, n1)
    assert exact[0] <= low + 1e-2
    assert exact[1] >= high - 1e-2
    low, high = newcombe(k1, n1, k2, n2)
    assert -1 <= low <= k1 / n1 - k2 / n2 <= high <= 1
    if k2:
        low, high = mover_ratio(k1, n1, k2, n2)
        assert 0 <= low <= k1 / n1 / (k2 / n2) * (1 + 1e-12)
        assert high >= k1 / n1 / (k2 / n2) * (1 - 1e-12)


@settings(max_examples=30, deadline=None)
@given(counts, counts)
def test_swapping_the_groups_mirrors_the_difference(first, second):
    there, back = newcombe(*first, *second), newcombe(*second, *first)
    np.testing.assert_allclose(there, (-back[1], -back[0]), atol=1e-12)


def test_mover_of_one_certain_quantity_is_the_other_interval():
    np.testing.assert_allclose(mover_difference((0.4, 0.3, 0.6), (0.1, 0.1, 0.1)), (0.2, 0.5))


@pytest.mark.parametrize(("n", "p"), [(20, 0.3), (50, 0.2), (200, 0.05)])
def test_wilson_covers_by_exact_enumeration(n, p):
    k = np.arange(n + 1)
    low, high = wilson(k, n)
    assert stats.binom.pmf(k, n, p)[(low <= p) & (p <= high)].sum() > 0.925
    low, high = clopper_pearson(k, n)
    assert stats.binom.pmf(k, n, p)[(low <= p) & (p <= high)].sum() >= 0.95


def test_defect_of_statsmodels_a_difference_of_ordinary_tables_has_limits():
    """Its score interval raised on 3 of 20 against 150 of 500."""
    low, high = newcombe(3, 20, 150, 500)
    assert -0.3 < float(low) < -0.15 < float(high) < 0.1
