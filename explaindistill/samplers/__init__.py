"""Samplers: rows made in the teacher's own input space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.samplers._constraints import Constraint, kept

__all__ = ["Constraint", "kept"]

__getattr__ = plugins.lazy(__name__, {"Constraint": "_constraints", "kept": "_constraints"})
