r"""How far to walk along a Newton direction of a convex objective.

The full step is the best one only where the quadratic model holds. Where answers are nearly certain their curvature is
next to nothing, the model says "very far", and any point that is merely *lower* (the rule of halving) may lie so far
out that no later step comes back: curves of hundreds of thousands of logits were seen. The slope along a convex
objective rises, so that its zero can be bracketed and walked to.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["step_length"]

SLOPE_LEFT = 0.1
"""Share of the first slope that may be left: an exact minimum along one direction is not worth the passes over rows."""
MOST_HALVINGS = 60
"""2^-60 of a step is below the rounding of any coefficient that it is added to."""


def step_length(slope: Callable[[float], float], first: float) -> float:
    r"""Step :math:`t \in [0, 1]` with :math:`f'(t) \le 0`, where f is convex along the direction.

    Parameters
    ----------
    slope : callable
        Derivative of the objective along the direction, at a step.
    first : float
        The slope at 0.

    Returns
    -------
    float
        1 where the full step still descends; else the largest point found at which f still descends and at least nine
        tenths of the first slope are gone; 0 where the direction does not descend at all.

    Examples
    --------
    >>> step_length(lambda t: 10 * t - 1, -1.0) <= 0.1
    True
    >>> step_length(lambda t: t - 2, -2.0)
    1.0
    """
    if not first < 0:
        return 0.0
    low, high = 0.0, 1.0
    low_slope, high_slope = first, slope(1.0)
    if high_slope <= 0:
        return 1.0
    for _ in range(MOST_HALVINGS):
        # the secant, held off the ends by a tenth of the bracket: alone it creeps where the slope bends sharply
        share = low_slope / (low_slope - high_slope) if high_slope < float("inf") else 0.5
        middle = low + min(max(share, 0.1), 0.9) * (high - low)
        slope_middle = slope(middle)
        if slope_middle <= 0:
            low, low_slope = middle, slope_middle
            if slope_middle >= SLOPE_LEFT * first:
                break
        else:
            high, high_slope = middle, slope_middle
    return low
