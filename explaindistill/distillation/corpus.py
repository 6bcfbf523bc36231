"""The corpus: which rows the teacher is asked about, and where each of them came from."""

from __future__ import annotations

import numbers
import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.asking.budget import Budget
from explaindistill.asking.proxies import PROXIES, fit_proxy
from explaindistill.asking.questions import CountedTeacher, Questions
from explaindistill.asking.strategies import STRATEGIES, ask_in_rounds
from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.made_rows import FitRows, make_rows
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import can_be_asked

__all__ = ["ALL", "AUTO_FACTOR", "AUTO_LIMIT", "Composed", "Corpus", "FitRows", "QueryPlan", "compose"]

ALL = "all"
"""Value of ``n_queries`` with which every real row is asked, and none is made."""
AUTO_FACTOR = 5
"""Rows that ``n_queries="auto"`` asks per row given: beyond, trees and sums of curves gain little."""
NOTHING_NEW = (
    "{} made {:,} rows and all of them are rows that were given, so that none is used and only these are asked; "
    "give more "
    "rows or columns, another sampler, or an n_queries of as many as there are distinct rows"
)
AUTO_LIMIT = 100_000
"""Most rows that it asks, unless more are given."""


@dataclass(frozen=True)
class QueryPlan:
    """What is asked: how many rows, which of them, and what makes or answers the others.

    Attributes
    ----------
    n_queries : int, at least 1, "auto" or "all"
    query_strategy : "random", "committee" or "boundary"
    proxy : "auto", "gam", "network" or None
    sampler : Sampler, "auto" or None

    Examples
    --------
    >>> QueryPlan(n_queries=0)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: n_queries must be at least 1, got 0
    """

    n_queries: int | str = "auto"
    query_strategy: str = "random"
    proxy: str | None = None
    sampler: Any = None

    def __post_init__(self) -> None:
        if self.query_strategy not in STRATEGIES:
            raise InvalidInputError(
                f"query_strategy must be one of {', '.join(STRATEGIES)}, got {self.query_strategy!r}"
            )
        if self.proxy not in (None, *PROXIES):
            raise InvalidInputError(f"proxy must be one of {', '.join(PROXIES)} or None, got {self.proxy!r}")
        is_sampler = hasattr(self.sampler, "fit") and hasattr(self.sampler, "draw")
        is_open = self.sampler is None or (isinstance(self.sampler, str) and self.sampler == "auto")
        if not is_sampler and not is_open:
            raise InvalidInputError(
                f'sampler must be a sampler such as MungeSampler(), "auto", or None, got {self.sampler!r}'
            )
        if self.n_queries == ALL and (self.sampler is not None or not self.is_plain):
            raise InvalidInputError(
                'n_queries="all" asks about every real row and makes none; leave sampler, query_strategy and proxy as '
                "they are"
            )
        if self.n_queries in ("auto", ALL):
            return
        if isinstance(self.n_queries, bool) or not isinstance(self.n_queries, numbers.Integral):
            raise InvalidInputError(f'n_queries must be a whole number, "auto" or "all", got {self.n_queries!r}')
        if self.n_queries < 1:
            raise InvalidInputError(f"n_queries must be at least 1, got {self.n_queries}")

    @property
    def is_plain(self) -> bool:
        """Whether rows are asked as they come, by chance, and nobody answers in the teacher's place."""
        return self.query_strategy == "random" and self.proxy is None


@dataclass(frozen=True)
class Corpus:
    """Where the rows came from that a student was fitted to; holds counts and positions, never rows.

    Attributes
    ----------
    n_given, n_observed, n_synthetic, n_proxy, n_queries, n_asked, n_allowed : int
        Rows given to ``fit``, those of them in the corpus, made-up rows that the teacher answered, rows (real and
        made-up) that a proxy answered, distinct rows that needed an answer, rows sent to the teacher for them, those
        sent again after a failure counted again, and how many distinct rows could have been asked.
    sampler : str
        Name of the sampler, ``"none"`` where no row was made.
    observed : ndarray of int
        Positions, in the rows given, of the real rows in the corpus.
    query_seconds : float
        Wall time of the teacher's answers.
    synthetic_weight : float
        Share of the total weight that lies on made-up rows, in [0, 1].
    proxy : str or None
        What answered in the teacher's place.
    n_proxy_observed : int
        Real rows among those.
    n_stored : int
        Distinct rows whose answer the store knew.
    stopped : str
        Why ``n_queries="stable"`` stopped; empty otherwise.
    n_unused : int
        Made-up rows that the teacher answered, and that the choice of the sampler left out.
    sampler_choice : str
        With ``sampler="auto"`` how the samplers did; empty otherwise.
    n_columns : int
        Distinct objects that the columns of a domain asked about, among ``n_queries``.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 100)})
    >>> student = xd.Distiller(lambda X: X["x"].to_numpy() ** 2, xd.TreeRegressor(), n_queries=250).fit(X)
    >>> student.corpus_.n_observed, student.corpus_.n_synthetic, student.corpus_.sampler
    (100, 150, 'MungeSampler')
    >>> student.corpus_.to_frame()["fact"].tolist()[:2]
    ['real rows given', 'real rows used']
    """

    n_given: int
    n_observed: int
    n_synthetic: int
    n_proxy: int
    n_queries: int
    n_asked: int
    n_allowed: int
    sampler: str
    seed: int
    synthetic_weight: float
    observed: NDArray[np.intp] = field(repr=False, compare=False)
    query_seconds: float = field(default=0.0, repr=False, compare=False)
    proxy: str | None = None
    n_proxy_observed: int = 0
    n_stored: int = 0
    stopped: str = ""
    n_unused: int = 0
    sampler_choice: str = ""
    n_columns: int = 0

    def with_choice(self, targets: SoftTargets, name: str, words: str) -> Corpus:
        """The record of the corpus after some made-up rows were left out, by the choice of a sampler."""
        n_synthetic = int((targets.origin == "synthetic").sum())
        return replace(
            self,
            n_synthetic=n_synthetic,
            n_unused=self.n_synthetic - n_synthetic,
            sampler=name,
            sampler_choice=words,
            synthetic_weight=_synthetic_weight(targets, len(self.observed)),
        )

    def with_more(self, targets: SoftTargets, budget: Budget) -> Corpus:
        """The record of the corpus after the further questions that a budget counted."""
        return replace(
            self,
            n_synthetic=int((targets.origin == "synthetic").sum()),
            n_queries=targets.n_queries,
            n_asked=self.n_asked + budget.spent,
            n_stored=self.n_stored + budget.stored,
            query_seconds=self.query_seconds + budget.seconds,
            synthetic_weight=_synthetic_weight(targets, len(self.observed)),
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per fact: ``fact``, ``value``."""
        facts = {
            "real rows given": self.n_given,
            "real rows used": self.n_observed,
            "real rows the teacher answered": self.n_observed - self.n_proxy_observed,
            "made-up rows the teacher answered": self.n_synthetic,
            "real rows a proxy answered": self.n_proxy_observed,
            "made-up rows a proxy answered": self.n_proxy - self.n_proxy_observed,
            "proxy": self.proxy or "none",
            "distinct rows that needed an answer": self.n_queries,
            "of these, rows that the store knew": self.n_stored,
            "rows sent to the teacher (again after a failure: counted again)": self.n_asked,
            "sampler": self.sampler,
            "share of weight on made-up rows": round(self.synthetic_weight, 4),
            "seed": self.seed,
        }
        if self.n_columns:
            facts["of the distinct ones, changed objects that the columns asked about"] = self.n_columns
        if self.sampler_choice:
            facts["how the sampler was chosen"] = self.sampler_choice
            facts["made-up rows that were answered and left out"] = self.n_unused
        if self.stopped:
            facts["why no more rows were asked"] = self.stopped
        return pd.DataFrame({"fact": list(facts), "value": [str(v) for v in facts.values()]})


@dataclass(frozen=True)
class Composed:
    """Rows with their answers, and where they came from.

    Attributes
    ----------
    targets : SoftTargets
        Real rows first, in their own order.
    corpus : Corpus
    keys : ndarray of uint64, shape (n, 2)
        Keys of the rows of ``targets``.

    Examples
    --------
    >>> from explaindistill.data.schema import Schema
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 50)})
    >>> teacher = CallableTeacher(lambda X: X["x"].to_numpy() ** 2)
    >>> composed = compose(teacher, FitRows.of(X, Schema.infer(X)), QueryPlan(80))
    >>> len(composed.targets) == len(composed.keys)
    True
    """

    targets: SoftTargets
    corpus: Corpus
    keys: NDArray[np.uint64]


def compose(teacher: Any, rows: FitRows, plan: QueryPlan, *, store: Any = None, seed: int = 0) -> Composed:
    """Choose real rows, make further ones, ask the teacher once about each distinct row.

    With a ``query_strategy`` other than "random" the rows to ask are chosen from a pool of the real rows and as many
    made-up ones as ``"auto"`` would ask; with a ``proxy`` the rows of that pool that were not asked are kept, with the
    proxy's answers.

    Examples
    --------
    >>> from explaindistill.data.schema import Schema
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 50)})
    >>> teacher = CallableTeacher(lambda X: X["x"].to_numpy() ** 2)
    >>> composed = compose(teacher, FitRows.of(X, Schema.infer(X)), QueryPlan(80))
    >>> composed.corpus.n_observed, composed.targets.n_queries <= 80
    (50, True)
    >>> bool(np.allclose(composed.targets.P, composed.targets.X["x"] ** 2))
    True
    """
    ask, pool, at, answers = _answered(teacher, rows, plan, store, seed)
    budget, n_allowed = ask.budget, int(ask.budget.n_queries or 0)
    P = _answers(pool, at, answers, plan.proxy, teacher.classes_, seed)
    answered = np.zeros(len(P), dtype=bool)
    answered[at] = True
    by_teacher = answered[pool.keyed.number]
    positions = np.flatnonzero(by_teacher | (plan.proxy is not None))
    observed = positions[positions < pool.n_real]
    origin = np.where(~by_teacher[positions], "proxy", np.where(positions < pool.n_real, "observed", "synthetic"))
    every = len(positions) == len(pool.keyed)
    frame = pool.keyed.rows if every else pool.keyed.rows.iloc[positions]
    number, weight = pool.keyed.number[positions], pool.weight[positions]
    targets = SoftTargets(frame, P[number], weight, origin, teacher.classes_, budget.distinct)
    corpus = Corpus(
        n_given=len(rows),
        n_observed=len(observed),
        n_synthetic=int((origin == "synthetic").sum()),
        n_proxy=int((origin == "proxy").sum()),
        n_queries=budget.distinct,
        n_asked=budget.spent,
        n_stored=budget.stored,
        n_allowed=n_allowed,
        sampler=pool.sampler,
        seed=seed,
        synthetic_weight=_synthetic_weight(targets, len(observed)),
        observed=observed,
        query_seconds=budget.seconds,
        proxy=plan.proxy,
        n_proxy_observed=int((origin[: len(observed)] == "proxy").sum()),
    )
    return Composed(targets, corpus, pool.keyed.keys if every else pool.keyed.keys[positions])


def ask_only(teacher: Any, rows: FitRows, plan: QueryPlan, seed: int) -> int | None:
    """Ask a stand-in what :func:`compose` would ask the teacher, and make nothing of its answers.

    Returns
    -------
    int or None
        None where the rows do not depend on answers. Where they do, nothing is asked: the most that could be.
    """
    if asks(plan.sampler) or plan.query_strategy != "random":
        return _n_allowed(plan.n_queries, rows, teacher, plan.sampler)
    _answered(teacher, rows, plan, None, seed)
    return None


def _answered(
    teacher: Any, rows: FitRows, plan: QueryPlan, store: Any, seed: int
) -> tuple[Questions, _Pool, NDArray[np.intp], NDArray[np.float64]]:
    """The counted questions, the pool they were chosen from, numbers of its distinct rows asked, and answers."""
    rng = np.random.default_rng(seed)
    n_allowed = _n_allowed(plan.n_queries, rows, teacher, plan.sampler)
    budget = Budget(n_queries=n_allowed)
    ask = Questions(teacher, rows.schema, store, budget, remember=asks(plan.sampler))
    size = n_allowed if plan.is_plain else max(n_allowed, _n_allowed("auto", rows, teacher, plan.sampler))
    pool = _pool(rows, plan, size, ask, rng)
    n = n_allowed - budget.distinct if asks(plan.sampler) and not plan.is_plain else n_allowed
    at, answers = _asked(pool, ask, max(n, 1), plan.query_strategy, rng)
    return ask, pool, at, answers


def _synthetic_weight(targets: SoftTargets, n_observed: int) -> float:
    """Share of the weight on the rows after the observed ones."""
    return float(targets.weight[n_observed:].sum() / targets.weight.sum())


@dataclass(frozen=True)
class _Pool:
    """Rows that could be asked, the real ones first, and the name of the sampler that made the others."""

    keyed: KeyedRows
    weight: NDArray[np.float64]
    n_real: int
    sampler: str


def _pool(rows: FitRows, plan: QueryPlan, size: int, ask: Questions, rng: np.random.Generator) -> _Pool:
    """The real rows and made-up ones up to ``size`` distinct rows."""
    keyed, sampler = rows.keyed, plan.sampler
    n = max(size - len(keyed.first), 0)
    if asks(sampler) and n:
        sampler, n = _counted(sampler, keyed.distinct(), n, ask, plan.is_plain)
    synthetic, synthetic_weight, name = make_rows(sampler, rows, n, rng)
    if synthetic is not None:
        longer = keyed.append(synthetic)
        if len(longer.first) > len(keyed.first):
            keyed = longer
        else:
            warnings.warn(NOTHING_NEW.format(name, len(synthetic)), stacklevel=5)
            synthetic_weight, name = np.empty(0), "none"
    return _Pool(keyed, np.concatenate([rows.weight, synthetic_weight]), len(rows), name)


def asks(sampler: Any) -> bool:
    """Whether a sampler asks a teacher while it makes rows."""
    return hasattr(sampler, "teacher")


def _counted(sampler: Any, real: KeyedRows, n: int, ask: Questions, plain: bool) -> tuple[Any, int]:
    """A sampler whose questions count, and how many of ``n`` rows the budget leaves room for.

    Where all real rows are asked, they are asked first and the sampler's own cost nothing; each made-up row then costs
    its steps and its answer. Where only some are, the sampler may spend half of the budget.
    """
    counted = clone(sampler, safe=False)
    steps = int(getattr(counted, "n_steps", 1))
    n_allowed = int(ask.budget.n_queries or 0)
    if plain:
        ask(real)
        rest = n_allowed - ask.budget.distinct
        n = min(n, rest // (steps + 1))
        counted.teacher = CountedTeacher(ask, rest - n)
        return counted, n
    half = n_allowed // 2
    counted.n_seeds = max(min(int(getattr(counted, "n_seeds", half)), half // 2), 2)
    counted.teacher = CountedTeacher(ask, half)
    return counted, min(n, max(half - counted.n_seeds, 0) // steps)


def _asked(
    pool: _Pool, ask: Questions, n: int, strategy: str, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Numbers of the distinct rows that were asked, sorted, and their answers."""
    first = pool.keyed.first
    if n >= len(first):
        return np.arange(len(first)), ask(pool.keyed.distinct())
    if strategy == "random":
        real = np.flatnonzero(first < pool.n_real)
        # real rows are worth more than made-up ones: these are asked only where there are not enough
        at = np.arange(n) if n > len(real) else np.sort(rng.choice(real, n, replace=False))
        return at, ask(pool.keyed.distinct(at))
    from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

    different, classes = pool.keyed.distinct(), ask.teacher.classes_
    return ask_in_rounds(
        lambda at: ask(different.distinct(at)),
        different.rows,
        n,
        strategy=strategy,
        classes=classes,
        member=TreeRegressor if classes is None else TreeClassifier,
        rng=rng,
    )


def _answers(
    pool: _Pool,
    at: NDArray[np.intp],
    answers: NDArray[np.float64],
    proxy: str | None,
    classes: NDArray[Any] | None,
    seed: int,
) -> NDArray[np.float64]:
    """An answer for each distinct row of the pool: the teacher's, the proxy's, or NaN where neither spoke."""
    keyed = pool.keyed
    if len(at) == len(keyed.first):
        return answers
    P = np.full((len(keyed.first), *answers.shape[1:]), np.nan)
    P[at] = answers
    if proxy is not None:
        from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor

        count = np.bincount(keyed.number, pool.weight)[at].astype(float)
        origin = np.full(len(at), "observed")
        answered = SoftTargets(keyed.rows.iloc[keyed.first[at]], answers, count, origin, classes, len(at))
        rest = np.setdiff1d(np.arange(len(P)), at)
        score = fit_proxy(proxy, answered, GAMRegressor if classes is None else GAMClassifier, seed)
        P[rest] = score(keyed.rows.iloc[keyed.first[rest]])
    return P


def _n_allowed(n_queries: int | str, rows: FitRows, teacher: Any, sampler: Any) -> int:
    """Distinct rows that may be asked; a teacher that only remembers is asked about the rows given alone."""
    n_distinct = len(rows.keyed.first)
    if not isinstance(n_queries, str):
        return int(n_queries)
    if n_queries == ALL or (not can_be_asked(teacher) and sampler is None):
        return n_distinct
    return max(min(AUTO_FACTOR * len(rows), AUTO_LIMIT), n_distinct)
