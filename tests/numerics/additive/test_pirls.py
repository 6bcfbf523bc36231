from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.optimize import minimize
from scipy.special import expit

from explaindistill.numerics.additive.families import Bernoulli, Gaussian, Poisson
from explaindistill.numerics.additive.gram import Block, Design, Marginal
from explaindistill.numerics.additive.pirls import FitOptions, dispersion, fit_additive
from explaindistill.numerics.additive.reml import Smoothing, restricted_likelihood, solve
from explaindistill.numerics.additive.row_sums import BinnedRows, CurvatureSample, collect
from explaindistill.numerics.additive.softmax import fit_softmax
from explaindistill.numerics.additive.splines import curvature_penalty, hat_weights, slope_penalty


def make(n=150, seed=0, bounded=False, columns=2):
    """Columns with few values, so that bins lose nothing; the design, the rows and the dense matrix."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 12, (columns, n))
    blocks = []
    for i in range(columns):
        knots = np.linspace(0, 11, 7)
        m = Marginal(i, *hat_weights(np.arange(12.0), knots), 7)
        Z = null_space(np.bincount(x[i], minlength=12)[None, :] @ m.table())
        costs = tuple(Z.T @ S @ Z for S in (curvature_penalty(knots), slope_penalty(knots)))
        blocks.append(Block((m,), Z, costs, np.full(6, bounded)))
    design = Design(tuple(blocks))
    X = np.hstack([np.ones((n, 1)), *[b.margins[0].table()[x[i]] @ b.Z for i, b in enumerate(blocks)]])
    eta = np.sin(x[0] / 2) + 0.1 * x[1]
    return design, x.astype(np.uint16), X, eta, rng


LAM = [np.array([0.3, 0.02]), np.array([2.0, 0.1])]


def total_penalty(design, lam):
    S = np.zeros((design.size, design.size))
    for block, cut, values in zip(design.blocks, design.slices, lam, strict=True):
        S[cut, cut] = sum(v * p for v, p in zip(values, block.penalties, strict=True))
    return S


@pytest.mark.parametrize("name", ["bernoulli", "gaussian", "poisson"])
def test_the_fit_is_that_of_a_dense_textbook_twin(name):
    design, codes, X, eta, rng = make()
    w = rng.random(150) + 0.5
    family = {"bernoulli": Bernoulli(), "gaussian": Gaussian(), "poisson": Poisson()}[name]
    y = {"bernoulli": expit(eta), "gaussian": eta + rng.normal(size=150), "poisson": rng.poisson(np.exp(eta))}[name]
    y = np.asarray(y, dtype=float)
    S = total_penalty(design, LAM)
    beta = np.zeros(design.size)
    beta[0] = family.level(w.sum(), np.average(y, weights=w))
    for _ in range(100):
        e = X @ beta
        c = w * family.curvature(e)
        z = e + family.score(y, e) / family.curvature(e)
        beta = np.linalg.solve(X.T @ (c[:, None] * X) + S, X.T @ (c * z))
    fit = fit_additive(
        design, BinnedRows(codes, y, w), family, FitOptions(fixed=True, phi=1.0, tol=1e-12), smoothing=LAM
    )
    assert fit.converged
    assert np.abs(X @ fit.beta[0] - X @ beta).max() < 1e-6
    H = X.T @ (c[:, None] * X)
    edf = np.diag(np.linalg.solve(H + S, H))
    # the edf are those of the last curvature that was measured, a step before the end
    assert np.allclose(fit.edf, [edf[cut].sum() for cut in design.slices], rtol=1e-3)


def test_the_smoothing_is_where_the_restricted_likelihood_is_best():
    design, codes, X, eta, rng = make(400)
    y = eta + rng.normal(scale=0.5, size=400)
    fit = fit_additive(design, BinnedRows(codes, y, np.ones(400)), Gaussian())
    G, b, yy = X.T @ X, X.T @ y, y @ y

    def loss(logs):
        lam = [np.exp(logs[:2]), np.exp(logs[2:4])]
        return restricted_likelihood(G, b, yy, 400.0, design, lam, np.exp(logs[4]))

    ours = np.log(np.concatenate([*fit.smoothing, [fit.phi]]))
    starts = [np.array([0.0, -3.0, 0.0, -3.0, -1.0]), ours]
    best = min(minimize(loss, s, method="Nelder-Mead", options={"maxiter": 4000}).fun for s in starts)
    assert loss(ours) <= best + 0.1


def test_with_few_rows_the_terms_share_a_prior_on_their_smoothing():
    design, codes, X, eta, rng = make(25, columns=4)
    assert design.size == 25
    y = eta + rng.normal(scale=0.3, size=25)
    half = np.full(25, 0.5)  # they count as 12.5 rows, half as many as coefficients
    fit = fit_additive(design, BinnedRows(codes, y, half), Gaussian(), FitOptions(max_iter=400, rounds=400))
    H = np.linalg.inv(X.T @ X / 2 + total_penalty(design, fit.smoothing))
    scale = Smoothing(design, np.diag(X.T @ X / 2)).values
    edf, cost = np.empty((4, 2)), np.empty((4, 2))
    for i, (b, cut, lam) in enumerate(zip(design.blocks, design.slices, fit.smoothing, strict=True)):
        S = np.linalg.inv(sum(v * part for v, part in zip(lam, b.penalties, strict=True)))
        for j, part in enumerate(b.penalties):
            edf[i, j] = lam[j] * (np.vdot(S, part) - np.vdot(H[cut, cut], part))
            cost[i, j] = fit.beta[0, cut] @ part @ fit.beta[0, cut]
    phi = 1.4 * fit.phi  # noise of so few rows counts for more than it is
    common = phi * edf.sum(axis=0) / (cost * scale).sum(axis=0)
    expected = phi * (edf + 1.0) / (cost + phi / (common * scale))
    assert np.allclose(np.log(fit.smoothing), np.log(expected), atol=0.1)
    assert np.std(np.log(np.array(fit.smoothing) / scale), axis=0).max() < 3.0


def test_coefficients_that_a_bound_holds_are_no_degrees_of_freedom():
    design, _, X, _, _ = make(400, bounded=True)
    G, S = X.T @ X, total_penalty(design, LAM)
    found = solve(G, X.T @ (X @ np.r_[0.0, -np.ones(6), 1.0, 0, 0, 0, 0, 0]), S, design)
    held = found.beta == 0
    assert held[1:7].any()
    free = ~held
    H = np.linalg.inv((G + S)[np.ix_(free, free)]) @ G[np.ix_(free, free)]
    edf = np.zeros(design.size)
    edf[free] = np.diag(H)
    assert np.allclose(found.edf, [edf[cut].sum() for cut in design.slices], atol=1e-6)


def test_pairs_share_no_prior():
    design, _, X, _, _ = make(25, columns=4)
    pairs = tuple(replace(b, margins=b.margins * 2) for b in design.blocks)
    both = Design(design.blocks + pairs)
    X = np.hstack([X, X[:, 1:]])
    G = X.T @ X
    values = []
    for n_rows in (12.5, np.inf, 25.0):  # of 25 coefficients
        smooth = Smoothing(both, np.diag(G), n_rows=n_rows)
        smooth.settle([solve(G, X.T @ X[:, 1], smooth.matrix(), both)], 0.1)
        values.append(np.array(smooth.values))
    assert np.allclose(values[0][4:], values[1][4:])
    assert not np.allclose(values[0][:4], values[1][:4])
    assert np.allclose(values[1], values[2])  # as many rows as coefficients need none


@pytest.mark.parametrize(("n_rows", "factor"), [(30.0, 1.4), (50.0, 1.4), (100.0, 1.2), (1000.0, 1.02), (np.inf, 1.0)])
def test_noise_of_few_rows_counts_for_more_than_it_is(n_rows, factor):
    """By 1 + .4 min(2 p / n, 1) of p = 25 coefficients, of outcomes alone: answers of a teacher have no noise."""
    design, _, X, _, _ = make(200, columns=4)
    G = X.T @ X

    def settled(noisy, phi):
        smooth = Smoothing(design, np.diag(G), n_rows=n_rows, noisy=noisy)
        smooth.settle([solve(G, X.T @ (X[:, 1] + 0.1 * X[:, 7]), smooth.matrix(), design)], phi)
        return np.concatenate(smooth.values)

    np.testing.assert_allclose(settled(True, 0.1), settled(False, factor * 0.1), rtol=1e-9)
    if factor > 1:
        assert not np.allclose(settled(True, 0.1), settled(False, 0.1))


def test_a_start_from_which_newton_overshoots_converges():
    design, codes, _, eta, rng = make(200)
    rows = BinnedRows(codes, rng.poisson(np.exp(eta + 2.0)).astype(float), np.ones(200))
    far = np.zeros(design.size)
    far[0] = -3.0
    near, away = (
        fit_additive(design, rows, Poisson(), FitOptions(fixed=True, phi=1.0, tol=1e-12), smoothing=LAM, start=start)
        for start in (None, far)
    )
    assert away.converged
    assert np.abs(near.beta - away.beta).max() < 1e-5


def test_curvature_from_some_rows_gives_the_same_solution():
    design, codes, _, eta, _ = make(2000)
    rows = BinnedRows(codes, expit(eta), np.ones(2000))
    full = fit_additive(design, rows, Bernoulli(), FitOptions(fixed=True, tol=1e-12), smoothing=LAM)
    some = fit_additive(
        design,
        rows,
        Bernoulli(),
        FitOptions(fixed=True, tol=1e-12),
        smoothing=LAM,
        curvature_rows=CurvatureSample(np.arange(0, 2000, 4), np.full(500, 4.0)),
    )
    assert np.abs(full.beta - some.beta).max() < 1e-5


def test_rows_are_joined_without_changing_anything():
    design, codes, _, eta, _ = make(300)
    rows = BinnedRows(codes, np.round(expit(eta), 1), np.ones(300))
    joined = rows.joined()
    assert len(joined) < 300
    assert joined.weight.sum() == 300
    a = fit_additive(design, rows, Bernoulli(), FitOptions(fixed=True, tol=1e-12), smoothing=LAM)
    b = fit_additive(design, joined, Bernoulli(), FitOptions(fixed=True, tol=1e-12), smoothing=LAM)
    assert np.allclose(a.beta, b.beta, atol=1e-8)


def test_bounded_coefficients_stay_at_or_above_zero():
    design, codes, _, eta, rng = make(bounded=True)
    fit = fit_additive(design, BinnedRows(codes, expit(eta), np.ones(150)), Bernoulli(), start=np.zeros(design.size))
    assert (fit.beta[0, 1:] >= 0).all()
    assert (fit.beta[0, 1:] == 0).any()
    assert rng is not None


def test_two_classes_of_softmax_are_the_logistic_model():
    design, codes, X, eta, _ = make()
    p, w = expit(eta), np.ones(150)
    one = fit_additive(design, BinnedRows(codes, p, w), Bernoulli(), FitOptions(fixed=True, tol=1e-12), smoothing=LAM)
    double = [2 * v for v in LAM]
    two = fit_softmax(
        design,
        BinnedRows(codes, np.column_stack([1 - p, p]), w),
        FitOptions(fixed=True, tol=1e-13, phi=1.0),
        smoothing=double,
    )
    logit = X @ (two.beta[1] - two.beta[0])
    assert np.abs(logit - X @ one.beta[0]).max() < 1e-4


def test_softmax_measures_curvature_on_some_rows_if_told():
    design, codes, X, eta, _ = make(600)
    P = np.column_stack([expit(eta) / 2, 1 - expit(eta), expit(eta) / 2])
    rows = BinnedRows(codes, P, np.ones(600))
    full = fit_softmax(design, rows, FitOptions(fixed=True, tol=1e-12), smoothing=LAM)
    thirds = CurvatureSample(np.arange(0, 600, 3), np.full(200, 3.0))
    some = fit_softmax(design, rows, FitOptions(fixed=True, tol=1e-12), smoothing=LAM, curvature_rows=thirds)
    assert np.abs(X @ (full.beta - some.beta).T).max() < 1e-4


def test_dispersion_is_never_negative_for_weights_that_are_no_counts():
    assert dispersion(1.0, 0.5, 10.0, 1e-9) == 1.0 / 0.05
    assert dispersion(0.0, 100.0, 10.0, 1e-9) == 1e-9


def test_a_misfit_is_shared_by_the_rows_that_can_show_it():
    design, codes, X, eta, _ = make(600)
    eta = 4 * (eta - eta.mean())
    rows = BinnedRows(codes, expit(eta + np.sin(np.arange(600.0))), np.ones(600))
    kinds = {
        noisy: fit_additive(design, rows, Bernoulli(), FitOptions(fixed=True, noisy=noisy), smoothing=LAM)
        for noisy in (0, 1)
    }
    c = Bernoulli().curvature(X @ kinds[0].beta[0])
    informative = c.sum() ** 2 / (c**2).sum()
    assert informative < 400
    for noisy, n in ((0, informative), (1, 600)):
        fit = kinds[noisy]
        assert fit.phi == pytest.approx(fit.deviance / (n - 1 - fit.edf.sum()), rel=1e-3)
    whole = collect(design, rows, Bernoulli(), kinds[0].beta[0])
    parts = [collect(design, rows.take(np.arange(i, 600, 2)), Bernoulli(), kinds[0].beta[0]) for i in (0, 1)]
    assert (parts[0] + parts[1]).informative() == pytest.approx(whole.informative())
    assert whole.scaled(3).informative() == pytest.approx(3 * informative)
    two = np.column_stack([1 - rows.y, rows.y])
    double = [2 * v for v in LAM]
    soft = [
        fit_softmax(design, replace(rows, y=two), FitOptions(fixed=True, noisy=k), smoothing=double)
        for k in (False, True)
    ]
    assert soft[0].phi / soft[1].phi == pytest.approx(
        (599 - soft[1].edf.sum() / 2) / (informative - 1 - soft[0].edf.sum() / 2), rel=0.01
    )
    assert soft[0].phi == pytest.approx(kinds[0].phi, rel=0.02)


def test_two_columns_that_can_stand_for_each_other_settle():
    design, codes, _, eta, rng = make(300)
    codes[1] = codes[0]
    y = np.sin(codes[0] / 2.0) + 0.1 * rng.normal(size=300)
    fit = fit_additive(design, BinnedRows(codes, y, np.ones(300)), Gaussian())
    assert fit.converged
    assert fit.n_iter < 60
    assert fit.edf.sum() < 9
    assert np.isfinite(eta).all()


def test_solve_inverts_what_is_free():
    design, _, X, _, _ = make()
    G = X.T @ X
    S = Smoothing(design, np.diag(G), LAM).matrix()
    assert np.allclose(S, total_penalty(design, LAM))
    free = solve(G, X.T @ X[:, 0], S, design)
    V = np.linalg.inv(G + S)
    assert np.allclose(free.inverse(), V, atol=1e-9)
    assert np.allclose(free.apply(G[0]), V @ G[0], atol=1e-9)
    assert np.allclose(free.beta, V @ X.T @ X[:, 0], atol=1e-9)
    edf = np.diag(V @ G)
    for block, cut in enumerate(design.slices):
        assert np.allclose(free.corner(cut), V[cut, cut], atol=1e-9)
        assert free.edf[block] == pytest.approx(edf[cut].sum(), abs=1e-9)
