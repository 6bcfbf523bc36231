"""Leaf top-up: ask further questions inside the leaves that have too few rows, without moving any mass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.data.targets import SoftTargets

__all__ = ["LEAF_ROWS", "top_up"]

LEAF_ROWS = 60
"""Rows that a leaf should have; a leaf's value and its next split are noise on fewer."""
LOCAL_ROWS = 8
"""Rows from which on a sampler is fitted to the leaf alone."""
PROPOSALS = 20
"""Rows drawn per row that is wanted, at most."""

Route = Callable[[pd.DataFrame], NDArray[np.intp]]


def top_up(
    targets: SoftTargets,
    route: Route,
    ask: Callable[[pd.DataFrame], NDArray[np.float64]],
    sampler: Any,
    schema: Any,
    n_more: int,
    rng: np.random.Generator,
    leaf_rows: int = LEAF_ROWS,
) -> SoftTargets:
    """Add rows to the leaves that have fewer than ``leaf_rows``.

    Rows are drawn by ``sampler`` from the rows of the leaf (from all rows where it has too few), kept where they
    fall into it, and share the weight the leaf had: the corpus says more about the leaf, not that there is more of it.

    Parameters
    ----------
    targets : SoftTargets of n rows
    route : callable
        Rows to leaf numbers ``(n,)``.
    ask : callable
        Rows to answers; called once.
    sampler : Sampler
        Cloned and fitted anew.
    n_more : int
        Most rows that are asked.

    Returns
    -------
    SoftTargets
        The rows given, reweighted, and up to ``n_more`` new ones.

    Examples
    --------
    >>> from explaindistill.samplers.munge import MungeSampler
    >>> from explaindistill.data.schema import Schema
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 100)})
    >>> targets = SoftTargets(X, X["x"].to_numpy(), np.ones(100), np.full(100, "observed"), None, 100)
    >>> more = top_up(targets, lambda rows: (rows["x"] > 0.9).to_numpy().astype(int), lambda rows: rows["x"].to_numpy(),
    ...               MungeSampler(), Schema.infer(X), 20, np.random.default_rng(0), leaf_rows=25)
    >>> len(more) > len(targets), bool(more.X["x"][100:].gt(0.9).all()), float(more.weight.sum().round(6))
    (True, True, 100.0)
    """
    leaves = route(targets.X)
    numbers, count = np.unique(leaves, return_counts=True)
    starved = numbers[np.argsort(count, kind="stable")]
    parts: list[pd.DataFrame] = []
    weight = targets.weight.copy()
    added: list[NDArray[np.float64]] = []
    for leaf in starved:
        inside = leaves == leaf
        wanted = min(leaf_rows - int(inside.sum()), n_more - sum(map(len, parts)))
        if wanted <= 0:
            continue
        rows = _rows_inside(targets.X, inside, leaf, route, sampler, schema, wanted, rng)
        if len(rows) == 0:
            continue
        share = weight[inside].sum() / (inside.sum() + len(rows))
        weight[inside] *= share * inside.sum() / weight[inside].sum()
        parts.append(rows)
        added.append(np.full(len(rows), share))
    if not parts:
        return targets
    new = pd.concat(parts, ignore_index=True)
    return replace(
        targets,
        X=pd.concat([targets.X, new], ignore_index=True),
        P=np.concatenate([targets.P, ask(new)]),
        weight=np.concatenate([weight, *added]),
        origin=np.concatenate([targets.origin, np.full(len(new), "synthetic")]),
        n_queries=targets.n_queries + len(new),
    )


def _rows_inside(
    X: pd.DataFrame,
    inside: NDArray[np.bool_],
    leaf: int,
    route: Route,
    sampler: Any,
    schema: Any,
    wanted: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Up to ``wanted`` new rows, different from each other and from ``X``, that fall into the leaf."""
    local = inside if inside.sum() >= LOCAL_ROWS else np.ones(len(X), dtype=bool)
    fitted = clone(sampler, safe=False).fit(X.loc[local].reset_index(drop=True), schema)
    rows = fitted.sample(PROPOSALS * wanted, rng)
    rows = rows.loc[route(rows) == leaf]
    both = np.concatenate([row_keys(X), row_keys(rows)]) if len(rows) else row_keys(X)
    first = distinct(both)[0]
    new = np.sort(first[first >= len(X)]) - len(X)
    return rows.iloc[new[:wanted]]
