"""A fitted linear model in the user's own units: what it adds up, how it says so, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.design import Column, column_values
from explaindistill.data.literals import counted_from
from explaindistill.data.schema import Schema
from explaindistill.data.target_names import class_name, value_name
from explaindistill.numerics.exact_sums import ExactSum
from explaindistill.numerics.linear.part_sums import RowsOfPart
from explaindistill.numerics.linear.row_sums import LinearFit
from explaindistill.numerics.sums import added
from explaindistill.protocols import Complexity, Partitions
from explaindistill.students._changed import significant
from explaindistill.students._form import plain

__all__ = ["FittedRows", "LinearModel", "fitted_model"]

Array = NDArray[np.float64]
ALONE_DIGITS = 9
"""Digits of an answer that does not depend on the row: its error is a billionth, as that of a mean should be."""


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Intercepts and coefficients of the columns that matter; q columns, K outputs.

    Numbers count from a centre, as those of model trees do: the intercept is then the answer to a usual row, and not
    to one whose income and age are 0. Flags and levels are 0 or 1, and have the centre 0.

    Attributes
    ----------
    schema : Schema
    columns : tuple of q Column
    coef : ndarray of shape (q, K), per unit of the column
    intercept : ndarray of shape (K,)
    centre : ndarray of shape (q,)
        What is taken off each column before its coefficient multiplies it.
    mean, scale : ndarrays of shape (q,)
        Weighted mean and standard deviation of each column in the rows of fitting.
    base : dict of feature name to its base level
    classes : ndarray of shape (k,), or None in regression
        With two classes there is one output, the logit of the second.
    spread : dict of feature name to the standard deviation of its contribution, summed over outputs
    """

    schema: Schema
    columns: tuple[Column, ...]
    coef: Array
    intercept: Array
    centre: Array
    mean: Array
    scale: Array
    base: dict[str, Any]
    classes: NDArray[Any] | None
    spread: dict[str, float]

    @property
    def outputs(self) -> list[Any]:
        """What each output is called: a class, or its number."""
        if self.classes is None:
            return list(range(len(self.intercept)))
        return self.classes[1:].tolist() if len(self.classes) == 2 else self.classes.tolist()

    @property
    def scale_name(self) -> str:
        """What contributions sum to: ``"logit"`` or ``"value"``."""
        return "value" if self.classes is None else "logit"

    @property
    def at_mean(self) -> Array:
        """What each column adds to each output on the mean over the rows of fitting, ``(q, K)``."""
        return (self.mean - self.centre)[:, None] * self.coef

    def contributions(self, X: pd.DataFrame) -> dict[str, Array]:
        """Per feature in the model, ``(n, K)``: the sum of its coefficients times its columns."""
        out: dict[str, Array] = {}
        for j, column in enumerate(self.columns):
            numbers = self.schema.column(X, column.feature)
            values = column_values(column, self.schema[column.feature], numbers) - self.centre[j]
            added = values[:, None] * self.coef[j]
            out[column.feature] = out[column.feature] + added if column.feature in out else added
        return out

    def predictor(self, X: pd.DataFrame) -> Array:
        """Linear predictor ``(n, K)``: added up in the order shown, row by row, so that a batch changes no bit."""
        eta = np.tile(self.intercept, (len(X), 1))
        numbers: dict[str, Array] = {}
        for j, column in enumerate(self.columns):
            if column.feature not in numbers:
                numbers = {column.feature: self.schema.column(X, column.feature)}
            values = column_values(column, self.schema[column.feature], numbers[column.feature])
            eta += (values - self.centre[j])[:, None] * self.coef[j]
        return eta

    def table(self) -> pd.DataFrame:
        """One row per intercept and coefficient: ``term, feature, output, coefficient, standardised, centre``."""
        rows: list[tuple[Any, ...]] = []
        for k, output in enumerate(self.outputs):
            at_mean = self.intercept[k] + self.at_mean[:, k].sum()
            rows.append(("(intercept)", "", output, self.intercept[k], at_mean, 0.0))
            for j, column in enumerate(self.columns):
                if self.coef[j, k] != 0:
                    term = self._words(column)
                    sizes = (self.coef[j, k], self.coef[j, k] * self.scale[j], self.centre[j])
                    rows.append((term, column.feature, output, *sizes))
        return pd.DataFrame(rows, columns=["term", "feature", "output", "coefficient", "standardised", "centre"])

    def explain(self, X: pd.DataFrame) -> pd.DataFrame:
        """Contributions beside a usual row; see :class:`explaindistill.protocols.Student`.

        Numbers count from the centres that :meth:`describe` shows, so that both say the same; flags and levels, which
        have none, from their share of the rows of fitting.
        """
        parts = self.contributions(X)
        usual = {f: np.zeros(len(self.intercept)) for f in parts}
        for j, column in enumerate(self.columns):
            if column.is_binary:
                usual[column.feature] = usual[column.feature] + self.mean[j] * self.coef[j]
        start = self.intercept + sum(usual.values(), np.zeros(len(self.intercept)))
        pieces = [_piece(len(X), 0, "(base)", ["a usual row"] * len(X), self.outputs, np.tile(start, (len(X), 1)))]
        for step, (name, effect) in enumerate(parts.items(), start=1):
            words = [f"{name} = {self.schema[name].shown(v)}" for v in self.schema.column(X, name)]
            pieces.append(_piece(len(X), step, name, words, self.outputs, effect - usual[name]))
        frame = pd.concat(pieces, ignore_index=True)
        frame["place"] = np.tile(np.arange(len(self.outputs)), len(frame) // len(self.outputs))
        frame = frame.sort_values(["row", "place", "step"], kind="stable", ignore_index=True).drop(columns="place")
        frame.attrs["scale"] = self.scale_name
        return frame

    def importance(self) -> pd.DataFrame:
        """Share of each feature in the sum of standard deviations of contributions."""
        spread = np.array([self.spread.get(name, 0.0) for name in self.schema.names])
        total = spread.sum()
        return pd.DataFrame({"feature": self.schema.names, "estimate": spread / total if total > 0 else spread})

    def complexity(self, n_bytes: int) -> Complexity:
        """Terms are columns with a coefficient; parameters are coefficients and intercepts."""
        levels = sum(c.operation == "level" for c in self.columns)
        return Complexity(
            family="linear",
            n_parameters=int((self.coef != 0).sum()) + len(self.intercept),
            n_features=len({c.feature for c in self.columns}),
            n_bytes=n_bytes,
            n_terms=len(self.columns),
            n_lines=len(self.columns),
            n_numbers=int((self.coef != 0).sum()) + len(self.intercept) + levels,
        )

    def describe(self, target: str | None = None) -> str:
        """Return the sums, strongest term first, and the rules for missing values and levels; ``target`` names them."""
        lines = []
        for k, output in enumerate(self.outputs):
            lines.append(f"{self._left_side(output, target)} =")
            lines.append(f"    {float(self.intercept[k])!r}")
            for j in np.argsort(-np.abs(self.coef[:, k] * self.scale), kind="stable"):
                if self.coef[j, k] != 0:
                    lines.append(f"    {self._addend(int(j), k)}")
        if self.classes is not None:
            lines.append(self._probability_rule(target))
        return "\n".join(lines + self._notes())

    def _addend(self, j: int, k: int) -> str:
        coefficient, column = float(self.coef[j, k]), self.columns[j]
        sign, size, words = "-" if coefficient < 0 else "+", repr(abs(coefficient)), self._words(column)
        if column.is_binary:
            return f"{sign} {size} if {words}"
        return f"{sign} {size} × {counted_from(words, self.centre[j])}"

    def _words(self, column: Column) -> str:
        return column.words(self.schema[column.feature])

    def _left_side(self, output: Any, target: str | None) -> str:
        if self.classes is not None:
            return f"{'log-odds' if len(self.classes) == 2 else 'score'} of {class_name(output, target)}"
        return value_name(target, output, len(self.intercept))

    def _probability_rule(self, target: str | None) -> str:
        assert self.classes is not None
        if len(self.classes) == 2:
            return f"probability of {class_name(self.classes.tolist()[1], target)} = 1 / (1 + exp(-log-odds))"
        return "probability of a class = exp(its score) / sum of exp(scores)"

    def _notes(self) -> list[str]:
        used = {c.feature for c in self.columns}
        flagged = {c.feature for c in self.columns if c.operation == "missing"}
        adds_nothing = {feature: f"adds nothing{' else' if feature in flagged else ''}" for feature in used}
        notes = [
            f"a missing {c.feature} {adds_nothing[c.feature] if c.fill == centre else f'counts as {c.fill!r}'}"
            for c, centre in zip(self.columns, self.centre.tolist(), strict=True)
            if c.operation == "value" and self.schema[c.feature].nullable
        ]
        notes += [f"{f}: any other level counts as {level}" for f, level in self.base.items() if f in used]
        return [f"note: {note}" for note in notes]

    def to_dict(self) -> dict[str, Any]:
        """JSON form without its header; ``predictor = intercept + sum of coefficient x (column - centre)``."""
        return {
            "schema": self.schema.to_dict(),
            "classes": None if self.classes is None else [plain(c) for c in self.classes],
            "intercept": self.intercept.tolist(),
            "columns": [
                c.to_dict() | {"level": plain(c.level)} if c.level is not None else c.to_dict() for c in self.columns
            ],
            "coefficients": self.coef.tolist(),
            "centre": self.centre.tolist(),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "base": {k: plain(v) for k, v in self.base.items()},
            "spread": self.spread,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LinearModel:
        """Inverse of :meth:`to_dict`; runs no code."""
        columns = tuple(Column.from_dict(c) for c in data["columns"])
        K = len(data["intercept"])
        return cls(
            schema=Schema.from_dict(data["schema"]),
            columns=columns,
            coef=np.array(data["coefficients"], dtype=float).reshape(len(columns), K),
            intercept=np.array(data["intercept"], dtype=float),
            centre=np.array(data.get("centre", np.zeros(len(columns))), dtype=float),
            mean=np.array(data["mean"], dtype=float),
            scale=np.array(data["scale"], dtype=float),
            base=dict(data["base"]),
            classes=None if data["classes"] is None else np.array(data["classes"]),
            spread=dict(data["spread"]),
        )


@dataclass(frozen=True, eq=False)
class FittedRows:
    """The rows of a fit as columns of numbers: q columns before those without a coefficient go.

    Attributes
    ----------
    schema : Schema
    columns : list of q Column
    parts : Partitions of ``numerics.linear.part_sums.RowsOfPart``
    mean, scale : ndarrays of shape (q,)
        Weighted mean and standard deviation of each column.
    base : dict of feature name to its base level
    """

    schema: Schema
    columns: list[Column]
    parts: Partitions
    mean: Array
    scale: Array
    base: dict[str, Any]


def fitted_model(fit: LinearFit, rows: FittedRows, classes: NDArray[Any] | None, digits: int | None) -> LinearModel:
    r"""Bring a standardised fit into the user's units and round it to what is shown.

    Of :math:`\eta_k = a_k + \sum_q z_q b_{qk}` with :math:`z_q = (x_q - m_q) / s_q` the coefficients per unit are
    :math:`\beta_{qk} = b_{qk} / s_q`, and with centres :math:`c_q`, short numbers near :math:`m_q`, the intercept is
    :math:`a_k - \sum_q (m_q - c_q) \beta_{qk}`. Coefficients keep
    ``digits`` significant digits. The intercept then moves so that the mean over the rows of fitting stays, and is
    rounded to ``digits`` digits of the spread of the sum.
    """
    used = np.flatnonzero((fit.coef != 0).any(axis=1) & (rows.scale > 0))
    mean, scale = rows.mean[used], rows.scale[used]
    coef = fit.coef[used] / scale[:, None]
    columns = tuple(rows.columns[q] for q in used)
    centre = np.array([0.0 if c.is_binary or c.fill is None else c.fill for c in columns])
    intercept = fit.intercept - (mean - centre) @ coef
    names = dict.fromkeys(c.feature for c in columns)
    same = [list(range(len(columns)))] + [[i for i, c in enumerate(columns) if c.feature == name] for name in names]
    if digits is not None:
        coef = significant(coef, digits)
    spread = _spreads(rows, used, coef, same)
    if digits is not None:
        intercept = _decimals(fit.intercept - (mean - centre) @ coef, spread[0], digits)
    spreads = dict(zip(names, (float(s.sum()) for s in spread[1:]), strict=True))
    return LinearModel(rows.schema, columns, coef, intercept, centre, mean, scale, rows.base, classes, spreads)


def _spreads(rows: FittedRows, used: NDArray[np.intp], coef: Array, sets: list[list[int]]) -> Array:
    """Standard deviations ``(len(sets), K)`` of the sums over some of the columns in use."""
    standard = coef * rows.scale[used][:, None]
    return np.asarray(np.sqrt(rows.parts.ask(_squares, used, standard, sets, reduce=added).value()))


def _squares(part: RowsOfPart, used: NDArray[np.intp], coef: Array, sets: list[list[int]]) -> ExactSum:
    """Weighted squares of the sums of a part."""
    out = ExactSum.of(np.zeros((0, len(sets), coef.shape[1])))
    for lines, _, w in part.opened().over(used):
        sums = np.zeros((len(lines), len(sets), coef.shape[1]))
        for i, same in enumerate(sets):
            for j in same:
                sums[:, i] += lines[:, j : j + 1] * coef[j]
        out += ExactSum.of(w[:, None, None] * sums**2)
    return out


def _decimals(values: Array, spread: Array, digits: int) -> Array:
    """Round intercepts ``(K,)`` to so many digits of the spread of their sums, ``digits - 1 - floor(log10(spread))``.

    Their own size says nothing: 1,000.2 beside contributions of 0.1 needs its decimals. A sum without terms is its
    intercept, which nothing else makes up for: it has :data:`ALONE_DIGITS` digits of its own size at least. Places are
    held within what a float has.
    """
    size = np.where(spread > 0, spread, np.maximum(np.abs(values), 1e-300))
    places = np.where(spread > 0, digits, max(digits, ALONE_DIGITS)) - 1 - np.floor(np.log10(size)).astype(int)
    return np.array([float(np.round(v, min(max(k, -300), 300))) for v, k in zip(values, places.tolist(), strict=True)])


def _piece(n: int, step: int, term: str, words: list[str], outputs: list[Any], added: Array) -> pd.DataFrame:
    """Lines of one term for all rows and outputs."""
    K = len(outputs)
    return pd.DataFrame(
        {
            "row": np.repeat(np.arange(n), K),
            "step": step,
            "term": term,
            "reason": np.repeat(np.array(words, dtype=object), K),
            "output": np.tile(np.array(outputs), n),
            "contribution": added.ravel(),
        }
    )
