"""A fitted tree in the user's own units: where rows go, what leaves say, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.threads import n_threads, spread
from explaindistill.numerics.trees.routing import NodeQuestions, any_infinite, walk

__all__ = ["TreeModel"]

CHUNK = 1 << 12
"""Rows that walk together: their values of a few columns stay in the cache of a core."""


@dataclass(frozen=True, eq=False)
class TreeModel:
    """Nodes of a tree; node 0 is the root and children come after their parent.

    Attributes
    ----------
    schema : Schema
    feature : int64 ndarray, shape (n_nodes,)
        Column number in the schema, -1 for a leaf.
    left, right : int64 ndarrays, shape (n_nodes,)
    threshold : ndarray, shape (n_nodes,)
        ``x <= threshold`` goes left; infinity sends every number left (and missing values right); NaN for sets.
    sets : tuple of bool ndarray of shape (n_categories,), or None
        For category columns: which categories go left.
    missing_left, unseen_left : bool ndarrays, shape (n_nodes,)
    value : ndarray, shape (n_nodes, m)
        Probabilities or outputs, inner nodes included.
    count : int64 ndarray, shape (n_nodes,)
        Training rows; whole-number weights count as repetitions.
    weight : ndarray, shape (n_nodes,)
    gain : ndarray, shape (n_nodes,)
        Drop of the weighted squared error of the structure targets by the node's split.
    observed : int64 ndarray, shape (n_nodes,), optional
        Training rows that are real, where others were made up; None where nobody said so.
    """

    schema: Schema
    feature: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    threshold: NDArray[np.float64]
    sets: tuple[NDArray[np.bool_] | None, ...]
    missing_left: NDArray[np.bool_]
    unseen_left: NDArray[np.bool_]
    value: NDArray[np.float64]
    count: NDArray[np.int64]
    weight: NDArray[np.float64]
    gain: NDArray[np.float64]
    observed: NDArray[np.int64] | None = None

    @property
    def shown(self) -> tuple[NDArray[np.int64], NDArray[np.float64], str]:
        """Rows of each node and their share for who reads, and whose they are: the real ones', where that is known."""
        if self.observed is None or not self.observed[0]:
            whose = "rows of fitting" if self.observed is None else "made-up rows of fitting"
            return self.count, self.weight / self.weight[0], whose
        return self.observed, self.observed / self.observed[0], "observed rows of fitting"

    def with_observed(self, leaf: NDArray[np.int64]) -> TreeModel:
        """The same tree, which knows the leaves of the real rows of its fit."""
        n = np.bincount(leaf, minlength=len(self.feature)).astype(np.int64)
        for node in np.flatnonzero(self.feature >= 0)[::-1]:  # children come after their parent
            n[node] = n[self.left[node]] + n[self.right[node]]
        return replace(self, observed=n)

    @cached_property
    def parent(self) -> NDArray[np.int64]:
        """Parent of each node, -1 for the root."""
        parent = np.full(len(self.feature), -1)
        inner = self.feature >= 0
        parent[self.left[inner]] = parent[self.right[inner]] = np.flatnonzero(inner)
        return parent

    @cached_property
    def depth(self) -> NDArray[np.int64]:
        """Splits above each node."""
        depth = np.zeros(len(self.feature), dtype=np.int64)
        for node in range(1, len(depth)):
            depth[node] = depth[self.parent[node]] + 1
        return depth

    @property
    def in_rows(self) -> NDArray[np.float64]:
        """Weight of each node, in rows of mean weight."""
        return self.weight * (self.count[0] / self.weight[0])

    @property
    def leaves(self) -> NDArray[np.int64]:
        """Numbers of the leaves, left to right."""
        order, stack = [], [0]
        while stack:
            node = stack.pop()
            if self.feature[node] < 0:
                order.append(node)
            else:
                stack += [int(self.right[node]), int(self.left[node])]
        return np.array(order)

    @property
    def used(self) -> list[int]:
        """Column numbers that some split asks for, sorted."""
        return sorted({int(f) for f in self.feature if f >= 0})

    def goes_left(self, node: int, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Answer of a split for encoded numbers of its column (see :meth:`Schema.column`)."""
        missing = np.isnan(numbers)
        table = self.sets[node]
        if table is None:
            with np.errstate(invalid="ignore"):
                yes = numbers <= self.threshold[node]
        else:
            codes = np.where(missing, -1, numbers).astype(np.int64)
            is_seen = (codes >= 0) & (codes < len(table))
            yes = np.where(is_seen, table[np.where(is_seen, codes, 0)], self.unseen_left[node])
        return np.asarray(np.where(missing, self.missing_left[node], yes))

    def path(self, node: int) -> list[tuple[int, bool]]:
        """Splits from the root to a node: each with whether the path goes left."""
        steps = []
        while (above := int(self.parent[node])) >= 0:
            steps.append((above, bool(self.left[above] == node)))
            node = above
        return steps[::-1]

    def route(self, frame: pd.DataFrame, n_jobs: int | None = None) -> NDArray[np.int64]:
        """Leaf of each row; only the columns that the tree uses are read, a few thousand rows at a time."""
        n, used = len(frame), self.used
        if not used:
            return np.zeros(n, dtype=np.int64)
        out = np.empty(n, dtype=np.int64)
        columns = [self.schema.plain_column(frame, f) for f in used]
        questions = self._questions(used)
        parts = min(n_threads(n_jobs), -(-n // CHUNK))
        ends = np.linspace(0, n, parts + 1).astype(np.int64)

        def route_span(span: int) -> None:
            under_way = np.empty(CHUNK, dtype=np.int64)
            for start in range(ends[span], ends[span + 1], CHUNK):
                rows = slice(start, min(start + CHUNK, ends[span + 1]))
                values = np.empty((len(used), rows.stop - start))
                for into, column in zip(values, columns, strict=True):
                    into[:] = column[rows]
                if any_infinite(values):
                    for f in used:
                        self.schema.column(frame, f)  # says which column it is
                walk(values, questions, under_way[: rows.stop - start], out[rows])

        spread(route_span, range(parts), parts)
        return out

    def _questions(self, used: list[int]) -> NodeQuestions:
        leaf = self.feature < 0
        position = np.zeros(len(self.schema) + 1, dtype=np.int64)
        position[used] = np.arange(len(used))
        offsets, size = np.full(len(self.sets), -1), 0
        flat = []
        for node, table in enumerate(self.sets):
            if table is not None:
                offsets[node] = size
                flat.append(table)
                size += len(table)
        ends = offsets + np.array([0 if t is None else len(t) for t in self.sets])
        joined = np.concatenate(flat) if flat else np.empty(0, dtype=np.bool_)
        itself = np.arange(len(leaf))  # a leaf leads to itself, so that all rows of a chunk take as many steps
        children = np.stack([np.where(leaf, itself, self.right), np.where(leaf, itself, self.left)], axis=1)
        sides = self.missing_left, self.unseen_left, children
        return NodeQuestions(position[self.feature], self.threshold, offsets, ends, joined, *sides)

    def with_value(self, value: NDArray[np.float64]) -> TreeModel:
        """Return the same tree with other values."""
        return replace(self, value=value)

    def filled(self, value: NDArray[np.float64], weight: NDArray[np.float64], is_probability: bool) -> TreeModel:
        """Return the tree with the means and the weights of its nodes; probabilities sum to 1 exactly."""
        return replace(self, value=value / value.sum(axis=1, keepdims=True) if is_probability else value, weight=weight)

    def cut_at(self, leaves: set[int]) -> TreeModel:
        """Return the subtree in which these nodes are leaves; what lies below them is gone."""
        nodes, stack = [], [0]
        while stack:
            node = stack.pop()
            nodes.append(node)
            if self.feature[node] >= 0 and node not in leaves:
                stack += [int(self.right[node]), int(self.left[node])]
        nodes.sort()
        renumbered = np.full(len(self.feature) + 1, -1)
        renumbered[nodes] = np.arange(len(nodes))
        ended = np.isin(nodes, sorted(leaves))
        return TreeModel(
            schema=self.schema,
            feature=np.where(ended, -1, self.feature[nodes]),
            left=np.where(ended, -1, renumbered[self.left[nodes]]),
            right=np.where(ended, -1, renumbered[self.right[nodes]]),
            threshold=np.where(ended, np.nan, self.threshold[nodes]),
            sets=tuple(None if e else self.sets[i] for i, e in zip(nodes, ended, strict=True)),
            missing_left=self.missing_left[nodes] & ~ended,
            unseen_left=self.unseen_left[nodes] & ~ended,
            value=self.value[nodes],
            count=self.count[nodes],
            weight=self.weight[nodes],
            gain=np.where(ended, 0.0, self.gain[nodes]),
            observed=None if self.observed is None else self.observed[nodes],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON: one record per node, thresholds that are infinite as ``"known"``."""
        share = self.weight / self.weight[0]
        nodes: list[dict[str, Any]] = []
        for i in range(len(self.feature)):
            node = {
                "value": self.value[i].tolist(),
                "n": int(self.count[i]),
                "weight": float(self.weight[i]),
                "share": float(share[i]),
            }
            if self.observed is not None:
                node["observed"] = int(self.observed[i])
            if self.feature[i] >= 0:
                node |= self._split_record(i)
            nodes.append(node)
        return {"schema": self.schema.to_dict(), "nodes": nodes}

    def _split_record(self, i: int) -> dict[str, Any]:
        """JSON of one split: threshold or set, the sides of missing and unseen values, children and gain."""
        table = self.sets[i]
        rule: dict[str, Any] = (
            {"threshold": "known" if np.isinf(self.threshold[i]) else float(self.threshold[i])}
            if table is None
            else {"left_categories": np.flatnonzero(table).tolist()}
        )
        return {
            "feature": self.schema[int(self.feature[i])].name,
            **rule,
            "missing_left": bool(self.missing_left[i]),
            "unseen_left": bool(self.unseen_left[i]),
            "left": int(self.left[i]),
            "right": int(self.right[i]),
            "gain": float(self.gain[i]),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TreeModel:
        """Inverse of :meth:`to_dict`; runs no code."""
        schema, nodes = Schema.from_dict(data["schema"]), data["nodes"]
        names = schema.names
        feature = np.array([names.index(n["feature"]) if "feature" in n else -1 for n in nodes])
        sets: list[NDArray[np.bool_] | None] = []
        for node, f in zip(nodes, feature, strict=True):
            chosen = node.get("left_categories")
            table = None if chosen is None else np.zeros(len(schema[int(f)].categories), dtype=np.bool_)
            if table is not None:
                table[chosen] = True
            sets.append(table)
        _check_children(nodes)
        thresholds = [n.get("threshold", np.nan) for n in nodes]
        return cls(
            schema=schema,
            feature=feature,
            left=np.array([n.get("left", -1) for n in nodes]),
            right=np.array([n.get("right", -1) for n in nodes]),
            threshold=np.array([np.inf if t == "known" else t for t in thresholds], dtype=np.float64),
            sets=tuple(sets),
            missing_left=np.array([n.get("missing_left", False) for n in nodes]),
            unseen_left=np.array([n.get("unseen_left", False) for n in nodes]),
            value=np.array([n["value"] for n in nodes], dtype=np.float64),
            count=np.array([n["n"] for n in nodes]),
            weight=np.array([n["weight"] for n in nodes], dtype=np.float64),
            gain=np.array([n.get("gain", 0.0) for n in nodes], dtype=np.float64),
            observed=np.array([n["observed"] for n in nodes]) if all("observed" in n for n in nodes) else None,
        )


def _check_children(nodes: Any) -> None:
    """Every node but the first hangs below exactly one node that stands before it: else a walk would never end."""
    children = [n[side] for n in nodes if "feature" in n for side in ("left", "right")]
    later = all(n[side] > i for i, n in enumerate(nodes) if "feature" in n for side in ("left", "right"))
    if not later or not all(isinstance(c, int) for c in children) or sorted(children) != list(range(1, len(nodes))):
        raise InvalidInputError("the form of a tree is damaged: its nodes are no tree")
