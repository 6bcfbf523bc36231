"""The corpus of a fit to objects: real ones first, then what their columns ask, then made-up ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.asking.budget import Budget
from explaindistill.asking.questions import Questions
from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.corpus import ALL, AUTO_FACTOR, AUTO_LIMIT, Composed, Corpus, QueryPlan
from explaindistill.distillation.made_rows import FitRows
from explaindistill.distillation.objects.columns import ObjectColumns
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.distillation.objects.sampling import made_objects
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import can_be_asked

__all__ = ["FurtherQuestions", "compose_objects", "rehearse"]


class FurtherQuestions:
    """What the columns of a domain may ask while they are fitted: changed copies of objects, counted as all questions.

    Parameters
    ----------
    questions : Questions
    rows : ObjectRows
    real : DataFrame
        Rows that the parents are positions in.

    Attributes
    ----------
    n_asked : int
        Distinct objects until now.
    """

    def __init__(self, questions: Questions, rows: ObjectRows, real: Any) -> None:
        self._questions, self._rows, self._real = questions, rows, real
        self._before = questions.budget.distinct

    def __call__(self, objects: NDArray[np.object_], parents: NDArray[np.intp]) -> NDArray[np.float64]:
        """Answers ``(m, k)`` or values ``(m,)`` about ``m`` objects; their ordinary columns are those of the parents.

        Raises
        ------
        BudgetError
            If they would be more than ``remaining``.
        """
        at = np.asarray(parents, dtype=np.intp)
        return self._questions(self._rows.replaced(self._real.iloc[at].reset_index(drop=True), objects))

    @property
    def remaining(self) -> int | None:
        """Distinct objects that may still be asked; None where there is no limit."""
        budget = self._questions.budget
        return None if budget.n_queries is None else budget.n_queries - budget.distinct

    @property
    def n_asked(self) -> int:
        """Distinct objects that were asked."""
        return self._questions.budget.distinct - self._before


def compose_objects(
    teacher: Any, rows: FitRows, plan: QueryPlan, columns: ObjectColumns, *, store: Any = None, seed: int = 0
) -> Composed:
    """Ask about real objects, fit their columns to the answers, then ask about made-up ones.

    ``n_queries`` limits all three together; ``"auto"`` asks five times the real objects, what the columns ask apart, or
    just the real ones where the domain has no sampler; ``"all"`` the real ones in any case.

    Parameters
    ----------
    teacher : Teacher
    rows : FitRows
        Frames that hold objects.
    plan : QueryPlan
        Its sampler makes objects, or is None.
    columns : ObjectColumns
        Fitted here, to the real rows that were asked.
    store : label store, path or None
    seed : int
    """
    rng = np.random.default_rng(seed)
    keyed = rows.keyed
    limit = None if plan.n_queries in ("auto", ALL) else int(plan.n_queries)
    budget = Budget(n_queries=limit)
    ask = Questions(teacher, rows.schema, store, budget, remember=True)
    chosen = np.arange(len(keyed.first))
    if limit is not None and limit < len(chosen):
        chosen = np.sort(rng.choice(chosen, limit, replace=False))
    observed = np.flatnonzero(np.isin(keyed.number, chosen))
    real = FitRows(
        rows.schema,
        KeyedRows.of(keyed.rows.iloc[observed].reset_index(drop=True), keyed.keys[observed]),
        rows.weight[observed],
    )
    P = ask(real.keyed)
    further = FurtherQuestions(ask, columns.rows, real.frame) if can_be_asked(teacher) else None
    columns.fit(real.frame, P, further, teacher.classes_)
    targets = SoftTargets(
        real.frame, P, real.weight, np.full(len(observed), "observed"), teacher.classes_, budget.distinct
    )
    n_columns = 0 if further is None else further.n_asked
    name, keys = "none", real.keyed.keys
    n = _n_made(plan, len(rows), len(real.keyed.first), budget)
    if plan.sampler is not None and n > 0:
        if not can_be_asked(teacher):
            raise InvalidInputError(
                "the teacher has only recorded answers and cannot be asked about made-up objects; use a domain without "
                f"a sampler, or n_queries={len(real.keyed.first)}"
            )
        made, weight = made_objects(plan.sampler, columns.rows, real, P, n, rng)
        made_keyed = KeyedRows.of(made)
        targets = targets.append(made, ask(made_keyed), weight, "synthetic")
        name, keys = type(plan.sampler).__name__, np.concatenate([keys, made_keyed.keys])
    corpus = Corpus(
        n_given=len(rows),
        n_observed=len(observed),
        n_synthetic=len(targets) - len(observed),
        n_proxy=0,
        n_queries=budget.distinct,
        n_asked=budget.spent,
        n_allowed=budget.distinct if limit is None else limit,
        sampler=name,
        seed=seed,
        synthetic_weight=float(targets.weight[len(observed) :].sum() / targets.weight.sum()),
        observed=observed,
        query_seconds=budget.seconds,
        n_stored=budget.stored,
        n_columns=n_columns,
    )
    return Composed(_counted(targets, budget), corpus, keys)


def rehearse(stand_in: Any, rows: FitRows, plan: QueryPlan, columns: ObjectColumns, seed: int) -> int | None:
    """Ask a stand-in what :func:`compose_objects` would ask the teacher.

    Returns
    -------
    int or None
        None where the questions do not depend on answers; where they do, how many more there may be at most.
    """
    before = stand_in.rows_sent_.total
    composed = compose_objects(stand_in, rows, plan, columns, seed=seed)
    if plan.sampler is None and composed.corpus.n_columns == 0:
        return None
    if plan.n_queries not in ("auto", ALL):
        return max(int(plan.n_queries) - (stand_in.rows_sent_.total - before), 0)
    n_drawn = max(min(AUTO_FACTOR * len(rows), AUTO_LIMIT) - len(rows.keyed.first), 0)
    return n_drawn - composed.corpus.n_synthetic if plan.sampler is not None else 0


def _n_made(plan: QueryPlan, n_given: int, n_real: int, budget: Budget) -> int:
    """Made-up objects that there is room for."""
    if budget.n_queries is not None:
        return budget.n_queries - budget.distinct
    return max(min(AUTO_FACTOR * n_given, AUTO_LIMIT) - n_real, 0)


def _counted(targets: SoftTargets, budget: Budget) -> SoftTargets:
    """The same rows with all that was asked for them."""
    return SoftTargets(targets.X, targets.P, targets.weight, targets.origin, targets.classes, budget.distinct)
