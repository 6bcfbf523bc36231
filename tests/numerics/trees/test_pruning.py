import itertools

import numpy as np
import pytest

from explaindistill.numerics.trees.pruning import choose, weakest_links


def random_tree(rng, n_splits=7):
    """Splits of leaves chosen at random, so that some branches are long; children come after their parent."""
    left, right = np.full(2 * n_splits + 1, -1), np.full(2 * n_splits + 1, -1)
    leaves = [0]
    for i in range(n_splits):
        node = leaves.pop(int(rng.integers(len(leaves))))
        left[node], right[node] = 2 * i + 1, 2 * i + 2
        leaves += [2 * i + 1, 2 * i + 2]
    return left, right, leaves


@pytest.mark.parametrize("seed", range(12))
def test_nested_and_each_the_best_for_some_price(seed):
    rng = np.random.default_rng(seed)
    left, right, leaves = random_tree(rng)
    feature = np.where(left >= 0, 0, -1)
    gain = np.where(feature >= 0, rng.random(15).round(2) + 0.01, 0.0)
    nested = weakest_links(gain, feature, left, right)
    assert nested[0] == frozenset(leaves)
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


def test_near_is_in_standard_errors_of_the_paired_difference():
    rng = np.random.default_rng(0)
    losses, weight = rng.random((50, 2)) + np.array([0.0, 0.1]), rng.random(50) + 0.1
    difference = losses[:, 1] - losses[:, 0]
    mean = np.average(difference, weights=weight)
    error = np.sqrt((weight**2 * (difference - mean) ** 2).sum()) / weight.sum()
    assert mean > 0
    assert choose(losses, weight, 0.99 * mean / error) == 0
    assert choose(losses, weight, 1.01 * mean / error) == 1
