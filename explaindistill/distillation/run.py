"""One fit of a distiller: its rows, its questions, its clock, and what it does after the first answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill import plugins
from explaindistill.asking.cost import Meter
from explaindistill.asking.labelling import Budget, label
from explaindistill.data.student_view import View
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.corpus import Corpus, compose, make_rows
from explaindistill.distillation.stable import FACTORS, enlarge, half_disagreement
from explaindistill.distillation.student_fit import fit_student

__all__ = ["STABLE", "Distillation", "stable_sampler"]

STABLE = "stable"
"""Value of ``n_queries`` with which the corpus grows until the student no longer changes by chance."""
TIE_TOLERANCE = 0.15


def stable_sampler() -> Any:
    """The sampler that depends least on the rows at hand."""
    return plugins.public("samplers", "copula")["CopulaSampler"](n_groups=1)


@dataclass
class Distillation:
    """What one fit knows while it is under way; :class:`~explaindistill.Distiller` keeps what comes of it.

    Attributes
    ----------
    teacher : Teacher
    view : View
        What the student sees.
    frame : DataFrame of n rows in the schema's form
    weight : ndarray of shape (n,)
    student : scikit-learn estimator
        Cloned, never fitted itself.
    sampler : Sampler or None
    ways : sequence of objects with ``apply``
    store : label store, path or None
    seed : int
    stable : bool
        Whether the student is to be one that does not change by chance.
    corpus : Corpus
        After :meth:`ask`.
    label_mode : str
        After :meth:`grow`; see :func:`explaindistill.distillation.student_fit.fit_student`.
    path : DataFrame or None
        After :meth:`enlarge`.
    """

    teacher: Any
    view: View
    frame: pd.DataFrame
    weight: NDArray[np.float64]
    student: Any
    sampler: Any
    ways: Sequence[Any]
    store: Any
    seed: int
    stable: bool
    meter: Meter = field(default_factory=Meter)
    corpus: Corpus = field(init=False)
    label_mode: str = field(init=False)
    path: pd.DataFrame | None = field(default=None, init=False)

    def ask(self, n_queries: int | str, query_strategy: str, proxy: str | None) -> SoftTargets:
        """Make rows and ask the teacher about them."""
        targets, self.corpus = compose(
            self.teacher,
            self.view.schema,
            self.frame,
            self.weight,
            sampler=self.sampler,
            n_queries=FACTORS[0] * len(self.frame) if self.stable else n_queries,
            query_strategy=query_strategy,
            proxy=proxy,
            store=self.store,
            seed=self.seed,
        )
        return targets

    def grow(self, targets: SoftTargets) -> Any:
        """Fit a clone of the student, after every further way of distilling."""
        with self.meter.fitting():
            student = clone(self.student)
            _seed_student(student, self.seed)
            for way in self.ways:
                targets = way.apply(targets, self.teacher, self.view.schema, self.seed)
            if self.stable and student.get_params().get("tie_tolerance") == 0:
                student.set_params(tie_tolerance=TIE_TOLERANCE)
            self.label_mode = fit_student(student, targets, self.view.schema, self.view.of(targets.X))
            return student

    def enlarge(self, targets: SoftTargets) -> tuple[Any, SoftTargets]:
        """Enlarge the corpus until the student no longer changes; see :mod:`explaindistill.distillation.stable`."""

        def draw(n: int, size: int) -> tuple[pd.DataFrame | None, NDArray[np.float64]]:
            rng = np.random.default_rng([self.seed, 3, size])
            return make_rows(self.sampler, self.view.schema, self.frame, self.weight, n, rng)[:2]

        def decide(student: Any) -> NDArray[Any]:
            said = np.asarray(student.predict(self.view.restored(self.frame))).ravel()
            # classes may be named by floats, and would be compared as values
            return said if targets.classes is None else np.searchsorted(np.sort(targets.classes), said)

        def half(corpus: SoftTargets) -> float:
            return half_disagreement(corpus, self.grow, decide, self.seed)

        purse = Budget()
        found = enlarge(targets, len(self.frame), draw, self._asker(purse), self.grow, half)
        self.path = found.path
        more = self.corpus.with_more(found.targets, purse.seconds)
        self.corpus = replace(more, stopped=found.reason, n_allowed=FACTORS[-1] * len(self.frame))
        return found.student, found.targets

    def _asker(self, purse: Budget) -> Any:
        def ask(rows: pd.DataFrame) -> NDArray[np.float64]:
            return label(self.teacher, self.view.schema.restore(rows), store=self.store, budget=purse)

        return ask


def _seed_student(student: Any, seed: int) -> None:
    """Seed every ``random_state`` of the student that was left at None, so that one seed decides the whole."""
    params = student.get_params(deep=True)
    names = [k for k, v in sorted(params.items()) if k.split("__")[-1] == "random_state" and v is None]
    if names:
        student.set_params(**dict.fromkeys(names, seed))
