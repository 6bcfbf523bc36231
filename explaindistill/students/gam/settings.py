"""The door of the additive students: parameters are checked here, and the fit becomes attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.additive.families import Bernoulli, Family
from explaindistill.numerics.threads import n_threads
from explaindistill.students._intake import Intake
from explaindistill.students._optimum import settle
from explaindistill.students.gam.design import read_shaping
from explaindistill.students.gam.fit import fit_terms
from explaindistill.students.gam.problem import AdditiveOptions

__all__ = ["adopt", "read_options"]


def read_options(student: Any, schema: Schema, family: Family | None, looks_noisy: bool) -> AdditiveOptions:
    """Check a student's parameters against the columns.

    Raises
    ------
    InvalidInputError
        For a parameter out of its range, or a constraint on a column that cannot have it.
    """
    for name, least in (("n_knots", 2), ("n_pair_knots", 2), ("max_iter", 1)):
        _at_least(name, getattr(student, name), least)
    if student.n_pairs != "auto":
        _at_least("n_pairs", student.n_pairs, 0)
    if student.max_terms is not None:
        _at_least("max_terms", student.max_terms, 1)
    if student.labels not in ("auto", "outcomes", "teacher"):
        raise InvalidInputError(f"labels must be 'auto', 'outcomes' or 'teacher', got {student.labels!r}")
    shaping = read_shaping(schema, student.monotone, student.convex, student.zero_at)
    if family is None and any(s.monotone or s.convex for s in shaping):
        raise InvalidInputError("monotone and convex need two classes: with more, a logit has no direction of its own")
    noisy = looks_noisy if student.labels == "auto" else student.labels == "outcomes"
    # the variance of an outcome of classes follows from its mean: only values need a dispersion of their own
    fixed = noisy and (family is None or isinstance(family, Bernoulli))
    return AdditiveOptions(
        family=family,
        noisy=noisy,
        phi=1.0 if fixed else None,
        shaping=shaping,
        n_pairs=student.n_pairs,
        max_terms=student.max_terms,
        heredity=bool(student.heredity),
        n_knots=int(student.n_knots),
        n_pair_knots=int(student.n_pair_knots),
        max_iter=int(student.max_iter),
        tol=float(student.tol),
        n_threads=n_threads(student.n_jobs),
        seed=int(check_random_state(0 if student.random_state is None else student.random_state).randint(2**31 - 1)),
    )


def _at_least(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        extra = " or 'auto'" if name == "n_pairs" else ""
        raise InvalidInputError(f"{name} must be an integer of at least {least}{extra}, got {value!r}")


def adopt(student: Any, chosen: AdditiveOptions, intake: Intake, target: NDArray[np.float64], scale: str) -> Any:
    """Fit, and put what came of it on the student."""
    model = fit_terms(chosen, intake, target)
    student.intercept_ = model.intercept
    student.shapes_ = model.shapes
    student.scale_ = scale
    student.labels_ = "outcomes" if chosen.noisy else "teacher"
    student.dispersion_ = float(model.fit.phi)
    student.deviance_ = float(model.fit.deviance)
    student.n_iter_ = model.fit.n_iter
    settle(
        student,
        model.fit.optimality,
        model.fit.converged,
        f" after {student.n_iter_} iterations",
        f"raise max_iter (now {student.max_iter}), or look for columns that all but tell the answer",
    )
    student.term_path_ = pd.DataFrame(model.path, columns=["n_terms", "dropped", "deviance_rise", "explained"])
    student.pair_trials_ = pd.DataFrame(model.trials, columns=["n_pairs", "loss", "gain_low", "gain_high"])
    student.edits_ = []
    return student
