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
    simultaneous_level,
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


@pytest.mark.parametrize("correlation", [-0.4, 0.0, 0.6])
def test_ratio_of_correlated_quantities_solves_its_equation(correlation):
    """A limit is the ratio at which MOVER's limit of a - ratio b is 0, the errors of both being correlated."""
    (a, al, au), (b, bl, bu) = (0.3, 0.22, 0.4), (0.5, 0.43, 0.55)

    def at(theta, side):
        near, far = (a - al, bu - b) if side < 0 else (au - a, b - bl)
        variance = near**2 + (theta * far) ** 2 - 2 * correlation * near * theta * far
        return a - theta * b + side * np.sqrt(variance)

    twin = optimize.brentq(at, 0, a / b, args=(-1,)), optimize.brentq(at, a / b, 10, args=(1,))
    np.testing.assert_allclose(ratio_of_intervals((a, al, au), (b, bl, bu), correlation), twin, rtol=1e-9)


def test_difference_of_correlated_quantities_by_hand():
    first, second = (0.5, 0.4, 0.7), (0.3, 0.25, 0.4)
    low = 0.2 - np.sqrt(0.1**2 + 0.1**2 - 2 * 0.3 * 0.1 * 0.1)
    high = 0.2 + np.sqrt(0.2**2 + 0.05**2 - 2 * 0.3 * 0.2 * 0.05)
    np.testing.assert_allclose(mover_difference(first, second, 0.3), (low, high))
    # what is wholly shared cancels: no width is left, not an imaginary one
    np.testing.assert_allclose(mover_difference((0.5, 0.4, 0.6), (0.3, 0.2, 0.4), 1.0), (0.2, 0.2))


def test_one_row_and_less_than_one_have_limits():
    np.testing.assert_allclose(wilson(0.2, 0.5), wilson_twin(0.2, 0.5, 0.95), atol=1e-9)
    np.testing.assert_allclose(clopper_pearson(1, 1), (0.025, 1))
    np.testing.assert_allclose(clopper_pearson(0.0, 0.5), (0, 1 - 0.025**2))  # 1 - x is a power of 1 / n of the tail
    low, high = bonett_price(0.5, 0.0, 0.5)
    p, q = 1.5 / 2.5, 1 / 2.5
    half = 1.959963984540054 * np.sqrt((p + q - (p - q) ** 2) / 2.5)
    assert (low, high) == (max(p - q - half, -1), min(p - q + half, 1)) == (-1, 1)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.99])
def test_level_is_that_of_every_interval(level):
    """The quantile alone depends on the level: distances to the limits by hand from Wilson's."""
    p1, p2 = 0.3, 0.4
    (l1, u1), (l2, u2) = wilson_twin(30, 100, level), wilson_twin(80, 200, level)
    low, high = newcombe(30, 100, 80, 200, level)
    assert low == pytest.approx(p1 - p2 - np.hypot(p1 - l1, u2 - p2))
    assert high == pytest.approx(p1 - p2 + np.hypot(u1 - p1, p2 - l2))
    twin = ratio_of_intervals((p1, l1, u1), (p2, l2, u2))
    np.testing.assert_allclose(mover_ratio(30, 100, 80, 200, level), twin, rtol=1e-7)
    p, q, n = 5 / 102, 15 / 102, 102
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt((p + q - (p - q) ** 2) / n)
    np.testing.assert_allclose(bonett_price(4, 14, 100, level), (p - q - half, p - q + half))


def test_simultaneous_level_is_bonferronis_with_students_quantile():
    quantile = stats.t.ppf(1 - 0.1 / 6 / 2, 57)  # 4 groups, 6 pairs, 61 rows
    assert simultaneous_level(4, 61, 0.9) == pytest.approx(2 * stats.norm.cdf(quantile) - 1)
    assert simultaneous_level(2, 5) == pytest.approx(2 * stats.norm.cdf(stats.t.ppf(0.975, 3)) - 1)
    # no freedom is left of two rows of two groups: it is that of one
    assert simultaneous_level(2, 2, 0.5) == pytest.approx(2 * stats.norm.cdf(stats.t.ppf(0.75, 1)) - 1)
    assert np.isfinite(wilson(3, 9, simultaneous_level(30, 31))).all()
    with pytest.raises(InvalidInputError, match="level must lie strictly between 0 and 1, got 2"):
        simultaneous_level(2, 100, 2)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.float32])
def test_narrow_types_lose_nothing(kind):
    """What is computed in bytes wraps around, in single precision loses half of the digits."""
    one, two, three, four = (np.array(v, dtype=kind) for v in ([7, 60], [110, 125], [9, 90], [100, 127]))
    for interval in (wilson, clopper_pearson):
        np.testing.assert_allclose(interval(one, two), interval([7.0, 60.0], [110.0, 125.0]), rtol=1e-13)
    for interval in (newcombe, mover_ratio):
        wide = interval([7.0, 60.0], [110.0, 125.0], [9.0, 90.0], [100.0, 127.0])
        np.testing.assert_allclose(interval(one, two, three, four), wide, rtol=1e-13)
    np.testing.assert_allclose(bonett_price(one, three, two), bonett_price(*np.float64([one, three, two])), rtol=1e-13)
    low, high = (np.array(v, dtype=kind) for v in ([1, 40], [120, 121]))
    first, second = (one, low, high), (three, low, high)
    for interval in (mover_difference, ratio_of_intervals):
        wide = interval(np.float64(first), np.float64(second), 0.5)
        np.testing.assert_allclose(interval(first, second, np.float32(0.5)), wide, rtol=1e-13)
    np.testing.assert_allclose(mean_of_intervals(one, low, high), mean_of_intervals(*np.float64(first)), rtol=1e-13)


def test_mean_of_intervals_by_hand():
    found = mean_of_intervals([0.1, 0.5, 0.9], [0.0, 0.3, 0.7], [0.4, 0.6, 1.0])
    assert found == pytest.approx((0.5, 0.5 - np.sqrt(0.01 + 0.04 + 0.04) / 3, 0.5 + np.sqrt(0.09 + 0.01 + 0.01) / 3))


def test_ratio_with_limits_at_zero_and_undefined_sides():
    assert ratio_of_intervals((0.2, 0.1, 0.3), (0.1, 0.0, 0.3))[1] == np.inf
    assert ratio_of_intervals((0.0, 0.0, 0.3), (0.1, 0.05, 0.3))[0] == 0
    assert np.isnan(ratio_of_intervals((np.nan, 0.1, 0.3), (0.1, 0.05, 0.3))).all()
    assert np.isnan(ratio_of_intervals((0.2, 0.1, 0.3), (np.nan, 0.05, 0.3))).all()
    a, al, au, b = 0.2, 0.1, 0.3, 0.2
    low, _ = ratio_of_intervals((a, al, au), (b, 0.1, 2 * b))
    assert low == pytest.approx(al * (2 * a - al) / (2 * a * b))  # the linear equation's one root


def test_rounding_does_not_push_a_limit_below_zero():
    """Shares of 1e-17, such as weights give: centre less half width is -3e-17 for many of them."""
    k = np.geomspace(1e-19, 1e-15, 2000)
    low, high = wilson(k, 10)
    assert (low >= 0).all()
    assert (high >= k / 10).all()
    low, _ = wilson(10 - k, 10)
    assert (low <= 1).all()
