"""Shapley values as a record: whose, on which scale, and from which base; frames and shap's own form of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError, MissingExtraError

__all__ = ["ShapleyValues"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShapleyValues:
    """Interventional Shapley values of some rows; each row's values and the base sum to the answer.

    Attributes
    ----------
    values : ndarray of shape (n, d, K)
    base : ndarray of shape (K,)
        Mean answer to the background.
    features : tuple of d str
    outputs : tuple of K
        Classes, or numbers of outputs; one output where it says all (the logit of the second of two classes).
    scale : "probability", "logit", "log" or "value"
    X : DataFrame of n rows
        The rows that are explained.
    method : str
        How the values were found: ``"exact"``, ``"sampled"`` or the name of a shap explainer.
    error : ndarray of shape (n, d, K), optional
        Standard errors of sampled values.
    """

    values: Floats
    base: Floats
    features: tuple[str, ...]
    outputs: tuple[Any, ...]
    scale: str
    X: pd.DataFrame
    method: str = "exact"
    error: Floats | None = None

    def position(self, output: Any = None) -> int:
        """Position of an output; the last one when None.

        Raises
        ------
        InvalidInputError
            If there is no such output.
        """
        if output is None:
            return len(self.outputs) - 1
        if output not in self.outputs:
            raise InvalidInputError(f"output must be one of {list(self.outputs)}, got {output!r}")
        return self.outputs.index(output)

    def of(self, output: Any = None) -> Floats:
        """Values ``(n, d)`` of one output; of the last when None."""
        return self.values[:, :, self.position(output)]

    def to_frame(self) -> pd.DataFrame:
        """One line per row, column and output: ``row``, ``feature``, ``output``, ``value``."""
        n, d, k = self.values.shape
        return pd.DataFrame(
            {
                "row": np.repeat(np.arange(n), d * k),
                "feature": np.tile(np.repeat(np.array(self.features, dtype=object), k), n),
                "output": np.tile(np.array(self.outputs, dtype=object), n * d),
                "value": self.values.ravel(),
            }
        )

    def to_shap(self, output: Any = None) -> Any:
        """One output as a ``shap.Explanation``, for shap's own plots (needs the extra ``shap``).

        Raises
        ------
        MissingExtraError
            Without shap.
        """
        try:
            import shap
        except ImportError:
            raise MissingExtraError.of("shap", "shap") from None
        base = float(self.base[self.position(output)])
        return shap.Explanation(
            self.of(output), np.full(len(self.X), base), self.X.to_numpy(), feature_names=list(self.features)
        )
