"""Made-up objects as rows: what a domain's sampler draws, beside the ordinary columns of a parent."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.data.row_keys import KeyedRows
from explaindistill.distillation.corpus import QueryPlan
from explaindistill.distillation.made_rows import FitRows
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.errors import InvalidInputError

__all__ = ["made_objects", "object_plan"]


def object_plan(plan: QueryPlan, domain: Any) -> QueryPlan:
    """What is asked about objects: as they come, and made-up ones of the sampler given, else of the domain's own.

    Raises
    ------
    InvalidInputError
        For a sampler that makes rows of a table, and whatever else chooses rows by columns that are not there yet.

    Examples
    --------
    >>> from explaindistill.samplers.munge import MungeSampler
    >>> object_plan(QueryPlan(sampler=MungeSampler()), None)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: sampler must make objects of the domain, and MungeSampler makes rows ...
    """
    if not plan.is_plain or isinstance(plan.sampler, str):
        raise InvalidInputError(
            "with domain= objects are asked as they come: leave proxy and sampler at None and query_strategy at "
            f'"random", got proxy={plan.proxy!r}, sampler={plan.sampler!r} and query_strategy={plan.query_strategy!r}'
        )
    sampler = domain.sampler() if plan.sampler is None else plan.sampler
    if sampler is None:
        return plan
    if "schema" in inspect.signature(sampler.fit).parameters:
        raise InvalidInputError(
            f"sampler must make objects of the domain, and {type(sampler).__name__} makes rows of a table; leave it "
            "None for the domain's own, or give one with fit(objects, P) and draw(n, rng)"
        )
    return replace(plan, sampler=sampler)


def made_objects(
    sampler: Any, objects: ObjectRows, rows: FitRows, P: NDArray[np.float64], n: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Rows of up to ``n`` new objects and their weights: the mean weight of the objects each was made from.

    The ordinary columns of a new row are those of its first parent, or of any row where it has none.

    Parameters
    ----------
    sampler : sampler of objects
    objects : ObjectRows
    rows : FitRows
        Real rows.
    P : ndarray of shape (n_real, k), (n_real,) or (n_real, m)
        The teacher's answers about them.
    n : int
    rng : numpy.random.Generator

    Raises
    ------
    InvalidInputError
        If no object that comes is new.
    """
    sampler = clone(sampler, safe=False)
    sampler.fit(objects.objects(rows.frame), P)
    drawn, parents = sampler.draw(n, rng)
    parents = np.asarray(parents, dtype=np.int64).reshape(len(drawn), -1)
    named = parents >= 0
    count = named.sum(axis=1)
    total = np.where(named, rows.weight[np.where(named, parents, 0)], 0.0).sum(axis=1)
    weight = np.where(count > 0, total / np.maximum(count, 1), rows.weight.mean())
    first = parents[np.arange(len(parents)), named.argmax(axis=1)]
    first = np.where(count > 0, first, rng.integers(len(rows), size=len(parents)))
    frame = objects.replaced(rows.frame.iloc[first].reset_index(drop=True), _one_dimensional(drawn))
    real = set(rows.frame[objects.name])
    new = np.array([cell not in real for cell in frame[objects.name]], dtype=bool)
    if not new.any():
        raise InvalidInputError(
            f"the sampler {type(sampler).__name__} made {len(frame)} objects and all of them are objects that were "
            "given, so that nothing would be learnt from them; give sampler= or a domain that makes new ones, or "
            f"n_queries={len(rows.keyed.first)} to ask about the given ones alone"
        )
    keyed = KeyedRows.of(frame[new].reset_index(drop=True))
    return keyed.rows.iloc[keyed.first].reset_index(drop=True), weight[new][keyed.first]


def _one_dimensional(objects: Any) -> NDArray[np.object_]:
    """Objects in an array of one dimension, whatever holds them."""
    if isinstance(objects, np.ndarray) and objects.dtype == object and objects.ndim == 1:
        return objects
    array = np.empty(len(objects), dtype=object)
    for i, value in enumerate(objects):
        array[i] = value
    return array
