"""Exact laws of sparse strata against enumeration, and the size of the tests."""

from itertools import product

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
