"""A student's own structure as blocks: its tree to fold, its shapes and coefficients to see."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Block

__all__ = ["structure"]


def structure(student: Any, id: str, audit: Any) -> list[Block]:
    """Blocks that show what a student is; none for a student of a kind that is not known here.

    Parameters
    ----------
    student : a fitted student
    id : str
        Prefix of the identifiers on the page.
    audit : Audit
    """
    return []
