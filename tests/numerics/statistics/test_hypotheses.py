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
