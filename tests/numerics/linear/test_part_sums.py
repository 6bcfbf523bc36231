"""Sums over parts are those of the slow twin, and the same bits however rows are cut and ordered."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from explaindistill.numerics.linear.part_sums import DesignedRows, PartSums
from explaindistill.numerics.linear.penalty_choice import standardise
from explaindistill.numerics.linear.row_blocks import row_blocks
from explaindistill.numerics.linear.row_sums import ArraySums, LinearFit, classify
from explaindistill.scale.frames import LocalPartitions

P = 5


def rows(k, n, seed):
    rng = np.random.default_rng(seed)
    w = rng.random(n) ** 3 + 1e-9
    w /= w.sum()
    Z, _, _ = standardise(np.exp(rng.normal(size=(n, P))), w)
    Y = softmax(2 * Z[:, :k] + rng.normal(size=(n, k)), axis=1)
    return Z, Y, w


def sums(Z, Y, w, pieces):
    parts = [DesignedRows(row_blocks(np.asfortranarray(Z[i])), np.ascontiguousarray(Y[i]), w[i]) for i in pieces]
    return PartSums.of(LocalPartitions(parts), len(w), P)


def fit_of(k, seed):
    rng = np.random.default_rng(seed)
    K = 1 if k == 2 else k
    return LinearFit(rng.normal(size=K), rng.normal(size=(P, K)) * (rng.random((P, K)) < 0.7))


def answers(s, fit, values):
    K = fit.coef.shape[1]
    blocks = [np.arange(P - c % 2) for c in range(K)]
    yield s.mean
    yield s.value_slopes(values)
    yield from s.covariances()
    yield s.dual_values(values, np.linspace(0.2, 1.0, len(s.mean)))
    yield s.divergence(fit)
    yield s.slopes(fit)
    yield from s.joint(fit, blocks)
    yield from s.pull(fit)
    yield s.dual_entropy(fit, 0.3)
    other = LinearFit(fit.intercept + 0.1, fit.coef)
    yield s.divergence(other, blocks)  # asks for what comes next at once
    yield from s.joint(other, blocks)


@pytest.mark.parametrize("k", [2, 3])
def test_the_sums_are_those_of_arrays(k):
    Z, Y, w = rows(k, 5000, 0)
    fit, values = fit_of(k, 1), LinearFit(np.zeros(k), np.random.default_rng(2).normal(size=(P, k)) / 9)
    ours = answers(sums(Z, Y, w, [np.arange(5000)]), fit, values)
    for mine, slow in zip(ours, answers(ArraySums(Z, Y, w), fit, values), strict=True):
        np.testing.assert_allclose(mine, slow, rtol=1e-10, atol=3e-8)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([2, 3]), st.integers(1, 400), st.integers(1, 9))
def test_any_cut_and_any_order_have_the_same_bits(seed, k, n, n_parts):
    Z, Y, w = rows(k, n + 1, seed)
    rng = np.random.default_rng(seed)
    order, part = rng.permutation(len(w)), rng.integers(0, n_parts, len(w))
    fit, values = fit_of(k, seed), LinearFit(np.zeros(k), np.zeros((P, k)))
    whole = answers(sums(Z, Y, w, [np.arange(len(w))]), fit, values)
    cut = answers(sums(Z, Y, w, [order[part[order] == i] for i in range(n_parts)]), fit, values)
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("k", [2, 3])
def test_gradients_have_all_digits_of_a_double(k):
    """The first grid alone would leave an error of 1e-13 here, which grows with the root of the rows."""
    Z, Y, w = rows(k, 50_000, 3)
    fit = fit_of(k, 4)
    K = fit.coef.shape[1]
    residual = w[:, None] * (Y[:, -K:] - classify(np.sum(Z[:, :, None] * fit.coef, axis=1) + fit.intercept)[:, -K:])
    exact = np.array([[math.fsum((Z[:, j] * residual[:, c]).tolist()) for c in range(K)] for j in range(P)])
    ours = sums(Z, Y, w, [np.arange(50_000)])
    for slopes in (ours.pull(fit)[0], ours.slopes(fit)):
        np.testing.assert_allclose(slopes, exact, rtol=0, atol=1e-15)
