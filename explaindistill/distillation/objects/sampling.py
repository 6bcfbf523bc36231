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
from explaindistill.distillation.corpus import ALL, QueryPlan
from explaindistill.distillation.made_rows import FitRows
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.distillation.stable import FACTORS
from explaindistill.errors import InvalidInputError

__all__ = ["made_objects", "object_plan", "stable_object_plan"]


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
    if plan.query_strategy != "random":
        raise InvalidInputError(
            f'query_strategy must be "random" with domain=, got {plan.query_strategy!r}: rows are chosen by their '
            "columns, and objects have some only when the teacher has answered; n_queries= asks a random share of them"
        )
    if plan.proxy is not None:
        raise InvalidInputError(
            f"proxy must be None with domain=, got {plan.proxy!r}: it answers rows of a table; n_queries= asks less"
        )
    if isinstance(plan.sampler, str):
        raise InvalidInputError(
            f"sampler must be None or a sampler of objects with domain=, got {plan.sampler!r}; a domain names its own, "
            'as ImageDomain(sampling="paste") does'
        )
    if plan.n_queries == ALL:
        return plan
    sampler = domain.sampler() if plan.sampler is None else plan.sampler
    if sampler is None:
        return plan
    if "schema" in inspect.signature(sampler.fit).parameters:
        raise InvalidInputError(
            f"sampler must make objects of the domain, and {type(sampler).__name__} makes rows of a table; leave it "
            "None for the domain's own, or give one with fit(objects, P) and draw(n, rng)"
        )
    return replace(plan, sampler=sampler)


def stable_object_plan(n_objects: int, sampler: Any, domain: Any) -> QueryPlan:
    """The first questions of a fit to objects that is enlarged until its student no longer changes.

    Raises
    ------
    InvalidInputError
        If nothing makes objects.
    """
    plan = object_plan(QueryPlan(FACTORS[0] * n_objects, sampler=sampler), domain)
    if plan.sampler is None:
        who = type(domain).__name__
        raise InvalidInputError(
            f'n_queries="stable" makes objects until the student no longer changes, and this {who} makes none; give '
            'sampler= or a domain that makes some, or leave n_queries at "auto"'
        )
    return plan


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
