import itertools

import numpy as np
import pytest

from explaindistill.numerics.pruning import choose, weakest_links


def test_nested_and_each_the_best_for_some_price():
    rng = np.random.default_rng(2)
    left, right, feature = np.full(15, -1), np.full(15, -1), np.full(15, -1)
    left[:7], right[:7], feature[:7] = np.arange(1, 14, 2), np.arange(2, 15, 2), 0
    gain = np.where(feature >= 0, rng.random(15).round(2) + 0.01, 0.0)
    nested = weakest_links(gain, feature, left, right)
    assert nested[0] == frozenset(range(7, 15))
    assert nested[-1] == frozenset({0})
    all_subtrees = list(subtrees(0, left, right))
    for small, large in itertools.pairwise(nested[::-1]):
        assert len(small) < len(large)
        assert all(any(above(leaf, node, left, right) for node in small) for leaf in large)
    for price in np.linspace(0.001, 2, 60):
        costs = [price * len(s) - drop(s, gain, left, right) for s in all_subtrees]
        best = min(price * len(s) - drop(s, gain, left, right) for s in nested)
        assert best == pytest.approx(min(costs))


def subtrees(node, left, right):
    yield frozenset({node})
    if left[node] >= 0:
        for a in subtrees(left[node], left, right):
            for b in subtrees(right[node], left, right):
                yield a | b


def above(leaf, node, left, right):
    stack = [node]
    while stack:
        at = stack.pop()
        if at == leaf:
            return True
        if left[at] >= 0:
            stack += [left[at], right[at]]
    return False


def drop(leaves, gain, left, right):
    total, stack = 0.0, [0]
    while stack:
        node = stack.pop()
        if node not in leaves:
            total += gain[node]
            stack += [left[node], right[node]]
    return total


def test_the_smallest_of_the_best():
    losses = np.array([[1.0, 1.0, 3.0], [1.0, 1.0, 0.9], [1.0, 1.0, 0.9]])
    assert choose(losses, np.ones(3), 0.0) == 1
    assert choose(losses, np.ones(3), 1.1) == 2
    assert choose(losses, np.array([1e-9, 1, 1]), 0.0) == 2
