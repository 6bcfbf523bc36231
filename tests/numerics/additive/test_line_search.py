"""Steps along convex objectives: the full one where it descends, else close to where the slope is zero."""

from __future__ import annotations

import numpy as np
import pytest

from explaindistill.numerics.additive.line_search import step_length


@pytest.mark.parametrize("optimum", [1e-9, 1e-3, 0.2, 0.7, 0.999])
def test_the_step_descends_and_most_of_the_slope_is_gone(optimum):
    t = step_length(lambda t: t - optimum, -optimum)
    assert 0 < t <= optimum
    assert optimum - t <= 0.1 * optimum * (1 + 1e-12)


@pytest.mark.parametrize("optimum", [1.0, 1.5, np.inf])
def test_the_full_step_is_taken_where_it_still_descends(optimum):
    assert step_length(lambda t: -1.0 if np.isinf(optimum) else t - optimum, -1.0) == 1.0


def test_a_slope_that_explodes_is_walked_to():
    """Cross-entropy of a sure answer: nearly flat, then a wall."""
    t = step_length(lambda t: float(np.exp(min(2000 * t, 700))) - 5.0, -4.0)
    assert 0 < t <= np.log(5) / 2000


def test_a_direction_that_does_not_descend_is_not_walked():
    assert step_length(lambda t: 1.0 + t, 1.0) == 0.0
    assert step_length(lambda t: np.nan, np.nan) == 0.0
