import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.numerics.additive.families import FAMILIES, Bernoulli

ALL = {**FAMILIES, "bernoulli": Bernoulli()}


@pytest.mark.parametrize("name", sorted(ALL))
@given(st.floats(0.05, 0.95), st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_score_is_minus_half_the_derivative_of_the_deviance(name, y, eta):
    family = ALL[name]
    y, at, step = np.array([y]), np.array([eta]), 1e-5
    slope = (family.deviance(y, at + step) - family.deviance(y, at - step)) / (2 * step)
    assert np.allclose(family.score(y, at), -slope / 2, atol=1e-5)


@pytest.mark.parametrize("name", sorted(ALL))
def test_deviance_is_zero_at_the_mean_and_the_start_is_the_best_constant(name):
    family = ALL[name]
    y, w = np.array([0.2, 0.5, 0.6]), np.array([1.0, 2.0, 3.0])
    start = family.level(w.sum(), np.average(y, weights=w))
    assert family.score(y, np.full(3, start)) @ w == pytest.approx(0.0, abs=1e-3)
    eta = np.array([start])
    assert family.deviance(family.mean(eta), eta) == pytest.approx(0.0, abs=1e-12)
    assert (family.curvature(np.array([-50.0, 0.0, 2.0])) > 0).all()


def test_labels_of_zero_and_one_have_a_finite_deviance():
    family = Bernoulli()
    assert np.isfinite(family.deviance(np.array([0.0, 1.0]), np.array([40.0, -800.0]))).all()
    assert np.isfinite(family.level(3.0, 1.0))
