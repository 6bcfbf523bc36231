"""The search against exhaustive twins."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from explaindistill.numerics.linear import scorecard as sc


def problem(p: int = 6, n: int = 300, seed: int = 0) -> sc.Patterns:
    rng = np.random.default_rng(seed)
    B = (rng.random((n, p)) < 0.4).astype(float)
    q = expit(B @ rng.normal(size=p) - 0.3)
    return sc.unique_rows(B, 1 - q, q)


def test_beam_and_swaps_find_the_best_support() -> None:
    patterns = problem()
    found = sc.swaps(patterns, sc.beam(patterns, 3, 4), 4)
    losses = {s: sc.refit(patterns, s, np.zeros(4)).loss for s in combinations(range(6), 3)}
    best = min(losses, key=lambda s: losses[s])
    assert found[0].support == best
    assert found[0].loss == pytest.approx(losses[best], abs=1e-9)


def test_gains_are_falls_of_the_loss_to_second_order() -> None:
    patterns = problem()
    state = sc.refit(patterns, (1,), np.zeros(2))
    gain = sc.gains(patterns, state)
    true = [state.loss - sc.refit(patterns, tuple(sorted((1, j))), np.zeros(3)).loss for j in (0, 2, 3, 4, 5)]
    np.testing.assert_allclose(gain[[0, 2, 3, 4, 5]], true, rtol=0.3, atol=1e-4)
    assert gain[1] == -np.inf


def test_integer_points_are_the_best_of_all() -> None:
    patterns = problem()
    state = sc.refit(patterns, (0, 2, 4), np.zeros(4))
    card = min(sc.integer_cards(patterns, state, -2, 2, 7), key=lambda c: c.loss)
    small = patterns.columns(state.support)
    losses = []
    for z in product(range(-2, 3), repeat=3):
        total = small.B @ np.array(z, dtype=float) + 10
        n0 = np.bincount(total.astype(int), weights=small.negative, minlength=21)
        n1 = np.bincount(total.astype(int), weights=small.positive, minlength=21)
        losses.append(sc.fit_totals(n0, n1, -10, 0.0, 0.1)[2])
    assert card.loss <= min(losses) + 1e-7


def test_kernels_are_their_python_twins() -> None:
    patterns = problem().columns((0, 2, 4))
    B = np.ascontiguousarray(patterns.B.T)
    fast, slow = np.array([1, -1, 2]), np.array([1, -1, 2])
    a = sc.descend(B, patterns.negative, patterns.positive, fast, -3, 3, 0.0, 0.5)
    b = sc.descend.py_func(B, patterns.negative, patterns.positive, slow, -3, 3, 0.0, 0.5)
    np.testing.assert_allclose(a, b, atol=1e-12)
    assert fast.tolist() == slow.tolist()
    n0, n1 = np.array([0.2, 0.0, 0.3]), np.array([0.1, 0.0, 0.4])
    for start in ((0.0, 0.5), (30.0, -30.0)):
        np.testing.assert_allclose(
            sc.fit_totals.py_func(n0, n1, 0, *start), sc.fit_totals(n0, n1, 0, *start), atol=1e-12
        )
    out = np.zeros(3), np.zeros(3)
    sc.by_total.py_func(np.array([0.0, 1.0]), np.ones(2), np.zeros(2), *out, np.array([1.0, 1.0]), 1, 0)
    assert out[0].tolist() == [0, 1, 1]


def test_two_parameters_follow_the_likelihood() -> None:
    total = np.arange(-3, 4)
    q = expit(0.7 * total + 0.4)
    offset, slope, loss = sc.fit_totals((1 - q) / 7, q / 7, -3, 0.0, 0.0)
    assert (offset, slope) == (pytest.approx(0.4, abs=1e-4), pytest.approx(0.7, abs=1e-4))
    assert loss == pytest.approx(float(-(q * np.log(q) + (1 - q) * np.log(1 - q)).mean()), abs=1e-6)


def test_merged_rows_keep_weights_and_order_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    B, a, b = rng.integers(0, 2, (200, 3)).astype(float), rng.random(200), rng.random(200)
    merged = sc.unique_rows(B, a, b)
    order = rng.permutation(200)
    other = sc.unique_rows(B[order], a[order], b[order])
    np.testing.assert_array_equal(merged.B, other.B)
    np.testing.assert_allclose(merged.positive, other.positive)
    assert len(merged.B) == 8
    assert merged.weight.sum() == pytest.approx(1)


def test_all_columns_used_up_and_no_columns() -> None:
    patterns = problem(p=2)
    assert sc.search(patterns, 5, -5, 5).support == (0, 1)
    empty = sc.unique_rows(np.empty((4, 0)), np.ones(4), np.ones(4))
    card = sc.search(empty, 3, -5, 5)
    assert card.support == ()
    assert card.loss == pytest.approx(np.log(2))
    assert sc.unique_columns(np.empty((3, 0))).tolist() == []


def test_equal_and_nearly_collinear_columns_do_not_break_the_search() -> None:
    rng = np.random.default_rng(0)
    B = rng.integers(0, 2, (100, 3)).astype(float)
    B = np.column_stack([B, B[:, 0], np.where(np.arange(100) == 7, 1 - B[:, 1], B[:, 1])])
    y = rng.random(100) < expit(2 * B[:, 0] - 1)
    card = sc.search(sc.unique_rows(B, 1.0 - y, 1.0 * y), 5, -5, 5)
    assert np.isfinite(card.loss)


def test_ranking_is_the_area_under_the_curve() -> None:
    rng = np.random.default_rng(0)
    total = rng.integers(0, 6, 200)
    y = rng.random(200) < expit(total - 2.5)
    n0, n1 = (np.bincount(total[y == side], minlength=6).astype(float) for side in (False, True))
    for ranking in (sc.ranking, sc.ranking.py_func):
        assert ranking(n0, n1) == pytest.approx(roc_auc_score(y, total))
        assert ranking(n0, np.zeros(6)) == 0.5


def test_a_card_whose_points_count_against_the_class_ranks_as_well() -> None:
    B = np.repeat([[0.0], [1.0]], 50, axis=0)
    patterns = sc.unique_rows(B, np.r_[np.full(50, 0.2), np.full(50, 0.8)], np.r_[np.full(50, 0.8), np.full(50, 0.2)])
    cards = sc.integer_cards(patterns, sc.refit(patterns, (0,), np.zeros(2)), 0, 3, 3)
    falling = [card for card in cards if card.slope < 0 and card.points[0] > 0]
    assert falling
    assert all(card.auc == pytest.approx(0.8) for card in falling)


def test_the_prior_counts_rows_and_a_part_of_the_columns_keeps_it() -> None:
    few, many = problem(n=100), problem(n=10_000)
    assert few.ridge == pytest.approx(sc.PRIOR / 100)
    assert many.ridge == pytest.approx(sc.PRIOR / 10_000)
    assert few.columns((0, 1)).ridge == few.ridge
    B = np.zeros((500, 1))
    B[:2] = 1.0
    y = np.r_[np.ones(2), np.tile([0.0, 1.0], 249)]
    rare = sc.unique_rows(B, 1 - y, y)  # two rows, both of one class: a likelihood without a prior says infinity
    assert abs(sc.refit(rare, (0,), np.zeros(2)).theta[1]) < 2


def test_a_column_that_adds_nothing_gains_nothing() -> None:
    patterns = problem(p=3)
    more = sc.unique_rows(np.column_stack([patterns.B, np.ones(len(patterns.B))]), patterns.negative, patterns.positive)
    gain = sc.gains(more, sc.refit(more, (0,), np.zeros(2)))
    assert gain[[0, 3]].tolist() == [-np.inf, -np.inf]
    assert (gain[[1, 2]] >= 0).all()


def test_of_cards_about_as_good_the_one_that_ranks_best_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [(0.5, 0.7), (0.501, 0.8), (0.6, 0.9)]

    def cards(_patterns: sc.Patterns, state: sc.SupportFit, *_: int) -> list[sc.IntegerCard]:
        z = np.ones(len(state.support), dtype=np.int64)
        found = told if state.support else [(0.7, 0.5)]
        return [sc.IntegerCard(state.support, z, 0.0, 1.0, loss, auc) for loss, auc in found]

    monkeypatch.setattr(sc, "integer_cards", cards)
    for tolerance, auc in ((0.0, 0.7), (0.01, 0.8), (0.4, 0.8), (0.6, 0.9)):
        assert sc.search(problem(), 2, -2, 2, 4, tolerance=tolerance).auc == auc


def test_swaps_find_what_a_greedy_beam_of_one_misses() -> None:
    rng = np.random.default_rng(0)
    B = rng.integers(0, 2, (2000, 4)).astype(float)
    B[:, 0] = B[:, 1:].sum(axis=1) >= 2
    p = expit(2.0 * B[:, 1:].sum(axis=1) - 3.0)
    patterns = sc.unique_rows(B, 1 - p, p)
    (greedy,) = sc.beam(patterns, 3, 1)
    assert 0 in greedy.support
    assert sc.search(patterns, 3, -5, 5, width=1, tolerance=0.0).support == (1, 2, 3)


def test_no_single_point_can_still_be_moved_for_a_smaller_loss() -> None:
    rng = np.random.default_rng(1)
    B = rng.integers(0, 2, (6, 64)).astype(float)
    p = expit(B.T @ np.array([2.0, -1.3, 0.7, 1.6, -0.4, 0.9]) - 1.0)
    w0, w1 = (1 - p) / 64, p / 64
    z = np.array([-3, 5, -2, 0, 4, 1], dtype=np.int64)
    offset, slope, best = sc.descend(B, w0, w1, z, -5, 5, 0.0, 1.0)
    for j in range(6):
        for value in range(-5, 6):
            other = z.copy()
            other[j] = value
            n0, n1 = (np.bincount((other @ B).astype(int) + 30, w, 61) for w in (w0, w1))
            assert sc.fit_totals(n0, n1, -30, offset, slope)[2] >= best - 1e-9
