"""Agreement and explained variance against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from explaindistill.numerics.statistics.closeness import closeness

RNG = np.random.default_rng(0)
W = RNG.uniform(0.1, 3, 40)


@pytest.mark.parametrize("weight", [None, W])
def test_agreement_is_scikit_learns(weight):
    a, b = RNG.random((40, 3)), RNG.random((40, 3))
    expected = accuracy_score(b.argmax(1), a.argmax(1), sample_weight=weight)
    assert closeness(a, b, True, weight) == pytest.approx(expected)


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("shape", [(40,), (40, 3)])
def test_explained_variance_is_scikit_learns(weight, shape):
    r = 50 + RNG.normal(size=shape)
    a = r + RNG.normal(scale=0.3, size=shape)
    assert closeness(a, r, False, weight) == pytest.approx(r2_score(r, a, sample_weight=weight))


def test_of_a_constant_nothing_is_explained():
    assert np.isnan(closeness(np.array([1.0, 2.0]), np.array([3.0, 3.0]), False))
    # small values have a spread, too
    r = np.array([0.0, 0.1, 0.2])
    assert closeness(r + 0.05, r, False) == pytest.approx(1 - 0.0075 / 0.02)
