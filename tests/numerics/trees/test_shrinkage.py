import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explaindistill.numerics.trees.shrinkage import (
    best_strength,
    cross_entropy,
    shrunk,
    unshrunk,
)

SHAPE = np.array([0, 1, -1, -1, -1]), np.array([1, 3, -1, -1, -1]), np.array([2, 4, -1, -1, -1])


@given(st.floats(0, 100), st.lists(st.floats(0.5, 50), min_size=3, max_size=3), st.integers(0, 9))
def test_means_come_back_from_shrunk_values(strength, leaves, seed):
    total = np.array([sum(leaves), leaves[0] + leaves[1], leaves[2], leaves[0], leaves[1]])
    mean = np.random.default_rng(seed).random((5, 2))
    pulled = shrunk(mean, total, *SHAPE, strength)
    assert pulled[0] == pytest.approx(mean[0])
    assert pulled[3] == pytest.approx(
        mean[0] + (mean[1] - mean[0]) / (1 + strength / total[0]) + (mean[3] - mean[1]) / (1 + strength / total[1])
    )
    np.testing.assert_allclose(unshrunk(pulled, total, *SHAPE, strength), mean, atol=1e-9)


def test_the_mean_of_all_rows_stays():
    leaves, total = np.array([3.0, 5.0, 2.0]), np.array([10.0, 8.0, 2.0, 3.0, 5.0])
    ends = np.array([[0.9], [0.1], [0.4]])
    inner = (3 * ends[0] + 5 * ends[1]) / 8
    mean = np.array([(8 * inner + 2 * ends[2]) / 10, inner, ends[2], ends[0], ends[1]])
    pulled = shrunk(mean, total, *SHAPE, 7.0)
    assert leaves @ pulled[[3, 4, 2]] / 10 == pytest.approx(mean[0])


def test_cross_entropy_is_the_sum_over_classes():
    P, Q = np.random.default_rng(0).dirichlet(np.ones(3), (2, 20))
    Q = np.maximum(Q, 1e-3)
    Q /= Q.sum(axis=1, keepdims=True)
    assert cross_entropy(P, Q) == pytest.approx([-(p * np.log(q)).sum() for p, q in zip(P, Q, strict=True)])


def test_an_impossible_class_costs_a_bounded_loss():
    assert cross_entropy(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]))[0] == pytest.approx(np.log(10001))


def test_a_gain_within_a_standard_error_is_no_gain():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=400)
    noise -= noise.mean()
    error = noise.std() / 20
    for gain, taken in ((0.9 * error, 0), (1.1 * error, 2), (-error, 0)):
        losses = np.stack([noise, np.full(400, 9.0), np.full(400, -gain)], axis=1)
        assert best_strength(losses, np.ones(400)) == taken


def test_a_row_that_stands_for_three_is_three_rows():
    rng = np.random.default_rng(2)
    losses = rng.random((40, 3))
    losses[:, 2] -= 0.02
    for repeat in (1, 3, 300):
        count = np.full(40, repeat)
        again = np.repeat(losses, count, axis=0)
        assert best_strength(losses, count.astype(float)) == best_strength(again, np.ones(len(again)))
    assert best_strength(losses, np.full(40, 1e6)) == int(losses.mean(axis=0).argmin())


def test_equal_losses_mean_no_shrinkage():
    assert best_strength(np.ones((9, 4)), np.ones(9)) == 0
