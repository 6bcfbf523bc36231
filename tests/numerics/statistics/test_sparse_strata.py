"""Exact laws of sparse strata against enumeration, and the size of the tests."""

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy import stats

from explaindistill.numerics.statistics.hypotheses import equal_proportions, stratified
from explaindistill.numerics.statistics.sparse_strata import SparseStrata, _drawn


def test_tables_are_drawn_as_often_as_enumeration_says():
    strata = SparseStrata(np.array([1, 3, 2]), np.array([4, 4, 3]), np.array([4, 4, 5]), np.array([3, 5, 4]))
    laws = [strata._law(i, strata._tilt(6)) for i in range(3)]
    exact = {
        x: np.prod([p[k - start] for k, (start, p) in zip(x, laws, strict=True)])
        for x in product(*(range(start, start + len(p)) for start, p in laws)) if sum(x) == 6
    }  # fmt: skip
    drawn = _drawn(laws, 6)
    assert (drawn.sum(axis=1) == 6).all()
    for x, p in exact.items():
        share = float((drawn == x).all(axis=1).mean())
        assert share == pytest.approx(p / sum(exact.values()), abs=0.04)


def test_no_effect_is_fishers_test_in_one_stratum():
    strata = SparseStrata(*(np.array([v]) for v in (3, 10, 10, 12)))
    assert strata.no_effect() == pytest.approx(stats.fisher_exact([[3, 7], [9, 1]])[1])


def test_size_in_strata_of_two_and_two():
    """The chi-square law rejected 66 of 100."""
    rng, rejected, every = np.random.default_rng(0), 0, np.full(60, 2)
    for _ in range(40):
        p = rng.uniform(0.2, 0.8, 60)
        found = stratified(rng.binomial(2, p), every, rng.binomial(2, p), every)
        rejected += found.homogeneity < 0.05
    assert rejected <= 6


def test_large_strata_keep_the_chi_square_law(monkeypatch):
    def refuse(self):
        raise AssertionError("drawn")

    monkeypatch.setattr(SparseStrata, "homogeneity", refuse)
    assert stratified([40, 60], [100, 100], [50, 50], [100, 100]).homogeneity < 0.05
    with pytest.raises(AssertionError, match="drawn"):
        stratified([4, 60], [10, 100], [5, 50], [10, 100])


def test_sparse_groups_are_drawn_without_a_generator_too():
    x, p = equal_proportions([3, 0], [4, 4])
    assert p != pytest.approx(stats.chi2.sf(x, 1))
    assert p == equal_proportions([3, 0], [4, 4])[1]


def exact_homogeneity(strata):
    """Conditional p-value by enumeration of every table with the same margins and the same sum."""
    top, tilt = int(strata.first.sum()), strata._tilt(int(strata.first.sum()))
    ranges, laws = [], []
    for n1, n2, m in zip(strata.n1, strata.n2, strata.successes, strict=True):
        x = np.arange(max(0, m - n2), min(n1, m) + 1)
        p = np.array([comb(n1, k) * comb(n2, m - k) * np.exp(tilt * k) for k in x.tolist()])
        ranges.append(x)
        laws.append(p / p.sum())
    mean = np.array([x @ p for x, p in zip(ranges, laws, strict=True)])
    assert mean.sum() == pytest.approx(top)
    spread = np.array([(x - m) ** 2 @ p for x, p, m in zip(ranges, laws, mean, strict=True)])
    observed = ((strata.first - mean) ** 2 / spread).sum()
    chance = {True: 0.0, False: 0.0}
    for table in product(*(range(len(x)) for x in ranges)):
        counts = np.array([x[i] for x, i in zip(ranges, table, strict=True)])
        if counts.sum() == top:
            far = ((counts - mean) ** 2 / spread).sum() >= observed * (1 - 1e-9)
            chance[bool(far)] += np.prod([p[i] for p, i in zip(laws, table, strict=True)])
    return chance[True] / (chance[True] + chance[False])


@pytest.mark.parametrize(
    "strata",
    [
        ([1, 3, 2], [4, 4, 3], [4, 4, 5], [3, 5, 4]),
        ([2, 0, 1, 2], [2, 3, 4, 2], [5, 2, 3, 4], [2, 1, 3, 4]),
        ([0, 4], [5, 6], [7, 6], [4, 5]),
    ],
)
def test_homogeneity_is_enumerations(strata):
    strata = SparseStrata(*map(np.array, strata))
    exact = exact_homogeneity(strata)
    assert strata.homogeneity() == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 2000) + 1e-3)


def test_no_effect_of_several_strata_is_enumerations():
    strata = SparseStrata(np.array([1, 3, 2]), np.array([4, 4, 3]), np.array([4, 5, 5]), np.array([3, 5, 4]))
    law = np.ones(1)
    for n1, n2, m in ((4, 4, 3), (4, 5, 5), (3, 5, 4)):
        law = np.convolve(law, stats.hypergeom.pmf(np.arange(0, n1 + 1), n1 + n2, m, n1))
    observed = law[6]
    assert strata.no_effect() == pytest.approx(law[law <= observed * (1 + 1e-9)].sum())


def test_tables_as_far_as_the_margins_allow_say_nothing_about_odds():
    for first in ([0, 0], [2, 3]):
        assert np.isnan(SparseStrata(np.array(first), *np.array([[4, 5], [4, 5], [2, 3]])).homogeneity())
    inside = SparseStrata(np.array([0, 1]), *np.array([[4, 5], [4, 5], [2, 3]]))
    assert inside.homogeneity() > 0.2


def test_the_common_odds_ratio_is_found_exactly():
    """One stratum of 1 + 1 rows with one success: the expected count is e^t / (1 + e^t)."""
    strata = SparseStrata(np.array([1] * 3 + [0]), *np.ones((3, 4), dtype=int))
    assert strata._tilt(3) == pytest.approx(np.log(3), abs=1e-9)
    assert strata._tilt(4) is None
    assert strata._tilt(0) is None
    start, law = strata._law(0, np.log(3))
    assert (start, law.tolist()) == (0, pytest.approx([0.25, 0.75]))


def test_negligible_counts_of_large_strata_are_left_out():
    strata = SparseStrata(*(np.array([v]) for v in (2_000, 5_000, 5_000, 4_000)))
    start, law = strata._law(0, 0.0)
    assert 1500 < start < 2000 < start + len(law) < 2500
    exact = stats.hypergeom.pmf(np.arange(start, start + len(law)), 10_000, 4_000, 5_000)
    np.testing.assert_allclose(law, exact, rtol=1e-7)
    assert law.sum() == pytest.approx(1)
    assert strata.no_effect() == pytest.approx(1)


@pytest.mark.parametrize(
    ("table", "drawn"),
    [  # first of 2 strata: the four fitted cells are about the counts, each in turn below five
        ((50, 100, 50, 100), False),
        ((4, 100, 8, 100), True),
        ((96, 100, 92, 100), True),
        ((30, 100, 4, 100), True),
        ((70, 100, 96, 100), True),
    ],
)
def test_each_fitted_cell_must_hold_five(monkeypatch, table, drawn):
    monkeypatch.setattr(SparseStrata, "homogeneity", lambda self: 2.0)
    first, n1, second, n2 = table
    # the second stratum has the same odds ratio as the first, so that the fitted cells are the counts
    found = stratified([first, 10 * first], [n1, 10 * n1], [second, 10 * second], [n2, 10 * n2]).homogeneity
    assert (found == 2) == drawn
    if not drawn:
        assert found == pytest.approx(1)
