r"""One way to exact Shapley values for every student: each family says what it adds up, the sums are closed forms.

The interventional value of a coalition S of columns at a row x is the mean over m background rows b,
:math:`v(S) = \tfrac1m \sum_b f(x_S, b_{\bar S})`. Indices everywhere: i rows, j columns, k outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.numerics.explaining.shapley import BoxFunction, LinearPart
from explaindistill.protocols import Rows
from explaindistill.students._intake import rows

__all__ = ["FamilyShapley", "ShapleyValues", "box_of", "shapley", "shapley_by_shap"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
FamilyShapley = tuple[Floats, Floats, list[Any], str]
"""What a family's ``_shapley(X, background)`` gives: values ``(n, d, K)``, base ``(K,)``, K outputs, scale."""
MOST_EXACT = 12
"""Columns up to which shap's exact explainer is asked: it evaluates all 2^12 = 4096 coalitions of a row."""


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
    >>> exact = student.shapley(X, X)
    >>> bool(np.allclose(exact.base + exact.of().sum(axis=1), student.predict(X)))
    True
    >>> exact.to_frame().query("feature == 'income'")["value"].round(2).tolist()
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


def shapley(self: Any, X: Rows, background: Rows, method: Literal["exact", "shap"] = "exact") -> ShapleyValues:
    """Exact interventional Shapley values: how each column moves an answer away from the background's mean answer.

    On the scale on which the student adds up: probabilities or values for trees and rule lists, logits (or the
    link) for additive and linear models, model trees, and scorecards before their risks are rounded.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)
        Rows to explain.
    background : DataFrame or array of shape (m, d)
        Rows that columns outside a coalition are taken from; some hundred of the audited rows will do.
    method : "exact" or "shap"
        ``"shap"`` asks shap's own explainers (the extra ``shap``), as a second opinion.

    Returns
    -------
    ShapleyValues
        ``values`` ``(n, d, K)``; a row's values sum to its answer minus ``base``.

    References
    ----------
    Lundberg and Lee (2017), arXiv:1705.07874; Janzing, Minorics and Blöbaum (2020), arXiv:1910.13413.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import LinearRegressor
    >>> X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 0.0, 1.0]})
    >>> student = LinearRegressor(penalty=0).fit(X, 2 * X["a"] + X["b"])
    >>> student.shapley(X[:1], X).of().round(6).tolist()
    [[-3.0, 0.5]]
    """
    if method not in ("exact", "shap"):
        raise InvalidInputError(f'method must be "exact" or "shap", got {method!r}')
    frame, behind = rows(self, X), rows(self, background)
    values, base, outputs, scale = self._shapley(frame, behind)
    names = tuple(self.schema_.names)
    if method == "exact":
        return ShapleyValues(values, base, names, tuple(outputs), scale, frame)
    other = shapley_by_shap(lambda mixed: _answers(self, mixed, scale), frame, behind)
    return ShapleyValues(other.values, other.base, names, tuple(outputs), scale, frame, other.method)


def _answers(student: Any, frame: pd.DataFrame, scale: str) -> Floats:
    """What the values of a scale sum to."""
    X = student.schema_.restore(frame)
    if scale == "probability":
        return np.asarray(student.predict_proba(X))
    if scale == "logit":
        return np.asarray(getattr(student, "log_odds", student.decision_function)(X))
    return np.log(student.predict(X)) if scale == "log" else np.asarray(student.predict(X), dtype=float)


def box_of(
    steps: list[tuple[int, Flags, Flags]], value: Floats, n: int, m: int, parts: tuple[LinearPart, ...] = ()
) -> BoxFunction:
    """The box of a leaf or a rule, of the conditions on its way; several on one column become one.

    Parameters
    ----------
    steps : list of (column j, whether each of the n rows holds the condition, the same for the m background rows)
    value : ndarray of shape (K,)
    n, m : int
    parts : tuple of LinearPart
        What columns add inside the box, beside ``value``.
    """
    row_holds: dict[int, Flags] = {}
    background_holds: dict[int, Flags] = {}
    for column, x, b in steps:
        row_holds[column] = row_holds.get(column, True) & x
        background_holds[column] = background_holds.get(column, True) & b
    columns = tuple(row_holds)

    def stacked(side: dict[int, Flags], size: int) -> Flags:
        return np.column_stack([side[c] for c in columns]) if columns else np.zeros((size, 0), dtype=np.bool_)

    held, held_behind = stacked(row_holds, n), stacked(background_holds, m)
    return BoxFunction(columns, held, held_behind, np.asarray(value, dtype=float), parts)


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
    explainer = shap.ExactExplainer(answer, masker) if exact else shap.PermutationExplainer(answer, masker, seed=rng)
    explanation = explainer(schema.encode(X))
    values = np.asarray(explanation.values, dtype=float).reshape(*X.shape, -1)
    base = np.asarray(explanation.base_values, dtype=float).reshape(len(X), -1)[0]
    outputs = tuple(range(values.shape[2]))
    return ShapleyValues(values, base, tuple(schema.names), outputs, scale, X, method=type(explainer).__name__)
