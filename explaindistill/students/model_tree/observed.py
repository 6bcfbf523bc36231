"""Shares of a distilled model tree are of the real rows of its fit, not of the made-up ones."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from explaindistill.protocols import Rows
from explaindistill.students._intake import rows
from explaindistill.students.model_tree.model import LinearTreeModel

__all__ = ["recount", "whose"]


def recount(self: Any, X: Rows | None, P: ArrayLike | None, weight: ArrayLike | None) -> None:
    """Count the real rows of the fit, of which :meth:`describe` and drawings then speak, and not of made-up ones.

    Parameters
    ----------
    X : rows of fitting that are real, or None where all were made up
    P, weight : their targets and weights; not needed for a tree.
    """
    check_is_fitted(self)
    self.tree_ = self.tree_.with_observed(None if X is None else rows(self, X))


def whose(tree: LinearTreeModel) -> str:
    """Say of which rows the shares are, where rows of fitting were made up."""
    n = tree.nodes[0].observed
    if n is None:
        return ""
    return f" Shares are of the {f'{n:,} observed' if n else 'made-up'} rows of fitting."
