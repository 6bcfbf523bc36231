"""What counts as the optimum of a fit that iterates, in every family of students."""

from __future__ import annotations

__all__ = ["OPTIMUM"]

OPTIMUM = 1e-7
"""Largest excess of the penalised loss per row, as Newton's decrement foretells it, that counts as the optimum: a tenth
of what the benchmark of optima allows against a slow reference."""
