"""A fit to rows in partitions: every real row is asked where it lies, and what the student needs of it adds up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.budget import Budget
from explaindistill.asking.on_workers import asked_alone, check_workers, count_here
from explaindistill.asking.questions import Questions
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.named_columns import is_name
from explaindistill.data.parts import AnsweredPart, PartOfRows, column_summaries, evidence_of, schema_of
from explaindistill.data.row_keys import KeyedRows, RowIdentity
from explaindistill.data.schema import Feature, Schema
from explaindistill.data.student_view import StudentView
from explaindistill.data.weights import as_weights, check_sizes
from explaindistill.distillation.corpus import ALL, Corpus
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.numerics.sums import added, added_each, concatenated
from explaindistill.protocols import Partitions

__all__ = [
    "FittedParts", "PartPrediction", "check_partitions", "fit_to_parts", "names_of_parts", "seen_names",
]  # fmt: skip

MOST_KEYS = 100_000
"""Keys of rows that a fit keeps for the audit: 1.6 MB, whatever the number of rows."""


def check_partitions(distiller: Any, y: Any, sample_weight: Any) -> None:
    """Refuse what rows in partitions cannot do, before anything is read.

    Raises
    ------
    InvalidInputError
        The message says what to do instead.
    """
    sample = "or give n_queries a whole number to fit to a sample of the rows in memory"
    if isinstance(distiller.n_queries, str) and distiller.n_queries != ALL:
        raise InvalidInputError(
            f'n_queries must be "all" or a whole number for rows in partitions, got {distiller.n_queries!r}; "all" '
            "asks about every row, a number about as many drawn by their content"
        )
    if distiller.n_queries != ALL:
        return
    for name, value, plain in (
        ("domain", distiller.domain, None),
        ("sampler", distiller.sampler, None),
        ("query_strategy", distiller.query_strategy, "random"),
        ("proxy", distiller.proxy, None),
        ("store", distiller.store, None),
        ("ways", tuple(distiller.ways), ()),
        ("label_weight", distiller.label_weight, 0),
    ):
        if value != plain:
            raise InvalidInputError(
                f"{name} must stay {plain!r} for rows in partitions with n_queries={ALL!r}, got {value!r}; leave it "
                f"out, {sample}"
            )
    if hasattr(distiller.features, "transform"):
        raise InvalidInputError(
            f"features must be names of columns for rows in partitions, got {type(distiller.features).__name__}; "
            f"name columns, {sample}"
        )
    if not hasattr(distiller.student, "fit_parts"):
        raise InvalidInputError(
            "student must be a tree, a linear student or a sum of curves (TreeClassifier, LinearClassifier, "
            f"GAMClassifier or their regressors) for rows in partitions, got {type(distiller.student).__name__}; use "
            f"one of these, {sample}"
        )
    distiller.student.check_parts()
    for argument, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and not is_name(value):
            raise InvalidInputError(
                f"{argument} must name a column for rows in partitions, got {type(value).__name__}; make it a column"
            )


def names_of_parts(parts: Partitions, named: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Columns without those that arguments name, and these by argument.

    Raises
    ------
    InvalidInputError
        If parts have different columns, or none of that name.
    """
    each = parts.ask(_names, reduce=concatenated)
    if len(set(each)) > 1:
        a, b = list(dict.fromkeys(each))[:2]
        odd = sorted(set(a) ^ set(b)) or ["their order"]
        raise InvalidInputError(
            f"all parts must have the same columns in one order, they differ in {', '.join(odd)}; write them alike"
        )
    names, columns = list(each[0]), {}
    for argument, name in named.items():
        if name is None:
            continue
        if str(name) not in names:
            raise InvalidInputError(
                f"{argument} names {name!r}, the columns are: {', '.join(names)}{did_you_mean(str(name), names)}"
            )
        columns[argument] = str(name)
    return [n for n in names if n not in columns.values()], columns


def _names(part: PartOfRows) -> tuple[tuple[str, ...], ...]:
    return (tuple(part.names),)


@dataclass(frozen=True)
class Asking:
    """What is asked of each part: a teacher, about rows of a schema, of which a student sees a view."""

    teacher: Any
    schema: Schema
    view: Schema
    weight: str | None
    min_category_size: int

    def of(self, part: PartOfRows) -> AskedPart:
        """Ask about the distinct rows of a part, once each."""
        names = self.schema.names
        rows = part.frame([*names, *([] if self.weight is None else [self.weight])])
        budget = Budget()
        keyed = KeyedRows.of(rows[names])
        Y, sent = asked_alone(self.teacher, lambda: Questions(self.teacher, self.schema, None, budget)(keyed))
        Y = Y if Y.ndim > 1 else Y[:, None]
        weight = None if self.weight is None else as_weights(rows[self.weight], len(rows), is_part=True)
        used = None
        if weight is not None and not (weight > 0).all():
            used = np.flatnonzero(weight > 0)
            Y, weight = Y[used], weight[used]
        size = self.min_category_size
        evidence = None if self.weight or size == 1 else (size, evidence_of(rows, self.view, size, None))
        answered = AnsweredPart(part, self.view.names, np.ascontiguousarray(Y), weight, used, evidence)
        first = keyed.keys[keyed.first]
        spent = budget.distinct, budget.spent, budget.seconds
        counts = PartCounts(len(rows), len(Y), *spent, sent, _lowest_keys(first))
        return AskedPart(answered, counts)


@dataclass(frozen=True, eq=False)
class PartCounts:
    """Rows of some parts, those that count, distinct ones, those sent, seconds, rows sent to each model, and keys."""

    n: int
    n_used: int
    distinct: int
    sent: int
    seconds: float
    sent_to_each: NDArray[np.int64]
    keys: NDArray[np.uint64]

    def __add__(self, other: PartCounts) -> PartCounts:
        """Of the rows of both."""
        return PartCounts(
            self.n + other.n,
            self.n_used + other.n_used,
            self.distinct + other.distinct,
            self.sent + other.sent,
            self.seconds + other.seconds,
            self.sent_to_each + other.sent_to_each,
            _lowest_keys(np.concatenate([self.keys, other.keys])),
        )


@dataclass(frozen=True, eq=False)
class AskedPart:
    """A part with its answers, and what asking came to."""

    answered: AnsweredPart
    counts: PartCounts


def _lowest_keys(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The lowest of some keys, each once: keys are hashes, so that these are a random sample of the distinct rows."""
    if len(keys) > 2 * MOST_KEYS:  # a key stands here twice at most, so that these hold the lowest of the distinct ones
        first = keys[:, 0]
        keys = keys[first <= np.partition(first, 2 * MOST_KEYS)[2 * MOST_KEYS]]
    keys = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
    is_new = np.append(True, (keys[1:] != keys[:-1]).any(axis=1))[: len(keys)]
    return keys[is_new][:MOST_KEYS]


def _ask(part: PartOfRows, asking: Asking) -> AskedPart:
    return asking.of(part)


def _largest_weight(part: PartOfRows, weight: str) -> float:
    rows = part.frame([weight])
    return float(as_weights(rows[weight], len(rows), is_part=True).max())


def _counts(part: AskedPart) -> PartCounts:
    return part.counts


def _answered(part: AskedPart) -> AnsweredPart:
    return part.answered


@dataclass(frozen=True, eq=False)
class FittedParts:
    """What a fit to partitions leaves: the schema of whole rows, the record of what was asked, keys for the audit."""

    schema: Schema
    corpus: Corpus
    identity: RowIdentity


def fit_to_parts(
    student: Any,
    teacher: Any,
    parts: Partitions,
    names: list[str],
    seen: list[str] | None,
    weight: str | None,
    seed: int,
) -> FittedParts:
    """Ask a teacher about all rows, and fit a student to its answers.

    Parameters
    ----------
    student : with ``fit_parts``
        Fitted in place.
    teacher : Teacher
    parts : Partitions of PartOfRows
    names : columns of the teacher
    seen : columns of the student, or None for all
    weight : column of weights, or None
    seed : int

    Raises
    ------
    InvalidInputError
        If a column differs in kind between parts, weights are none, or no copies may answer for the teacher; nothing
        is asked then.
    """
    check_workers(teacher, parts)
    columns = parts.ask(column_summaries, names, reduce=added_each)
    schema = schema_of(parts, names, columns)
    if weight is not None:
        check_sizes(parts.ask(_largest_weight, weight, reduce=max))
    view = schema if seen is None else schema.select(seen)
    size = getattr(student, "min_category_size", MIN_CATEGORY_SIZE)
    questioned = parts.step(_ask, Asking(teacher, schema, view, weight, size))
    counts = questioned.ask(_counts, reduce=added)
    count_here(teacher, parts, counts.sent_to_each)
    answered = questioned.step(_answered)
    exact = view if counts.n_used == counts.n else schema_of(answered, view.names)
    student.fit_parts(answered, exact, teacher.classes_)
    corpus = Corpus(
        n_given=counts.n,
        n_observed=counts.n,
        n_synthetic=0,
        n_proxy=0,
        n_queries=counts.distinct,
        n_asked=counts.sent,
        n_stored=0,
        n_allowed=counts.distinct,
        sampler="none",
        seed=seed,
        synthetic_weight=0.0,
        observed=np.empty(0, dtype=np.intp),
        query_seconds=counts.seconds,
    )
    return FittedParts(schema, corpus, RowIdentity(None, counts.keys, is_complete=len(counts.keys) < MOST_KEYS))


def seen_names(features: Any, names: list[str]) -> list[str]:
    """Names of the columns that a student sees, from names and places.

    Raises
    ------
    InvalidInputError
        If the list is empty or names what is not there.

    Examples
    --------
    >>> seen_names(["age", 0], ["sex", "age"])
    ['age', 'sex']
    """
    columns = Schema(tuple(Feature(name, "numeric") for name in names))
    return StudentView.choose(features, columns, None).names


@dataclass(frozen=True, eq=False)
class PartPrediction:
    """What a fitted student says of a frame; it knows nothing of the teacher, and is small enough to be sent."""

    student: Any
    view: StudentView
    method: str

    def __call__(self, rows: pd.DataFrame) -> Any:
        """Answers for whole rows."""
        return getattr(self.student, self.method)(self.view.restored(self.view.schema.frame(rows)))
