"""Closed forms of Shapley values against the definition, all orders of the columns."""

from itertools import permutations

import numpy as np
import pytest

from explaindistill.numerics.explaining.shapley import (
    BoxFunction,
    LinearPart,
    boxes_shapley,
    interaction_shapley,
)

RNG = np.random.default_rng(0)


def by_orders(f, x, background, d):
    """Mean contribution of each column over every order and background row."""
    out, orders = np.zeros(d), list(permutations(range(d)))
    for b in background:
        for order in orders:
            mixed = b.copy()
            before = f(mixed)
            for j in order:
                mixed[j] = x[j]
                after = f(mixed)
                out[j] += (after - before) / len(orders) / len(background)
                before = after
    return out


@pytest.mark.parametrize("linear", [False, True])
def test_boxes_are_the_mean_over_all_orders(linear):
    X, B = RNG.normal(size=(5, 4)), RNG.normal(size=(6, 4))
    limits = {0: -0.3, 2: 0.2}

    def f(z):
        holds = all(z[j] > t for j, t in limits.items())
        return holds * (1.5 + (0.7 * z[0] - 2 * z[1] + z[3] if linear else 0))

    inside = [np.column_stack([rows[:, j] > t for j, t in limits.items()]) for rows in (X, B)]
    slopes = {0: 0.7, 1: -2.0, 3: 1.0}
    parts = tuple(LinearPart(j, X[:, [j]] * s, B[:, [j]] * s) for j, s in slopes.items()) if linear else ()
    found = boxes_shapley([BoxFunction((0, 2), *inside, np.array([1.5]), parts)], 5, 6, 4, 1)[:, :, 0]
    expected = np.array([by_orders(f, x, B, 4) for x in X])
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_pair_is_the_mean_over_both_orders():
    x, b = np.array([2.0, 3.0]), np.array([[1.0, 5.0]])
    expected = by_orders(lambda z: z[0] * z[1], x, b, 2)
    first, second = interaction_shapley(np.array([[6.0]]), np.array([[10.0]]), np.array([[3.0]]), 5.0)
    np.testing.assert_allclose([first.item(), second.item()], expected)
