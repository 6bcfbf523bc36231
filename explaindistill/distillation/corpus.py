"""The corpus: which rows the teacher is asked about, and where each of them came from."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.asking.proxies import PROXIES, fit_proxy
from explaindistill.asking.questions import CountedTeacher, Questions
from explaindistill.asking.strategies import STRATEGIES, ask_in_rounds
from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import can_be_asked

__all__ = ["Corpus", "compose"]

AUTO_FACTOR = 5
AUTO_LIMIT = 100_000


@dataclass(frozen=True)
class Corpus:
    """Where the rows came from that a student was fitted to; holds counts and positions, never rows.

    Attributes
    ----------
    n_given, n_observed, n_synthetic, n_proxy, n_queries, n_asked, n_allowed : int
        Rows given to ``fit``, those of them in the corpus, made-up rows that the teacher answered, rows (real and
        made-up) that a proxy answered, distinct rows that needed an answer, those of them that the store did not
        know, and how many could have been asked.
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
    stopped : str
        Why ``n_queries="stable"`` stopped; empty otherwise.

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
    stopped: str = ""

    def with_more(self, targets: SoftTargets, seconds: float = 0.0) -> Corpus:
        """The record of the corpus after further questions."""
        made = np.arange(len(targets)) >= len(self.observed)
        return replace(
            self,
            n_synthetic=int((targets.origin == "synthetic").sum()),
            n_queries=targets.n_queries,
            n_asked=self.n_asked + targets.n_queries - self.n_queries,
            query_seconds=self.query_seconds + seconds,
            synthetic_weight=float(targets.weight[made].sum() / targets.weight.sum()),
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
            "rows asked of the teacher (the store knew the others)": self.n_asked,
            "sampler": self.sampler,
            "share of weight on made-up rows": round(self.synthetic_weight, 4),
            "seed": self.seed,
        }
        if self.stopped:
            facts["why no more rows were asked"] = self.stopped
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
    query_strategy: str = "random",
    proxy: str | None = None,
    store: Any = None,
    held_back: float = 0.0,
) -> tuple[SoftTargets, Corpus]:
    """Choose real rows, make further ones, ask the teacher once about each distinct row.

    With a ``query_strategy`` other than "random" the rows to ask are chosen from a pool of the real rows and as many
    made-up ones as ``"auto"`` would ask; with a ``proxy`` the rows of that pool that were not asked are kept, with the
    proxy's answers.

    Returns
    -------
    targets : SoftTargets
        Real rows first, in their own order.
    corpus : Corpus

    Examples
    --------
    >>> from explaindistill.samplers.munge import MungeSampler
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 50)})
    >>> teacher = CallableTeacher(lambda X: X["x"].to_numpy() ** 2)
    >>> targets, corpus = compose(
    ...     teacher, Schema.infer(X), X, np.ones(50), sampler=MungeSampler(), n_queries=80, seed=0)
    >>> corpus.n_observed, targets.n_queries <= 80
    (50, True)
    >>> bool(np.allclose(targets.P, targets.X["x"] ** 2))
    True
    """
    if query_strategy not in STRATEGIES:
        raise InvalidInputError(f"query_strategy must be one of {', '.join(STRATEGIES)}, got {query_strategy!r}")
    if proxy not in (None, *PROXIES):
        raise InvalidInputError(f"proxy must be one of {', '.join(PROXIES)} or None, got {proxy!r}")
    rng = np.random.default_rng(seed)
    n_distinct = len(distinct(row_keys(frame))[0])
    allowed = _wanted(n_queries, frame, n_distinct, teacher, sampler)
    wanted = max(allowed - int(held_back * allowed), 1)
    ask = Questions(teacher, schema, store, allowed, remember=asks(sampler))
    plain = query_strategy == "random" and proxy is None
    size = wanted if plain else max(wanted, _wanted("auto", frame, n_distinct, teacher, sampler))
    pool = _pool(schema, frame, weight, sampler, size, rng, ask, wanted, plain)
    asked = _asked(
        pool,
        ask,
        wanted - ask.n_distinct if asks(sampler) and not plain else wanted,
        query_strategy,
        teacher.classes_,
        rng,
    )
    P = _answers(pool, asked, proxy, teacher.classes_, seed)
    targets, observed = _kept(pool, asked, P, proxy, teacher.classes_)
    targets = replace(targets, n_queries=ask.n_distinct)
    made = np.arange(len(targets)) >= len(observed)
    corpus = Corpus(
        n_given=len(frame),
        n_observed=len(observed),
        n_synthetic=int((targets.origin == "synthetic").sum()),
        n_proxy=int((targets.origin == "proxy").sum()),
        n_queries=targets.n_queries,
        n_asked=ask.n_asked,
        n_allowed=allowed,
        sampler=pool.sampler,
        seed=seed,
        synthetic_weight=float(targets.weight[made].sum() / targets.weight.sum()),
        observed=observed,
        proxy=proxy,
        n_proxy_observed=int((targets.origin[: len(observed)] == "proxy").sum()),
    )
    return targets, replace(corpus, query_seconds=ask.seconds)


@dataclass(frozen=True)
class _Pool:
    """Rows that could be asked: the real ones first; ``number`` tells equal rows by one number, first sight first."""

    rows: pd.DataFrame
    weight: NDArray[np.float64]
    n_real: int
    first: NDArray[np.intp]
    number: NDArray[np.intp]
    sampler: str


def _pool(
    schema: Schema,
    frame: pd.DataFrame,
    weight: NDArray[np.float64],
    sampler: Any,
    size: int,
    rng: np.random.Generator,
    ask: Questions,
    wanted: int,
    plain: bool,
) -> _Pool:
    """The real rows and made-up ones up to ``size`` distinct rows."""
    first, number = distinct(row_keys(frame))
    n = max(size - len(first), 0)
    if asks(sampler) and n:
        sampler, n = _counted(sampler, frame.iloc[first], n, ask, wanted, plain)
    made, made_weight, name = make_rows(sampler, schema, frame, weight, n, rng)
    rows = frame
    if made is not None:
        rows = pd.concat([frame, made], ignore_index=True)
        first, number = distinct(row_keys(rows))
    return _Pool(rows, np.concatenate([weight, made_weight]), len(frame), first, number, name)


def asks(sampler: Any) -> bool:
    """Whether a sampler asks a teacher while it makes rows."""
    return hasattr(sampler, "teacher")


def _counted(sampler: Any, real: pd.DataFrame, n: int, ask: Questions, wanted: int, plain: bool) -> tuple[Any, int]:
    """A sampler whose questions count, and how many of ``n`` rows the budget leaves room for.

    Where all real rows are asked, they are asked first and the sampler's own cost nothing; each made-up row then costs
    its steps and its answer. Where only some are, the sampler may spend half of the budget.
    """
    counted = clone(sampler, safe=False)
    steps = int(getattr(counted, "n_steps", 1))
    if plain:
        ask(real)
        n = min(n, (wanted - ask.n_distinct) // (steps + 1))
        counted.teacher = CountedTeacher(ask, wanted - ask.n_distinct - n)
        return counted, n
    half = wanted // 2
    counted.n_seeds = max(min(int(getattr(counted, "n_seeds", half)), half // 2), 2)
    counted.teacher = CountedTeacher(ask, half)
    return counted, min(n, max(half - counted.n_seeds, 0) // steps)


def _asked(
    pool: _Pool,
    ask: Callable[[pd.DataFrame], NDArray[np.float64]],
    wanted: int,
    strategy: str,
    classes: NDArray[Any] | None,
    rng: np.random.Generator,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Numbers of the distinct rows that were asked, sorted, and their answers."""
    different = pool.rows.iloc[pool.first]
    wanted = max(wanted, 1)
    if wanted >= len(different):
        return np.arange(len(different)), ask(different)
    if strategy == "random":
        real = np.flatnonzero(pool.first < pool.n_real)
        # real rows are worth more than made-up ones: these are asked only where there are not enough
        at = np.arange(wanted) if wanted > len(real) else np.sort(rng.choice(real, wanted, replace=False))
        return at, ask(different.iloc[at])
    return ask_in_rounds(
        lambda at: ask(different.iloc[at]), different, wanted, strategy=strategy, classes=classes, rng=rng
    )


def _answers(
    pool: _Pool,
    asked: tuple[NDArray[np.intp], NDArray[np.float64]],
    proxy: str | None,
    classes: NDArray[Any] | None,
    seed: int,
) -> NDArray[np.float64]:
    """An answer for each distinct row of the pool: the teacher's, the proxy's, or NaN where neither spoke."""
    at, answers = asked
    P = np.full((len(pool.first), *answers.shape[1:]), np.nan)
    P[at] = answers
    if proxy is not None and len(at) < len(P):
        own = pool.rows.iloc[pool.first[at]]
        count = np.bincount(pool.number, pool.weight)[at].astype(float)
        seen = SoftTargets(own, answers, count, np.full(len(at), "observed"), classes, len(at))
        rest = np.setdiff1d(np.arange(len(P)), at)
        P[rest] = fit_proxy(proxy, seen, seed)(pool.rows.iloc[pool.first[rest]])
    return P


def _kept(
    pool: _Pool,
    asked: tuple[NDArray[np.intp], NDArray[np.float64]],
    P: NDArray[np.float64],
    proxy: str | None,
    classes: NDArray[Any] | None,
) -> tuple[SoftTargets, NDArray[np.intp]]:
    """Rows that have an answer, and the positions of the real ones that the teacher or the proxy answered."""
    by_teacher = np.zeros(len(P), dtype=bool)
    by_teacher[asked[0]] = True
    told = by_teacher[pool.number]
    keep = np.flatnonzero(told | (proxy is not None))
    real = keep < pool.n_real
    origin = np.where(~told[keep], "proxy", np.where(real, "observed", "synthetic"))
    rows = pool.rows if len(keep) == len(pool.rows) else pool.rows.iloc[keep]
    targets = SoftTargets(rows, P[pool.number[keep]], pool.weight[keep], origin, classes, len(asked[0]))
    return targets, keep[real]


def _wanted(n_queries: int | str, frame: pd.DataFrame, n_distinct: int, teacher: Any, sampler: Any) -> int:
    if n_queries == "auto":
        if not can_be_asked(teacher) and sampler is None:
            return n_distinct
        return max(min(AUTO_FACTOR * len(frame), AUTO_LIMIT), n_distinct)
    if isinstance(n_queries, bool) or not isinstance(n_queries, numbers.Integral):
        raise InvalidInputError(f'n_queries must be a whole number or "auto", got {n_queries!r}')
    if n_queries < 1:
        raise InvalidInputError(f"n_queries must be at least 1, got {n_queries}")
    return int(n_queries)


def default_sampler() -> Any:
    """The sampler that is used where the caller names none."""
    from explaindistill.samplers.munge import MungeSampler

    return MungeSampler()


def make_rows(
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
