"""Shapley values as a record: whose, on which scale, and from which base; and shap's second opinion of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError, MissingExtraError

__all__ = ["ShapleyValues", "shapley_by_shap"]

Floats = NDArray[np.float64]
MOST_EXACT = 12


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

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"income": [20.0, 30.0, 40.0, 50.0], "age": [30, 50, 30, 50]})
    >>> student = xd.LinearRegressor(penalty=0).fit(X, 0.1 * X["income"])
    >>> told = student.shapley(X, X)
    >>> bool(np.allclose(told.base + told.of().sum(axis=1), student.predict(X)))
    True
    >>> told.to_frame().query("feature == 'income'")["value"].round(2).tolist()
    [-1.5, -0.5, 0.5, 1.5]
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


def shapley_by_shap(
    predict: Callable[[pd.DataFrame], NDArray[np.float64]],
    X: pd.DataFrame,
    background: pd.DataFrame,
    *,
    scale: str = "value",
    rng: int = 0,
) -> ShapleyValues:
    """Interventional values of any callable by shap's own explainers, which share no code with ours.

    ``shap.ExactExplainer``, beyond 12 columns ``shap.PermutationExplainer`` (needs the extra ``shap``).

    Parameters
    ----------
    predict : callable
        From rows to numbers ``(n,)`` or ``(n, K)``.
    X, background : DataFrame
        Rows to explain, and rows that stand for absent columns. Categories travel through shap as numbers.
    scale : str
        What ``predict`` returns; only noted.
    rng : int
        Seed of the permutations.

    Returns
    -------
    ShapleyValues
        ``method`` names the explainer.

    Raises
    ------
    MissingExtraError
        Without shap.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1.0, 3.0], "b": ["u", "v"]})
    >>> shapley_by_shap(lambda r: r["a"].to_numpy() * (r["b"] == "v"), X, X[:1]).of().tolist()  # doctest: +SKIP
    [[0.0, 0.0], [1.0, 2.0]]
    """
    try:
        import shap
    except ImportError:
        raise MissingExtraError.of("shap", "shap") from None
    if list(X.columns) != list(background.columns):
        raise InvalidInputError("background must have the columns of X, in the same order")
    schema = Schema.infer(pd.concat([X, background], ignore_index=True))

    def answer(Z: Any) -> NDArray[np.float64]:
        return np.asarray(predict(schema.decode(np.asarray(Z, dtype=float))), dtype=float)

    masker = shap.maskers.Independent(schema.encode(background), max_samples=len(background))
    exact = X.shape[1] <= MOST_EXACT
    made = shap.ExactExplainer(answer, masker) if exact else shap.PermutationExplainer(answer, masker, seed=rng)
    found = made(schema.encode(X))
    values = np.asarray(found.values, dtype=float).reshape(*X.shape, -1)
    base = np.asarray(found.base_values, dtype=float).reshape(len(X), -1)[0]
    outputs = tuple(range(values.shape[2]))
    return ShapleyValues(values, base, tuple(schema.names), outputs, scale, X, method=type(made).__name__)
