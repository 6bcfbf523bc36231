"""Recalibration held against a general optimiser and against repeated rows."""

import numpy as np
import pytest
from scipy import optimize, special

from explaindistill.numerics.statistics.recalibration import recalibrated

RNG = np.random.default_rng(0)
P = RNG.random(300)
Y = (RNG.random(300) < special.expit(0.3 + 0.7 * special.logit(P))).astype(float)


def loss(beta, x, y, w):
    z = beta[0] + beta[1] * x
    return float((w * (np.logaddexp(0, z) - y * z)).sum())


def test_coefficients_of_a_general_optimiser():
    x = special.logit(P)
    best = optimize.minimize(loss, [0, 1], args=(x, Y, np.ones(300)), method="BFGS", options={"gtol": 1e-8})
    intercept, slope = recalibrated(Y, P)
    assert slope[0] == pytest.approx(best.x[1], abs=1e-6)
    assert slope[1] == pytest.approx(np.sqrt(best.hess_inv[1, 1]), rel=0.05)
    fixed = optimize.minimize_scalar(lambda a: loss([a, 1], x, Y, np.ones(300)))
    assert intercept[0] == pytest.approx(fixed.x, abs=1e-5)


def test_a_row_twice_is_a_weight_of_two_and_one_cluster():
    twice = np.repeat(np.arange(300), 2)
    plain, weighted = recalibrated(Y[twice], P[twice]), recalibrated(Y, P, np.full(300, 2.0))
    assert plain[1][0] == pytest.approx(weighted[1][0])
    clustered = recalibrated(Y[twice], P[twice], clusters=twice)
    single = recalibrated(Y, P, clusters=np.arange(300))
    assert clustered[1][:2] == pytest.approx(single[1][:2])
    assert clustered[1][1] > 1.2 * plain[1][1]


@pytest.mark.parametrize(("y", "p"), [([1, 1], [0.2, 0.7]), ([0, 0], [0.2, 0.7]), ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])])
def test_nothing_to_fit(y, p):
    assert recalibrated(y, p)[1] is None


def test_error_of_the_likelihood_covers():
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        p = rng.uniform(0.05, 0.95, 200)
        value, error, _ = recalibrated(rng.random(200) < p, p)[1]
        hits += abs(value - 1) < 1.96 * error
    assert hits >= 180
