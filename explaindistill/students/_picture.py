"""The picture of a student whose drawing says all there is to paint."""

from __future__ import annotations

from typing import Any

from explaindistill import plugins

__all__ = ["plot"]


def plot(self: Any, ax: Any = None) -> Any:
    """Paint the student's drawing: its rules, its points, its coefficients, or its tree.

    Parameters
    ----------
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    return plugins.door("plots").draw(self.drawing(), ax)
