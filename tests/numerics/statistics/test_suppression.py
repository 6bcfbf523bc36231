"""Withheld counts cannot be worked out: checked against an exact rational elimination."""

from fractions import Fraction

import numpy as np
import pytest

from explaindistill.numerics.statistics import suppression
from explaindistill.numerics.statistics.suppression import derivable, few_together, small_parts, withheld


def rank(rows):
    """Rank by exact elimination, in ten lines."""
    matrix, found = [[Fraction(int(v)) for v in row] for row in rows], 0
    for column in range(len(matrix[0]) if matrix else 0):
        pivot = next((r for r in range(found, len(matrix)) if matrix[r][column]), None)
        if pivot is None:
            continue
        matrix[found], matrix[pivot] = matrix[pivot], matrix[found]
        for r in range(len(matrix)):
            if r != found and matrix[r][column]:
                factor = matrix[r][column] / matrix[found][column]
                matrix[r] = [a - factor * b for a, b in zip(matrix[r], matrix[found], strict=True)]
        found += 1
    return found


def table(n_rows, n_columns):
    """Members of a two-way table: total, rows, columns, cells; and the family of each."""
    cells = np.eye(n_rows * n_columns)
    rows = np.repeat(np.eye(n_rows), n_columns, axis=1)
    columns = np.tile(np.eye(n_columns), n_rows)
    groups = np.vstack([np.ones((1, n_rows * n_columns)), rows, columns, cells])
    return groups, np.repeat([-1, 0, 1, 2], [1, n_rows, n_columns, n_rows * n_columns])


@pytest.mark.parametrize("seed", range(20))
def test_derivable_is_what_exact_elimination_says(seed):
    rng = np.random.default_rng(seed)
    groups, _ = table(3, 4)
    hidden = rng.random(len(groups)) < 0.5
    hidden[0] = False
    shown = groups[~hidden]
    slow = [bool(h) and rank([*shown, g]) == rank(shown) for g, h in zip(groups, hidden, strict=True)]
    assert derivable(groups, hidden).tolist() == slow


@pytest.mark.parametrize("seed", range(20))
def test_no_withheld_count_of_a_table_can_be_worked_out(seed):
    rng = np.random.default_rng(seed)
    groups, families = table(3, 4)
    cells = rng.integers(1, 60, 12)
    sizes = (groups @ cells).astype(np.int64)
    first = (sizes < 10) & (families >= 0)
    hidden = withheld(groups, sizes, families.tolist(), first)
    assert hidden[first].all()
    assert not hidden[0]
    assert not derivable(groups, hidden).any()
    assert hidden.sum() < len(groups) - 1, "it must not withhold everything"


def test_one_small_cell_of_a_two_way_table_takes_three_others_with_it():
    groups, families = table(3, 3)
    cells = np.array([[50, 41, 60], [70, 5, 80], [90, 45, 99]]).ravel()
    sizes = (groups @ cells).astype(np.int64)
    hidden = withheld(groups, sizes, families.tolist(), (sizes < 10) & (families == 2))
    assert hidden.sum() == 4
    assert hidden[families == 2].sum() == 4


@pytest.mark.parametrize("last", [[26, 25, 4], [29, 25, 6], [24, 20, 4], [25, 23, 4]])
def test_a_neighbour_of_a_neighbour_is_shown_again(last):
    """Two neighbours may be tried for one small cell, and each of them takes others with it: a rectangle will do."""
    groups, families = table(3, 5)
    cells = np.array([[37000, 22400, 6100, 7300, 1500], [37100, 22500, 6000, 7250, 1490], [160, 89, *last]]).ravel()
    sizes = (groups @ cells).astype(np.int64)
    hidden = withheld(groups, sizes, families.tolist(), (sizes < 10) & (families == 2))
    assert hidden.sum() == 4
    assert not derivable(groups, hidden).any()


def test_what_was_tried_before_is_shown_again_where_it_is_not_needed():
    groups = np.vstack([np.ones(4), np.eye(4)])
    sizes, families = np.array([200, 90, 70, 35, 5]), [-1, 0, 0, 0, 0]
    tried = np.array([False, True, True, True, False])
    assert withheld(groups, sizes, families, sizes < 10, tried).tolist() == [False, False, False, True, True]


def test_few_people_of_several_groups_follow_from_a_row_or_across_rows():
    groups, families = table(2, 3)
    cells = [[60, 4, 5], [70, 80, 90]]
    sizes = (groups @ np.ravel(cells)).astype(np.int64)
    hidden = np.zeros(len(groups), dtype=bool)
    hidden[[-5, -4, -2, -1]] = True  # the second and third column of both rows
    rows, of = few_together(groups, sizes, families, hidden, 10)
    assert (rows.tolist(), of.tolist()) == ([[0, 1, 1, 0, 0, 0]], [2])
    assert few_together(groups, sizes, families, hidden, 9)[0].shape == (0, 6)
    cells = [[4, 50, 60], [70, 90, 3], [80, 75, 85]]
    groups, families = table(3, 3)
    sizes = (groups @ np.ravel(cells)).astype(np.int64)
    hidden = np.zeros(len(groups), dtype=bool)
    hidden[[-9, -8, -5, -4, -3, -1]] = True  # 4 + 50, 90 + 3, 80 + 85: first row + second row - second column is 4 + 3
    assert few_together(groups, sizes, families, hidden, 8)[0].tolist() == [[1, 0, 0, 0, 0, 1, 0, 0, 0]]
    assert few_together(groups, sizes, families, hidden, 7)[0].shape == (0, 9)


def test_beyond_so_many_sets_only_rests_of_groups_are_looked_for(monkeypatch):
    groups, families = table(3, 3)
    cells = np.array([[4, 50, 60], [70, 2, 3], [80, 75, 85]]).ravel()
    hidden = np.zeros(len(groups), dtype=bool)
    hidden[[-9, -8, -5, -4, -3, -1]] = True
    sizes = (groups @ cells).astype(np.int64)
    both = [[0, 0, 0, 0, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 1, 0, 0, 0]]  # the rest of the second row, and 4 + 3
    assert few_together(groups, sizes, families, hidden, 8)[0].tolist() == both
    monkeypatch.setattr(suppression, "_MOST_SETS", 1)
    assert few_together(groups, sizes, families, hidden, 8)[0].tolist() == both[:1]


def test_nothing_small_withholds_nothing():
    groups, families = table(2, 2)
    assert not withheld(groups, np.full(len(groups), 50), families.tolist(), np.zeros(len(groups), bool)).any()


def test_a_family_that_is_withheld_whole_ends_the_search():
    groups = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    first = np.array([False, True, False, False, False])
    hidden = withheld(groups, np.array([20, 5, 15, 5, 15]), [-1, 0, 0, 1, 1], first)
    assert hidden.tolist() == first.tolist(), "the second family, shown, tells the first all the same"


def test_small_parts_by_hand():
    assert small_parts([60, 25, 14, 10], 10).tolist() == [False] * 4  # ten are enough
    assert small_parts([60, 25, 14, 9], 10).tolist() == [False, False, True, True]  # one alone is what the rest leave
    assert small_parts([60, 25, 9, 8], 10).tolist() == [False, False, True, True]  # 17 people, nobody is told
    assert small_parts([60, 25, 3, 4], 10).tolist() == [False, True, True, True]  # 7 together are too few
    assert small_parts([60, 25, 5, 5], 10).tolist() == [False, False, True, True]  # 10 together are enough
    assert small_parts([0, 3, 0], 10).tolist() == [False, True, False]  # nothing else is there to withhold
    assert small_parts([5, 4], 10).tolist() == [True, True]
    assert small_parts([1, 200, 0], 1).tolist() == [False] * 3
    assert small_parts(np.array([250, 250, 4], dtype=np.uint8), 10).sum() == 2
    assert small_parts(np.array([200, 200, 100, 100], dtype=np.uint8), 150).tolist() == [False, False, True, True]


def test_the_smallest_of_those_that_tell_goes_too():
    groups = np.vstack([np.ones(4), np.eye(4)])
    sizes = np.array([200, 90, 70, 35, 5])
    assert withheld(groups, sizes, [-1, 0, 0, 0, 0], sizes < 10).tolist() == [False, False, False, True, True]


def test_what_is_always_shown_stays():
    """The total tells the last part, and no number of its family is withheld for it."""
    groups = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    sizes = np.array([1, 30, 5])  # the total, said to be small, is no candidate all the same
    assert withheld(groups, sizes, [-1, 0, 0], np.array([False, False, True])).tolist() == [False, True, True]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_withheld_that_could_be_shown(seed):
    rng = np.random.default_rng(100 + seed)
    groups, families = table(3, 3)
    sizes = (groups @ rng.integers(1, 50, 9)).astype(np.int64)
    first = (sizes < 10) & (families >= 0)
    hidden = withheld(groups, sizes, families.tolist(), first)
    for group in np.flatnonzero(hidden & ~first):
        shown = hidden.copy()
        shown[group] = False
        assert derivable(groups, shown).any(), "it was withheld for nothing"


def test_a_hidden_group_of_no_cells_is_always_known():
    groups = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    assert derivable(groups, np.array([False, True, True])).tolist() == [False, True, False]
    assert derivable(groups[:2], np.array([True, False])).tolist() == [False, False]
