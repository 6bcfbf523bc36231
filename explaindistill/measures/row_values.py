"""Shapley values of rows, in memory alone, and as the object that shap's own pictures take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError, MissingExtraError

__all__ = ["RowValues"]

Floats = NDArray[np.float64]
LISTED = 5
"""Labels that a message names."""


@dataclass(frozen=True, eq=False)
class RowValues:
    """Values of one model on one scale; they are about people, and stay in memory: no artefact has them.

    Attributes
    ----------
    subject : str
    unit : str
        What the values add up to, such as ``"log-odds of yes"``.
    scale : "logit", "probability", "value" or "log"
    phi : ndarray of shape (n, d)
        Columns in the order of ``features``; a row's sum is its answer less the base.
    answers : ndarray of shape (n,)
    features : tuple of str
    labels : Index of n rows
        Those of the audited rows.

    Examples
    --------
    >>> values = RowValues("gam", "value", "value", np.array([[1.0, 0.5]]), np.array([3.0]), ("a", "b"), pd.Index([7]))
    >>> values.base.tolist(), values.at([7]).tolist()
    ([1.5], [0])
    """

    subject: str
    unit: str
    scale: str
    phi: Floats
    answers: Floats
    features: tuple[str, ...]
    labels: pd.Index

    @property
    def base(self) -> Floats:
        """What each row's values start from: the mean answer to the background, so that they add up to the bit."""
        return self.answers - self.phi.sum(axis=1)

    def at(self, show: Sequence[Any]) -> NDArray[np.intp]:
        """Places of the rows that the caller names by their labels.

        Raises
        ------
        InvalidInputError
            For a label that was not explained.
        """
        if isinstance(show, str) or not isinstance(show, Sequence | np.ndarray | pd.Index):
            raise InvalidInputError(f"show must be a list of labels of rows, such as show=[3, 17], got {show!r}")
        places = np.asarray(self.labels.get_indexer(pd.Index(show)))
        if (places < 0).any():
            gone = [label for label, place in zip(show, places, strict=True) if place < 0]
            raise InvalidInputError(
                f"show names rows that were not explained: {', '.join(map(repr, gone[:LISTED]))}; {len(self.labels)} "
                "rows drawn by chance were, raise n_explained to have them all"
            )
        return places

    def as_shap(self, X: pd.DataFrame | None = None, show: Sequence[Any] | None = None) -> Any:
        """The values as a ``shap.Explanation``, of the rows that are named, or of all.

        Parameters
        ----------
        X : DataFrame, optional
            The audited rows with their labels; without it the values have no data beside them.
        show : sequence of labels, optional

        Raises
        ------
        MissingExtraError
            Without the package shap.
        InvalidInputError
            For rows that were not explained or that X lacks.
        """
        try:
            import shap
        except ImportError as error:
            raise MissingExtraError.of("shap", "shap") from error
        places = np.arange(len(self.labels)) if show is None else self.at(show)
        return shap.Explanation(
            values=self.phi[places],
            base_values=self.base[places],
            data=None if X is None else self._data(X, places),
            feature_names=list(self.features),
            output_names=self.unit,
        )

    def _data(self, X: pd.DataFrame, places: NDArray[np.intp]) -> NDArray[Any]:
        """Columns of the rows in the order of the values; categories stay words, which shap paints grey."""
        labels = self.labels[places]
        if (
            not X.index.is_unique
            or not labels.isin(X.index).all()
            or not set(self.features) <= set(map(str, X.columns))
        ):
            raise InvalidInputError("X must be the audited rows: their labels, each once, and all their columns")
        named = X.rename(columns=str).loc[labels, list(self.features)]
        return np.asarray(named.to_numpy(dtype=object))
