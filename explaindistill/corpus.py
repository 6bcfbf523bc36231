"""The corpus: which rows the teacher is asked about, and where each of them came from."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.errors import InvalidInputError
from explaindistill.labelling import Budget, label
from explaindistill.numerics.rowkeys import distinct, row_keys
from explaindistill.schema import Schema
from explaindistill.targets import SoftTargets

__all__ = ["Corpus", "compose", "default_sampler"]

AUTO_FACTOR = 5
AUTO_LIMIT = 100_000


@dataclass(frozen=True)
class Corpus:
    """Where the rows came from that a student was fitted to; holds counts and positions, never rows.

    Attributes
    ----------
    n_given, n_observed, n_synthetic, n_queries, n_asked, n_allowed : int
        Rows given to ``fit``, those of them in the corpus, rows made by the sampler, distinct rows that needed an
        answer, those of them that the store did not know, and how many could have been asked.
    sampler : str
        Name of the sampler, ``"none"`` where no row was made.
    observed : ndarray of int
        Positions, in the rows given, of the real rows in the corpus.
    synthetic_weight : float
        Share of the total weight that lies on made-up rows, in [0, 1].
    """

    n_given: int
    n_observed: int
    n_synthetic: int
    n_queries: int
    n_asked: int
    n_allowed: int
    sampler: str
    seed: int
    synthetic_weight: float
    observed: NDArray[np.intp] = field(repr=False, compare=False)

    def with_more(self, targets: SoftTargets) -> Corpus:
        """The record of the corpus after further questions."""
        made = targets.origin == "synthetic"
        return replace(
            self,
            n_synthetic=int(made.sum()),
            n_queries=targets.n_queries,
            n_asked=self.n_asked + targets.n_queries - self.n_queries,
            synthetic_weight=float(targets.weight[made].sum() / targets.weight.sum()),
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per fact: ``fact``, ``value``."""
        facts = {
            "real rows given": self.n_given,
            "real rows used": self.n_observed,
            "made-up rows": self.n_synthetic,
            "distinct rows that needed an answer": self.n_queries,
            "rows asked of the teacher (the store knew the others)": self.n_asked,
            "sampler": self.sampler,
            "share of weight on made-up rows": round(self.synthetic_weight, 4),
            "seed": self.seed,
        }
        return pd.DataFrame({"fact": list(facts), "value": [str(v) for v in facts.values()]})


def compose(
    teacher: Any,
    schema: Schema,
    frame: pd.DataFrame,
    weight: NDArray[np.float64],
    *,
    sampler: Any,
    n_queries: int | str,
    seed: int,
    store: Any = None,
    held_back: float = 0.0,
) -> tuple[SoftTargets, Corpus]:
    """Choose real rows, make further ones, ask the teacher once about each distinct row.

    Returns
    -------
    targets : SoftTargets
        Real rows first, in their own order.
    corpus : Corpus
    """
    rng = np.random.default_rng(seed)
    first, number = distinct(row_keys(frame))
    allowed = _wanted(n_queries, frame, len(first), teacher, sampler)
    wanted = max(allowed - int(held_back * allowed), 1)
    observed = _some(first, number, wanted, rng)
    real = frame if len(observed) == len(frame) else frame.iloc[observed]
    n_more = max(wanted - len(first), 0)
    made, made_weight, name = _make(sampler, schema, frame, weight, n_more, rng)
    rows = real if made is None else pd.concat([real, made], ignore_index=True)
    n_distinct = len(distinct(row_keys(rows))[0])
    purse = Budget()
    P = label(teacher, schema.restore(rows), store=store, budget=purse)
    w = np.concatenate([weight[observed], made_weight])
    n_made = len(made_weight)
    origin = np.repeat(["observed", "synthetic"], [len(observed), n_made])
    share = float(made_weight.sum() / w.sum())
    corpus = Corpus(len(frame), len(observed), n_made, n_distinct, purse.spent, allowed, name, seed, share, observed)
    return SoftTargets(rows, P, w, origin, teacher.classes_, n_distinct), corpus


def _wanted(n_queries: int | str, frame: pd.DataFrame, n_distinct: int, teacher: Any, sampler: Any) -> int:
    if n_queries == "auto":
        if hasattr(teacher, "knows") and sampler is None:
            return n_distinct
        return max(min(AUTO_FACTOR * len(frame), AUTO_LIMIT), n_distinct)
    if isinstance(n_queries, bool) or not isinstance(n_queries, numbers.Integral):
        raise InvalidInputError(f'n_queries must be a whole number or "auto", got {n_queries!r}')
    if n_queries < 1:
        raise InvalidInputError(f"n_queries must be at least 1, got {n_queries}")
    return int(n_queries)


def _some(first: NDArray[np.intp], number: NDArray[np.intp], wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Positions of the real rows that are asked: all, or those of ``wanted`` distinct ones drawn at random."""
    if wanted >= len(first):
        return np.arange(len(number))
    chosen = np.zeros(len(first), dtype=bool)
    chosen[rng.choice(len(first), wanted, replace=False)] = True
    return np.flatnonzero(chosen[number])


def default_sampler() -> Any:
    """The sampler that is used where the caller names none."""
    from explaindistill.samplers.munge import MungeSampler

    return MungeSampler()


def _make(
    sampler: Any,
    schema: Schema,
    frame: pd.DataFrame,
    weight: NDArray[np.float64],
    n: int,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame | None, NDArray[np.float64], str]:
    """Up to ``n`` made-up rows and their weights: the mean weight of the rows each was made from."""
    if n == 0:
        return None, np.empty(0), "none"
    sampler = default_sampler() if sampler is None else sampler
    fitted = clone(sampler, safe=False).fit(frame, schema)
    draw = fitted.draw(n, rng)
    new = ~draw.observed
    if not new.any():
        return None, np.empty(0), type(sampler).__name__
    parents = draw.parents[new]
    known = parents >= 0
    total = np.where(known, weight[np.where(known, parents, 0)], 0.0).sum(axis=1)
    count = known.sum(axis=1)
    inherited = np.where(count > 0, total / np.maximum(count, 1), weight.mean())
    return draw.rows.loc[new], inherited, type(sampler).__name__
