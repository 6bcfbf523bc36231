"""Cells of a column: filled with rows, inside the data, at edges that are nobody's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.numerics.explaining.cells import cell_of, round_edges


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=1, max_size=120),
    st.integers(1, 12),
    st.integers(2, 15),
)
def test_every_cell_holds_rows_enough_and_no_edge_is_an_extreme(values, n_cells, minimum):
    x = np.array(values)
    edges = round_edges(x, n_cells, minimum)
    if len(edges):
        assert (np.diff(edges) > 0).all()
        assert np.bincount(cell_of(x, edges), minlength=len(edges) - 1).min() >= minimum
        assert (x <= edges[0]).sum() >= minimum
        assert (x >= edges[-1]).sum() >= minimum
        assert x.min() <= edges[0] <= edges[-1] <= x.max()


def test_edges_are_few_digits_and_no_values_of_the_rows():
    x = np.random.default_rng(0).lognormal(10, 1, 3_000)
    edges = round_edges(x, 10, 10)
    assert len(edges) == 11
    assert not np.isin(edges, x).any()
    assert all(len(f"{edge:g}") <= 7 for edge in edges)


def test_a_minimum_of_one_shows_the_extremes():
    assert round_edges(np.array([3.25, 1.125, 9.5, 2.0, 7.0]), 2, 1).tolist() == [1.125, 3.25, 9.5]


def test_a_rare_top_joins_the_cell_beside_it():
    x = np.repeat([0.0, 1.0, 2.0, 3.0], [50, 30, 15, 5])
    assert round_edges(x, 10, 10, unit=1.0).tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("few", [0, 1])
def test_a_cell_needs_two_asked_rows(few):
    x, asked = np.arange(100.0), np.zeros(100, dtype=bool)
    asked[:few] = True
    assert round_edges(x, 4, 10, asked=asked).tolist() == []


def test_small_numbers_keep_their_size():
    edges = round_edges(np.linspace(1e-12, 3e-12, 400), 4, 10)
    assert len(edges) == 5
    assert edges[0] == pytest.approx(1.1e-12, rel=0.1)
