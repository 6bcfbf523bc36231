"""Roundings that a student's numbers survive."""

from __future__ import annotations

import numpy as np

from explaindistill.students._changed import on_grid, simplex, simplex_on_grid


def test_a_constant_is_its_own_grid() -> None:
    assert on_grid(np.full(3, 2.0), 4).tolist() == [2.0] * 3
    assert on_grid(np.empty(0), 4).tolist() == []


def test_probabilities_still_sum_to_one() -> None:
    P = np.random.default_rng(0).dirichlet(np.ones(5), 200)
    for rounded in (simplex(P, 2), simplex_on_grid(P, 4)):
        np.testing.assert_allclose(rounded.sum(axis=1), 1, atol=1e-12)
        assert np.abs(rounded - P).max() < 0.25
