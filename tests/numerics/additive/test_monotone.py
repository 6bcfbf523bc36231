import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.additive.monotone import bounded_solve, shape_basis

KNOTS = np.array([0.0, 0.5, 2.0, 3.0, 7.0])


@pytest.mark.parametrize("monotone", [0, 1, -1])
@pytest.mark.parametrize("convex", [0, 1, -1])
def test_coefficients_at_or_above_zero_are_just_the_shapes_asked(monotone, convex):
    T, bounded = shape_basis(KNOTS, monotone, convex)
    assert np.linalg.matrix_rank(np.hstack([np.ones((5, 1)), T])) == 5
    rng = np.random.default_rng(0)
    for _ in range(200):
        gamma = np.where(bounded, rng.exponential(size=4) * (rng.random(4) < 0.6), rng.normal(size=4))
        slopes = np.diff(T @ gamma) / np.diff(KNOTS)
        if monotone:
            assert (slopes * monotone >= -1e-9).all()
        if convex:
            assert (np.diff(slopes) * convex >= -1e-9).all()
    slopes = np.array([1.0, 2.0, 3.0, 4.0])
    if convex == -1:
        slopes = slopes[::-1]
    if monotone == -1:
        slopes = -slopes[::-1]
    values = np.append(0, np.cumsum(slopes * np.diff(KNOTS)))
    gamma = np.linalg.lstsq(np.hstack([np.ones((5, 1)), T]), values, rcond=None)[0][1:]
    assert (gamma[bounded] >= -1e-9).all()


def test_unknown_shapes():
    with pytest.raises(InvalidInputError, match="monotone and convex must be -1, 0 or 1, got 'upwards' and 0"):
        shape_basis(KNOTS, "upwards", 0)


@given(st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_bounded_solution_is_that_of_non_negative_least_squares(seed):
    rng = np.random.default_rng(seed)
    A, y = rng.normal(size=(30, 8)), rng.normal(size=30)
    x, free = bounded_solve(A.T @ A, A.T @ y, np.ones(8, bool))
    assert np.allclose(x, nnls(A, y)[0], atol=1e-8)
    assert not x[~free].any()
