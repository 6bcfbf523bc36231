"""Samplers: rows made in the teacher's own input space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.samplers._constraints import Constraint, satisfied

__all__ = ["Constraint", "satisfied"]

__getattr__ = plugins.lazy(__name__, {"Constraint": "_constraints", "satisfied": "_constraints"})
