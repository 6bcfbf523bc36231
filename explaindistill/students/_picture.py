"""The picture of a student whose form says all there is to draw."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

from explaindistill import plugins

__all__ = ["plot"]


def plot(self: Any, ax: Any = None) -> Any:
    """Draw the student: its rules, its points, its coefficients, or its tree with what each leaf adds up.

    Parameters
    ----------
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    check_is_fitted(self)
    return plugins.door("plots").draw(self.to_dict(), ax)
