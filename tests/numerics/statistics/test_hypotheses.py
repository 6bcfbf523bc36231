"""Tests of hypotheses against scipy, published tables, slow twins and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.hypotheses import (
    benjamini_hochberg,
    detectable_difference,
    equal_proportions,
    fisher,
    holm,
    mcnemar,
    power_of_difference,
    rows_needed,
    stratified,
)

# Tobacco smoking and lung cancer in eight Chinese cities, Agresti (2002), table 6.6
CITIES = np.array([
    [126, 226, 35, 96], [908, 1596, 497, 1304], [913, 1660, 336, 934], [235, 407, 58, 179], [402, 710, 121, 336],
    [182, 338, 72, 170], [60, 159, 11, 54], [104, 193, 21, 57],
]).T  # fmt: skip


@pytest.mark.parametrize("table", [(3, 10, 9, 10), (0, 5, 0, 7), (8, 8, 1, 9), (50, 200, 70, 210), (5, 5, 5, 5)])
def test_fisher_is_scipys(table):
    k1, n1, k2, n2 = table
    assert fisher(*table) == pytest.approx(stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue, abs=1e-12)
    assert fisher(*table, mid=True) <= fisher(*table)


def test_fisher_of_large_groups():
    k1, n1, k2, n2 = 4100, 20_000, 4380, 21_000
    seen = stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue
    assert fisher(k1, n1, k2, n2) == pytest.approx(seen, rel=1e-7)
    assert 0 <= fisher(100, 20_000, 15_000, 20_000) < 1e-300


def test_fisher_without_rows():
    assert np.isnan(fisher(0, 0, 1, 2))


def test_mcnemar_is_a_binomial_test():
    for gained, lost in ((3, 9), (0, 1), (7, 7)):
        assert mcnemar(gained, lost) == pytest.approx(stats.binomtest(gained, gained + lost).pvalue)


def test_many_groups_are_scipys_chi_square():
    k, n = np.array([30, 50, 40]), np.array([100, 120, 90])
    expected = stats.chi2_contingency(np.array([k, n - k]), correction=False)
    assert equal_proportions(k, n) == pytest.approx((expected.statistic, expected.pvalue))


def test_few_rows_draw_tables_and_two_groups_reach_fisher():
    rng = np.random.default_rng(0)
    _, p = equal_proportions([1, 6], [8, 8], rng=rng, n_draws=40_000)
    assert p == pytest.approx(stats.fisher_exact([[1, 7], [6, 2]]).pvalue, abs=0.01)


def test_degenerate_families():
    assert np.isnan(equal_proportions([1], [3])).all()
    assert equal_proportions([0, 0], [3, 4]) == (0.0, 1.0)
    assert equal_proportions([3, 4, 0], [3, 4, 0]) == (0.0, 1.0)


def cmh_twin(a, n1, c, n2):
    """Formula of the statistic: squared sum of deviations over the hypergeometric variances."""
    deviation = variance = up = down = 0.0
    for x, rows, y, others in zip(a, n1, c, n2, strict=True):
        n, m = rows + others, x + y
        deviation += x - rows * m / n
        variance += rows * others * m * (n - m) / (n**2 * (n - 1))
        up, down = up + x * (others - y) / n, down + (rows - x) * y / n
    return up / down, stats.chi2.sf(deviation**2 / variance, 1)


def test_eight_cities():
    """Agresti: common odds ratio 2.17, 95 % interval (1.98, 2.38), Breslow–Day 5.2 on 7 degrees of freedom."""
    a, n1, c, n2 = CITIES
    found = stratified(a, n1, c, n2)
    odds, p = cmh_twin(a, n1, c, n2)
    assert found.odds_ratio == pytest.approx(odds)
    assert found.p_value == pytest.approx(p)
    assert (round(found.odds_ratio, 2), round(found.low, 2), round(found.high, 2)) == (2.17, 1.98, 2.38)
    assert found.homogeneity == pytest.approx(stats.chi2.sf(5.2, 7), abs=0.01)


def test_one_stratum_is_a_table():
    found = stratified([30], [100], [50], [100])
    assert found.odds_ratio == pytest.approx(30 * 50 / (70 * 50))
    assert found.difference == pytest.approx(-0.2)
    assert np.isnan(found.homogeneity)


def test_strata_that_disagree_are_found():
    assert stratified([80, 20], [100, 100], [20, 80], [100, 100]).homogeneity < 1e-10


def test_common_difference_covers_and_strata_without_one_group_say_nothing():
    rng, hits = np.random.default_rng(1), 0
    n1, n2, base = np.array([40, 60, 30, 9]), np.array([50, 30, 40, 0]), np.array([0.2, 0.5, 0.7, 0.3])
    for _ in range(600):
        found = stratified(rng.binomial(n1, base + 0.1), n1, rng.binomial(n2, base), n2)
        hits += found.difference_low <= 0.1 <= found.difference_high
    assert hits / 600 == pytest.approx(0.95, abs=0.03)
    assert np.isnan(stratified([1], [2], [0], [0]).odds_ratio)
    assert np.isnan(stratified([0], [5], [0], [5]).p_value)


def bh_twin(p):
    """Smallest level at which Benjamini and Hochberg's step-up rule rejects each hypothesis."""
    m = len(p)
    return [min([1.0] + [q * m / sum(r <= q for r in p) for q in p if q >= own]) for own in p]


def holm_twin(p):
    m = len(p)
    return [min(1.0, max(q * (m - sum(r < q for r in p)) for q in p if q <= own)) for own in p]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12, unique=True))
def test_defect_of_giskard_ranks_are_not_argsort(p):
    np.testing.assert_allclose(benjamini_hochberg(p), bh_twin(p))
    np.testing.assert_allclose(holm(p), holm_twin(p))
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))
    assert (holm(p) >= benjamini_hochberg(p) - 1e-12).all()


def test_undefined_tests_do_not_count():
    np.testing.assert_allclose(holm([0.02, np.nan, 0.04]), [0.04, np.nan, 0.04])
    with pytest.raises(InvalidInputError, match="p-values must lie between"):
        benjamini_hochberg([1.2])


def test_power_against_simulation():
    rng = np.random.default_rng(2)
    k1, k2 = rng.binomial(200, 0.4, 20_000), rng.binomial(300, 0.5, 20_000)
    pooled = (k1 + k2) / 500
    z = (k1 / 200 - k2 / 300) / np.sqrt(pooled * (1 - pooled) * (1 / 200 + 1 / 300))
    assert power_of_difference(0.4, 0.5, 200, 300) == pytest.approx((np.abs(z) > 1.96).mean(), abs=0.02)


def test_power_of_certain_groups_and_sizes():
    assert power_of_difference(0.0, 1.0, 10, 10) == 1.0
    assert power_of_difference(0.0, 0.0, 10, 10) == 0.0
    gone = detectable_difference(0.5, 400, 200)
    assert power_of_difference(0.5 - gone, 0.5, 400, 200) == pytest.approx(0.8)
    assert np.isnan(detectable_difference(0.05, 10, 10))
    assert np.isnan(detectable_difference(0.5, 0, 10))


def test_rows_needed():
    n = rows_needed(0.4, 0.5, ratio=2)
    assert power_of_difference(0.4, 0.5, n, 2 * n) >= 0.8 > power_of_difference(0.4, 0.5, n - 2, 2 * (n - 2))
    assert rows_needed(0.3, 0.3) == np.inf
    assert rows_needed(0.0, 1.0, power=0.01) == 2


def test_interval_of_the_common_odds_ratio_is_robins_breslow_greenlands():
    """Sum by sum, and Sato's limits of the common difference."""
    z, rows = stats.norm.ppf(0.95), [(3, 40, 9, 50), (12, 30, 20, 35), (30, 90, 35, 60)]
    pr = ps_qr = qs = sum_r = sum_s = gap = weight = p_sum = q_sum = 0.0
    for a, n1, c, n2 in rows:
        b, d, n = n1 - a, n2 - c, n1 + n2
        r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
        sum_r, sum_s = sum_r + r, sum_s + s
        pr, ps_qr, qs = pr + p * r, ps_qr + p * s + q * r, qs + q * s
        gap, weight = gap + (a * n2 - c * n1) / n, weight + n1 * n2 / n
        p_sum += (n1**2 * c - n2**2 * a + n1 * n2 * (n2 - n1) / 2) / n**2
        q_sum += (a * (n2 - c) + c * (n1 - a)) / (2 * n)
    variance = pr / (2 * sum_r**2) + ps_qr / (2 * sum_r * sum_s) + qs / (2 * sum_s**2)
    found = stratified(*np.array(rows).T, level=0.9)
    ends = np.log(sum_r / sum_s) + np.array([-1, 1]) * z * np.sqrt(variance)
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(ends)))
    half = z * np.sqrt(gap / weight * p_sum + q_sum) / weight
    assert (found.difference_low, found.difference_high) == pytest.approx((gap / weight - half, gap / weight + half))


def test_homogeneity_is_breslow_days_with_tarones_correction():
    rows = [(30, 90, 60, 120), (50, 100, 40, 110), (45, 80, 50, 130)]
    odds = stratified(*np.array(rows).T).odds_ratio
    square = off = spread = 0.0
    for a, n1, c, n2 in rows:
        m = a + c
        # the first cell at the common odds ratio is the root of the quadratic that is a table
        roots = np.roots([1 - odds, n2 - m + odds * (n1 + m), -odds * n1 * m])
        x = next(r for r in roots.real if max(0, m - n2) < r < min(n1, m))
        v = 1 / (1 / x + 1 / (n1 - x) + 1 / (m - x) + 1 / (n2 - m + x))
        square, off, spread = square + (a - x) ** 2 / v, off + a - x, spread + v
    assert stratified(*np.array(rows).T).homogeneity == pytest.approx(stats.chi2.sf(square - off**2 / spread, 2))


def test_strata_that_say_nothing_change_nothing():
    found = stratified(*CITIES)
    lacking = [[0, 0, 7, 0], [0, 0, 9, 0], [4, 3, 0, 0], [9, 9, 0, 0]]  # of one group, or of none, no rows
    assert vars(stratified(*np.hstack([CITIES, lacking]))) == pytest.approx(vars(found))
    alike = [[0, 9], [20, 9], [0, 30], [30, 30]]  # one outcome only: nothing about odds
    with_alike = stratified(*np.hstack([CITIES, alike]))
    assert with_alike.odds_ratio == pytest.approx(found.odds_ratio)
    assert with_alike.homogeneity == pytest.approx(found.homogeneity)
    alone = stratified([5, 0], [20, 20], [10, 0], [20, 20])
    assert np.isnan(alone.homogeneity)
    assert np.isfinite(alone.odds_ratio)
    assert np.isnan(list(vars(stratified([1, 2], [4, 4], [0, 0], [0, 0])).values())).all()


def test_where_one_side_never_succeeds_the_odds_have_no_upper_end():
    never = stratified([3, 4], [40, 40], [0, 0], [40, 40])
    assert never.odds_ratio == np.inf
    assert np.isnan(never.homogeneity)
    assert 0 < never.p_value < 0.05
    assert stratified([0, 0], [40, 40], [3, 4], [40, 40]).odds_ratio == 0


def test_few_events_are_tested_by_the_exact_law():
    """Mantel and Fleiss: the sum could be at most 4.9 above its expectation, so that no chi-square law holds."""
    few = stratified([3], [100], [0], [100])
    assert few.p_value == pytest.approx(stats.fisher_exact([[3, 97], [0, 100]])[1])
    many = stratified([15], [100], [5], [100])
    deviation, variance = 5.0, 100 * 100 * 20 * 180 / (200**2 * 199)
    assert many.p_value == pytest.approx(stats.chi2.sf(deviation**2 / variance, 1))
    # ten events in all: as many as 5 more, and as 5 less, than expected are possible
    ten = stratified([8], [100], [2], [100])
    assert ten.p_value == pytest.approx(stats.chi2.sf(9 / (100 * 100 * 10 * 190 / (200**2 * 199)), 1))


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_narrow_types_lose_nothing(kind):
    k, n = np.array([[30, 70], [90, 200]]), np.array([[200, 201], [220, 254]])
    tables = k[0], n[0], k[1], n[1]
    narrow = stratified(*(np.array(x, dtype=kind) for x in tables))
    assert vars(narrow) == pytest.approx(vars(stratified(*tables)), rel=1e-13)
    assert equal_proportions(k[0].astype(kind), n[0].astype(kind)) == pytest.approx(
        equal_proportions(k[0], n[0]), rel=1e-13
    )
    p = np.array([0.5, 0.25, 0.125], dtype=np.float32)
    np.testing.assert_allclose(holm(p), [0.5, 0.5, 0.375], rtol=1e-15)
    assert holm(p).dtype == benjamini_hochberg(p).dtype == np.float64


def test_drawn_tables_count_the_one_seen():
    """Five and five rows with five successes: of 252 tables two are as far apart as 5 to 0."""
    statistic, p = equal_proportions([5, 0], [5, 5], n_draws=50_000)
    assert statistic == pytest.approx(10)
    assert p == pytest.approx(2 / 252, abs=0.002)
    _, least = equal_proportions([60, 0], [60, 4], n_draws=99)
    assert least == 1 / 100


def test_chi_square_law_from_five_expected():
    for n in (10, 9):  # of 10 rows in each group half are expected: five, and the law is used; of 9 it is not
        k = np.array([7, 3]) if n == 10 else np.array([6, 3])
        x, p = equal_proportions(k, [n, n])
        assert (p == pytest.approx(stats.chi2.sf(x, 1))) == (n == 10)


def test_no_group_or_one_with_rows_is_no_family():
    assert np.isnan(equal_proportions([], [])).all()
    assert np.isnan(equal_proportions([3, 0], [7, 0])).all()


def test_fisher_by_hand():
    """Margins 2 + 2 and 2: tables have 1, 4 and 1 sixths."""
    assert fisher(2, 2, 0, 2) == pytest.approx(1 / 3)
    assert fisher(2, 2, 0, 2, mid=True) == pytest.approx(1 / 6)
    assert fisher(1, 2, 1, 2) == 1
    assert fisher(1, 2, 1, 2, mid=True) == pytest.approx(1 / 3 + 2 / 6)
    assert np.isnan(fisher(1, 2, 0, 0))


def test_mcnemar_never_exceeds_one_and_sides_are_alike():
    assert mcnemar(4, 4) == 1
    assert mcnemar(2, 7) == mcnemar(7, 2) == pytest.approx(2 * stats.binom.cdf(2, 9, 0.5))
    assert mcnemar(0, 0) == 1


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_power_by_formula_at_another_level(level):
    p1, p2, n1, n2, z = 0.3, 0.45, 120, 260, stats.norm.ppf(0.5 + level / 2)
    pooled = (n1 * p1 + n2 * p2) / (n1 + n2)
    null = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    spread = np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    power = stats.norm.sf((z * null - 0.15) / spread) + stats.norm.cdf((-0.15 - z * null) / spread)
    assert power_of_difference(p1, p2, n1, n2, level) == pytest.approx(power)
    gone = detectable_difference(0.5, 400, 300, power=0.7, level=level)
    assert power_of_difference(0.5 - gone, 0.5, 400, 300, level) == pytest.approx(0.7)
    n = rows_needed(0.4, 0.5, ratio=0.5, power=0.7, level=level)
    assert (
        power_of_difference(0.4, 0.5, n, n / 2, level) >= 0.7 > power_of_difference(0.4, 0.5, n - 1, (n - 1) / 2, level)
    )


def test_a_drop_to_nothing_that_is_not_found_is_no_detectable_difference():
    assert power_of_difference(0.0, 0.2, 40, 40, 0.999) < 0.8 < power_of_difference(0.0, 0.2, 40, 40)
    assert np.isnan(detectable_difference(0.2, 40, 40, level=0.999))
    assert 0.15 < detectable_difference(0.2, 40, 40) < 0.2
    assert np.isnan(detectable_difference(0.5, 10, 0))
    # one row is enough where all of it changes sides: a drop of more than 1.96 standard deviations of 0.3
    assert 0.588 < detectable_difference(0.9, 1, 1e9) < 0.9
    assert 0.4 < detectable_difference(0.5, 1e9, 1) < 0.5


def test_rows_needed_of_a_ratio_that_is_none():
    assert rows_needed(0.4, 0.5, ratio=0) == np.inf
    assert rows_needed(0.1, 0.9, power=0.9) == next(
        n for n in range(1, 99) if power_of_difference(0.1, 0.9, n, n) >= 0.9
    )


def test_adjusted_p_values_at_the_ends():
    np.testing.assert_allclose(holm([0.6, 0.7]), [1, 1])
    np.testing.assert_allclose(benjamini_hochberg([0.6, 1.0]), [1, 1])
    np.testing.assert_allclose(benjamini_hochberg([0.02, 0.02, np.nan]), [0.02, 0.02, np.nan])
    assert holm([0.0, 1.0]).tolist() == [0, 1]
    for bad in ([1.2, 0.3], [-0.1], [np.nan, 2.0]):
        with pytest.raises(InvalidInputError, match=r"^p-values must lie between 0 and 1$"):
            holm(bad)
