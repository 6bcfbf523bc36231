"""Every fit that iterates says how far it may be from its optimum, and warns where that is too far."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from explaindistill.numerics.optimum import OPTIMUM

__all__ = ["settle"]


def settle(student: Any, excess: float, converged: bool | None = None, where: str = "", way_out: str = "") -> None:
    """Set ``optimality_`` and ``converged_``; warn with a way out where the loss could still fall.

    Parameters
    ----------
    student : estimator
    excess : float
        By how much the penalised loss per row could still fall, on all rows.
    converged : bool, optional
        Whether that is little enough; :data:`OPTIMUM` decides when None.
    where, way_out : str
        When it stopped, and what the user can do.
    """
    student.optimality_ = float(excess)
    student.converged_ = excess <= OPTIMUM if converged is None else converged
    if not student.converged_:
        warnings.warn(
            f"{type(student).__name__} is not at its optimum{where}: the loss per row could still fall by about "
            f"{student.optimality_:.1g}; {way_out}",
            ConvergenceWarning,
            stacklevel=4,
        )
