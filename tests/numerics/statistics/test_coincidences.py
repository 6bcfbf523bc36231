"""Equal rows against slow twins, and what chance makes of them against populations whose answer is known."""

from itertools import combinations

import numpy as np
import pytest

from explaindistill.numerics.statistics.coincidences import by_chance, chance_of_divisor, equal_pairs, marks_of


def pairs_in(rows):
    return sum((a == b).all() for a, b in combinations(rows, 2))


@pytest.mark.parametrize("seed", range(3))
def test_equal_pairs_are_those_of_the_slow_count(seed):
    rows = np.random.default_rng(seed).integers(0, 3, (80, 4))
    found = equal_pairs(marks_of(list(rows.T)).sum(axis=0))
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    assert found.pairs == pairs_in(rows)
    assert found.repeats == len(rows) - len(distinct)
    assert (found.divisor, found.n_distinct) == (np.gcd.reduce(counts), len(distinct))


def test_the_estimate_is_that_of_two_looks():
    rows = np.random.default_rng(5).integers(0, 3, (200, 3))
    missed = {}
    for first, second in combinations(range(3), 2):
        kept = [c for c in range(3) if c not in {first, second}]
        cells = {(0, 0): 0, (0, 1): 0, (1, 0): 0, (1, 1): 0}
        for a, b in combinations(rows, 2):
            if (a[kept] == b[kept]).all():
                cells[int(a[first] == b[first]), int(a[second] == b[second])] += 1
        missed[first, second] = cells[1, 0] * cells[0, 1] / cells[0, 0]
    assert by_chance(marks_of(list(rows.T))) == pytest.approx(max(missed.values()))


def test_independent_columns_make_the_equal_pairs_that_are_seen():
    """Over samples the estimate, the largest of several, is no less than what is there on average, and near it."""
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(30):
        marks = marks_of(list(rng.integers(0, 4, (5, 400))))
        ratios.append(equal_pairs(marks.sum(axis=0)).pairs / by_chance(marks))
    assert 0.8 < np.mean(ratios) <= 1.0


def test_counts_share_a_divisor_as_seldom_as_is_said():
    """Seven counts of a random table are all even, or share another divisor, in less than the bound says."""
    rng = np.random.default_rng(1)
    counts = rng.multinomial(3_000, np.full(7, 1 / 7), size=20_000)
    assert (np.gcd.reduce(counts, axis=1) >= 2).mean() < chance_of_divisor(2, 7) < 0.03
    assert chance_of_divisor(1, 50) == 1.0
