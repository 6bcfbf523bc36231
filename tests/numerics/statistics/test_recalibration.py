"""Recalibration held against a general optimiser and against repeated rows."""

import numpy as np
import pytest
from scipy import optimize, special

from explaindistill.numerics.statistics.clusters import ClusterSums
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


def information(x, y, w, beta):
    """Second derivatives of the loss by hand, and the rows' gradients."""
    mu = special.expit(beta[0] + beta[1] * x)
    A = np.column_stack([np.ones_like(x), x])
    return A.T @ np.diag(w * mu * (1 - mu)) @ A, A * (w * (y - mu))[:, None]


def test_errors_of_the_likelihood_and_of_the_sandwich():
    x, w = special.logit(P), RNG.uniform(0.5, 2, 300)
    for y, weight in ((Y, None), (Y, np.full(300, 3.0)), (Y, w), (np.clip(Y, 0.1, 0.8), None)):
        intercept, slope = recalibrated(y, P, weight)
        u = np.ones(300) if weight is None else weight
        best = optimize.minimize(loss, [0, 1], args=(x, y, u), method="BFGS", options={"gtol": 1e-7}).x
        inverse = np.linalg.inv(information(x, y, u, best)[0])
        gradient = information(x, y, u, best)[1]
        labels = y is Y and (weight is None or np.ptp(weight) == 0)
        square = inverse * u[0] if labels else inverse @ gradient.T @ gradient @ inverse
        assert slope.estimate == pytest.approx(best[1], abs=1e-5)
        assert slope.standard_error == pytest.approx(np.sqrt(square[1, 1]), rel=1e-4)
        assert slope.freedom == np.inf
        shift = optimize.brentq(lambda a, y=y, u=u: information(x, y, u, [a, 1.0])[1][:, 0].sum(), -3, 3)
        hessian, gradient = information(x, y, u, [shift, 1.0])
        square = u[0] / hessian[0, 0] if labels else (gradient[:, 0] ** 2).sum() / hessian[0, 0] ** 2
        assert intercept.estimate == pytest.approx(shift, abs=1e-8)
        assert intercept.standard_error == pytest.approx(np.sqrt(square), rel=1e-6)


def test_errors_of_clusters_are_those_of_the_influences():
    x, cluster, w = special.logit(P), np.arange(300) % 20, RNG.uniform(0.5, 2, 300)
    _, slope = recalibrated(Y, P, w, cluster)
    best = optimize.minimize(loss, [0, 1], args=(x, Y, w), method="BFGS", options={"gtol": 1e-7}).x
    hessian, gradient = information(x, Y, w, best)
    influence = gradient @ np.linalg.inv(hessian)[1] / w * w.sum()
    spread = ClusterSums.of(influence, np.zeros(300), 1, clusters=cluster, sample_weight=w).contrast([1.0])
    assert slope.standard_error == pytest.approx(np.sqrt(spread.variance), rel=1e-3)
    assert slope.freedom == pytest.approx(spread.freedom, rel=1e-3)


def test_probabilities_of_zero_and_one_count_as_a_millionth():
    y = np.tile([0.0, 1.0, 1.0, 0.0, 1.0], 8)
    p = np.tile([0.0, 1.0, 0.6, 0.7, 0.2], 8)
    near = np.tile([1e-6, 1 - 1e-6, 0.6, 0.7, 0.2], 8)
    assert recalibrated(y, p)[1] == pytest.approx(recalibrated(y, near)[1])
    assert recalibrated(y, p)[0] == pytest.approx(recalibrated(y, near)[0])
    assert recalibrated(y, p)[0] != pytest.approx(recalibrated(y, np.clip(p, 1e-5, 1 - 1e-5))[0])


def test_where_only_one_of_the_two_can_be_fitted():
    y = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    intercept, slope = recalibrated(y, np.full(5, 0.25))
    assert intercept.estimate == pytest.approx(np.log(0.6 / 0.4) - np.log(0.25 / 0.75))
    assert intercept.standard_error == pytest.approx(np.sqrt(1 / (5 * 0.24)))
    assert slope is None
    intercept, slope = recalibrated([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert intercept.estimate == pytest.approx(0, abs=1e-9)
    assert slope is None, "a slope without end"
    assert recalibrated([1, 1, 0], [0.2, 0.7, 0.5], [1, 1, 0]) == (None, None)
    assert recalibrated([0, 0, 1], [0.2, 0.7, 0.5], [1, 1, 0]) == (None, None)


def test_far_off_probabilities_are_recovered():
    """Log-odds off by 12: single steps are cut, and the fit gets there all the same."""
    z = np.linspace(-2, 2, 41)
    intercept, slope = recalibrated(special.expit(z), special.expit(z + 11.5))
    assert intercept.estimate == pytest.approx(-11.5, abs=1e-8)
    assert slope.estimate == pytest.approx(1, abs=1e-6)
    _, steep = recalibrated(special.expit(z), special.expit(z / 30))
    assert steep.estimate == pytest.approx(30, abs=1e-6)


def test_narrow_types_lose_nothing():
    p, y, w = (
        np.float32([0.2, 0.7, 0.6, 0.4]),
        np.array([0, 1, 0, 1], np.uint8),
        np.array([200, 100, 150, 250], np.uint8),
    )
    for found, wide in zip(
        recalibrated(y, p, w), recalibrated(y.astype(float), p.astype(float), w.astype(float)), strict=True
    ):
        assert found == pytest.approx(wide, rel=1e-14)
