"""A fitted model tree: routing, linear predictors, words. What `describe` shows is what `predict` adds up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.design import Column, column_values
from explaindistill.data.literals import Literal, counted_from, name_words
from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError

__all__ = ["LeafTerm", "LinearTreeModel", "LinearTreeNode"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LeafTerm:
    """A column of numbers in a leaf's model, as it is added up: ``clip(value, low, high) - centre``.

    Numbers are held at the ends of the range seen in fitting and counted from ``centre``, so that a missing value adds
    nothing; flags and levels are 0 or 1 (``centre`` 0).
    """

    column: Column
    centre: float = 0.0
    low: float = 0.0
    high: float = 1.0

    def values(self, feature: Feature, numbers: Floats) -> Floats:
        """Values ``(n,)`` from the encoded numbers of its feature."""
        raw = column_values(self.column, feature, numbers)
        return raw if self.column.is_binary else np.clip(raw, self.low, self.high) - self.centre

    def words(self, feature: Feature) -> str:
        """Show it as a factor in a formula."""
        if self.column.is_binary:
            return f"[{self.column.words(feature)}]"
        return counted_from(_quantity(feature), self.centre)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"column": self.column.to_dict(), "centre": self.centre, "low": self.low, "high": self.high}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LeafTerm:
        """Inverse of :meth:`to_dict`."""
        numbers = {k: float(data[k]) for k in ("centre", "low", "high")}
        return cls(Column.from_dict(data["column"]), **numbers)


def _quantity(feature: Feature) -> str:
    """A number of a formula: the name of its column, and the unit of a date."""
    return name_words(feature.name) + (" (days since 1970)" if feature.kind == "datetime" else "")


@dataclass(frozen=True)
class LinearTreeNode:
    """A question or a leaf, and what it adds to every row below it.

    Attributes
    ----------
    feature : int, -1 in a leaf
    threshold : float or None
        Numbers: ``x <= threshold`` goes left; infinite where every known value does (``"known"`` in JSON).
    listed : tuple of int
        Categories: codes of the smaller set, which goes to the side ``listed_left``; all others, unseen ones too, to
        the other.
    missing_left : bool
    left, right : int
    intercept : tuple of float, one per output
        Leaves only.
    terms : tuple of (term, output, coefficient)
    share : float
        Share of the weight seen in fitting.
    cost : float
        Numbers that the question costs.
    observed : int, optional
        Rows of fitting that are real, where others were made up; None where nobody said so.
    """

    feature: int = -1
    threshold: float | None = None
    listed: tuple[int, ...] = ()
    listed_left: bool = True
    missing_left: bool = False
    left: int = -1
    right: int = -1
    intercept: tuple[float, ...] = ()
    terms: tuple[tuple[int, int, float], ...] = ()
    share: float = 1.0
    cost: float = 0.0
    observed: int | None = None

    def goes_left(self, numbers: Floats) -> NDArray[np.bool_]:
        """Answer the question for encoded numbers of its feature."""
        missing = np.isnan(numbers)
        if self.threshold is not None:
            with np.errstate(invalid="ignore"):
                yes = numbers <= self.threshold
        else:
            yes = np.isin(numbers, self.listed) == self.listed_left
        return np.asarray(np.where(missing, self.missing_left, yes))

    def question(self, feature: Feature, left: bool) -> str:
        """Answer to the question on one side, in words; missing values are spoken of where fitting has seen some."""
        missing = feature.nullable and left == self.missing_left
        if self.threshold is None:
            side = Literal(self.feature, codes=self.listed, inside=left == self.listed_left, missing=missing)
        elif left:
            side = Literal(self.feature, high=self.threshold, missing=missing)
        else:
            side = Literal(self.feature, low=self.threshold, missing=missing)
        return side.words(feature)


@dataclass(frozen=True)
class LinearTreeModel:
    """Nodes (the root first), terms, and the schema they speak about."""

    schema: Schema
    terms: tuple[LeafTerm, ...]
    nodes: tuple[LinearTreeNode, ...]
    n_outputs: int
    importance: tuple[float, ...] = field(default=())

    @property
    def shown(self) -> tuple[list[float], str]:
        """Share of each node for who reads, and of whose rows: the real ones', where that is known."""
        total = self.nodes[0].observed
        if not total:
            return [n.share for n in self.nodes], "rows of fitting" if total is None else "made-up rows of fitting"
        return [(n.observed or 0) / total for n in self.nodes], "observed rows of fitting"

    def with_observed(self, X: pd.DataFrame | None) -> LinearTreeModel:
        """The same tree, which counts the real rows of its fit; None where all were made up."""
        counts = dict.fromkeys(range(len(self.nodes)), 0)
        if X is not None:
            counts.update((v, len(rows)) for v, rows in self.walk(self.columns(X), len(X)))
        return replace(self, nodes=tuple(replace(n, observed=counts[v]) for v, n in enumerate(self.nodes)))

    def columns(self, X: pd.DataFrame) -> dict[int, Floats]:
        """Encoded numbers of the features that the tree uses; an unseen value of an order counts as missing."""
        out = {}
        for i in self.used():
            numbers = self.schema.column(X, i)
            out[i] = np.where(numbers < 0, np.nan, numbers) if self.schema[i].kind == "ordered" else numbers
        return out

    def used(self) -> list[int]:
        """Positions of the features that the tree uses."""
        names = self.schema.names
        split_on = {n.feature for n in self.nodes if n.feature >= 0}
        added = {names.index(self.terms[t].column.feature) for n in self.nodes for t, _, _ in n.terms}
        return sorted(split_on | added)

    def walk(self, columns: Mapping[int, Floats], n: int, start: int = 0) -> Iterator[tuple[int, Ints]]:
        """Every node with the rows that reach it, parents first."""
        waiting = [(start, np.arange(n))]
        while waiting:
            v, rows = waiting.pop()
            yield v, rows
            node = self.nodes[v]
            if node.feature >= 0:
                yes = node.goes_left(columns[node.feature][rows])
                waiting += [(node.right, rows[~yes]), (node.left, rows[yes])]

    def added(self, v: int, columns: Mapping[int, Floats], rows: Ints) -> Iterator[tuple[int, int, float, Floats]]:
        """What a node adds: (term, output, coefficient, contributions)."""
        for t, k, coefficient in self.nodes[v].terms:
            term = self.terms[t]
            i = self.schema.names.index(term.column.feature)
            yield t, k, coefficient, coefficient * term.values(self.schema[i], columns[i][rows])

    def predictors(self, X: pd.DataFrame) -> Floats:
        """Linear predictors ``eta_ik = a_lk + sum_vt beta_vtk z_t(x_i)`` ``(n, K)``, v above row i's leaf l."""
        columns, n = self.columns(X), len(X)
        out = np.zeros((n, self.n_outputs))
        self._add(out, columns, n, 0)
        return out

    def _add(self, out: Floats, columns: Mapping[int, Floats], n: int, start: int) -> None:
        for v, rows in self.walk(columns, n, start):
            if self.nodes[v].feature < 0:
                out[rows] += np.array(self.nodes[v].intercept)
            for _, k, _, values in self.added(v, columns, rows):
                out[rows, k] += values

    def leaves(self, X: pd.DataFrame) -> Ints:
        """LinearTreeNode number ``(n,)`` of the leaf of each row."""
        out = np.zeros(len(X), dtype=np.int64)
        for v, rows in self.walk(self.columns(X), len(X)):
            out[rows] = v
        return out

    def path(self, leaf: int) -> list[int]:
        """Nodes from the root down to a leaf."""
        parent = {child: v for v, n in enumerate(self.nodes) if n.feature >= 0 for child in (n.left, n.right)}
        out = [leaf]
        while out[-1] in parent:
            out.append(parent[out[-1]])
        return out[::-1]

    def reasons(self, leaf: int) -> str:
        """Answers on the path to a leaf, in words."""
        path = self.path(leaf)
        steps = [
            self.nodes[v].question(self.schema[self.nodes[v].feature], self.nodes[v].left == child)
            for v, child in pairwise(path)
        ]
        return " and ".join(steps) if steps else "everywhere"

    def explain(self, X: pd.DataFrame, outputs: list[Any]) -> pd.DataFrame:
        """One line per row, reason and output; contributions sum to the linear predictor."""
        parts = []
        columns = self.columns(X)
        for leaf, rows in self.walk(columns, len(X)):
            if self.nodes[leaf].feature < 0 and len(rows):
                parts.append(self._explain_leaf(leaf, rows, columns, outputs))
        frame = pd.concat(parts, ignore_index=True)
        return frame.sort_values(["row", "output_position", "step"], ignore_index=True).drop(columns="output_position")

    def _explain_leaf(self, leaf: int, rows: Ints, columns: Mapping[int, Floats], outputs: list[Any]) -> pd.DataFrame:
        """Lines of the rows of one leaf: its intercept, then each term on its path with its summed coefficient."""
        sums = self.formula(leaf)
        parts = []
        names = np.array(outputs, dtype=object)
        for k in range(self.n_outputs):
            lines: list[tuple[str, Any, Floats]] = [
                ("(base)", self.reasons(leaf), np.full(len(rows), self.nodes[leaf].intercept[k]))
            ]
            for (t, output), coefficient in sums.items():
                if output == k:
                    term = self.terms[t]
                    feature = self.schema[term.column.feature]
                    values = term.values(feature, columns[self.schema.names.index(feature.name)][rows])
                    reason = [f"{coefficient:+.12g} × {term.words(feature)}, which is {v:.6g}" for v in values]
                    lines.append((term.column.words(feature), reason, coefficient * values))
            for step, (name, reason, values) in enumerate(lines):
                parts.append(
                    pd.DataFrame(
                        {"row": rows, "step": step, "term": name, "reason": reason, "output": names[k]}
                        | {"contribution": values, "output_position": k}
                    )
                )
        return pd.concat(parts, ignore_index=True)

    def formula(self, leaf: int) -> dict[tuple[int, int], float]:
        """Coefficient of each (term, output) in a leaf: the sum over its path."""
        sums: dict[tuple[int, int], float] = {}
        for v in self.path(leaf):
            for t, k, coefficient in self.nodes[v].terms:
                sums[t, k] = sums.get((t, k), 0.0) + coefficient
        # a sum of numbers of four digits may end in 0.30000000000000004, which no reader should see
        return {key: round(value, 14) for key, value in sums.items()}

    def text(self, outputs: list[str], what: str) -> list[str]:
        """Lines of an indented text; a leaf shows all that applies there: the sums of the coefficients on its path."""
        lines: list[str] = []
        self._text(0, 0, outputs, what, lines)
        return lines + self._limits()

    def _limits(self) -> list[str]:
        """What each number is held at, and what a missing one adds: a formula is not whole without them."""
        lines = {}
        for t in sorted({t for node in self.nodes for t, _, _ in node.terms}):
            term = self.terms[t]
            if not term.column.is_binary:
                name = _quantity(self.schema[term.column.feature])
                held = f"{name} counts as at least {term.low:.12g} and at most {term.high:.12g}"
                lines[name] = f"{held}; missing adds nothing"
        return list(lines.values())

    def _text(self, v: int, depth: int, outputs: list[str], what: str, lines: list[str]) -> None:
        node, pad = self.nodes[v], "    " * depth
        if node.feature >= 0:
            feature = self.schema[node.feature]
            lines.append(f"{pad}if {node.question(feature, True)}:")
            self._text(node.left, depth + 1, outputs, what, lines)
            lines.append(f"{pad}else ({node.question(feature, False)}):")
            self._text(node.right, depth + 1, outputs, what, lines)
            return
        summands = [[f"{b:.12g}"] for b in node.intercept]
        for (t, k), coefficient in self.formula(v).items():
            term = self.terms[t]
            summands[k].append(f"{coefficient:+.12g} × {term.words(self.schema[term.column.feature])}")
        for name, numbers in zip(outputs, summands, strict=True):
            lines.append(f"{pad}{f'{what} {name}'.strip()} = {' '.join(numbers)}  [{self.shown[0][v]:.1%} of rows]")

    def depth(self) -> int:
        """Splits on the longest path."""
        return max(len(self.path(v)) - 1 for v, n in enumerate(self.nodes) if n.feature < 0)

    def with_importance(self, X: pd.DataFrame, weight: Floats) -> LinearTreeModel:
        """Add how far each feature moves the linear predictor on these rows, as shares that sum to 1.

        A coefficient counts the mean absolute distance of its contribution from its mean,
        ``sum_i w_i |c_i - mean c|``. A question counts half the mean absolute difference between the predictor of the
        side that a row takes and of the other side, ``sum_i w_i |eta_left(x_i) - eta_right(x_i)| / 2``: half, as a
        question that splits the rows evenly then counts as much as a coefficient that moves them as far.
        """
        columns, n = self.columns(X), len(X)
        moved = np.zeros(len(self.schema))
        total: dict[tuple[int, int], Floats] = {}
        for v, rows in self.walk(columns, n):
            for t, k, _, values in self.added(v, columns, rows):
                total.setdefault((t, k), np.zeros(n))[rows] += values
            node = self.nodes[v]
            if node.feature >= 0 and len(rows):
                inside = {i: c[rows] for i, c in columns.items()}
                sides = np.zeros((2, len(rows), self.n_outputs))
                self._add(sides[0], inside, len(rows), node.left)
                self._add(sides[1], inside, len(rows), node.right)
                moved[node.feature] += 0.5 * float(weight[rows] @ np.abs(sides[0] - sides[1]).sum(axis=1))
        for (t, _), values in total.items():
            i = self.schema.names.index(self.terms[t].column.feature)
            moved[i] += float(weight @ np.abs(values - np.average(values, weights=weight)))
        share = moved / moved.sum() if moved.sum() > 0 else moved
        return replace(self, importance=tuple(float(s) for s in share))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; missing fields have their defaults."""
        empty = vars(LinearTreeNode())
        nodes = [{k: v for k, v in vars(n).items() if v != empty[k] or k == "share"} for n in self.nodes]
        for node in nodes:
            if node.get("threshold") == math.inf:
                node["threshold"] = "known"
        return {
            "schema": self.schema.to_dict(),
            "terms": [t.to_dict() for t in self.terms],
            "nodes": [
                {
                    k: [list(e) if isinstance(e, tuple) else e for e in v] if isinstance(v, tuple) else v
                    for k, v in n.items()
                }
                for n in nodes
            ],
            "n_outputs": self.n_outputs,
            "importance": list(self.importance),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LinearTreeModel:
        """Inverse of :meth:`to_dict`."""
        nodes = []
        for stored in data["nodes"]:
            row = dict(stored)
            if row.get("threshold") == "known":
                row["threshold"] = math.inf
            row["listed"] = tuple(int(c) for c in row.get("listed", ()))
            row["intercept"] = tuple(float(b) for b in row.get("intercept", ()))
            row["terms"] = tuple((int(t), int(k), float(c)) for t, k, c in row.get("terms", ()))
            nodes.append(LinearTreeNode(**row))
        children = [child for n in nodes if n.feature >= 0 for child in (n.left, n.right)]
        later = all(min(n.left, n.right) > i for i, n in enumerate(nodes) if n.feature >= 0)
        if not later or sorted(children) != list(range(1, len(nodes))):
            raise InvalidInputError("the form of a model tree is damaged: its nodes are no tree")
        terms = tuple(LeafTerm.from_dict(t) for t in data["terms"])
        importance = tuple(float(s) for s in data["importance"])
        return cls(Schema.from_dict(data["schema"]), terms, tuple(nodes), int(data["n_outputs"]), importance)
