"""The door of the additive students: parameters are checked here, and the fit becomes attributes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.utils import check_random_state

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.additive.families import Bernoulli, Family
from explaindistill.numerics.ranges import number_in, one_of, seed_in, whole_in
from explaindistill.numerics.threads import n_threads
from explaindistill.students._optimum import settle
from explaindistill.students.gam.design import read_shaping
from explaindistill.students.gam.fit import CurveRows, fit_terms
from explaindistill.students.gam.problem import AdditiveOptions

__all__ = ["adopt", "check_settings", "read_options"]

MOST_KNOTS, MOST_PAIR_KNOTS = 1_000, 100
"""Of curves that people read; the sums of products take the square of the first, and of a pair the fourth power."""


def check_settings(student: Any) -> None:
    """Check the parameters that no column has a part in.

    Raises
    ------
    InvalidInputError
        For a parameter out of its range.
    """
    whole_in("n_knots", student.n_knots, 2, MOST_KNOTS)
    whole_in("n_pair_knots", student.n_pair_knots, 2, MOST_PAIR_KNOTS)
    whole_in("max_iter", student.max_iter, 1)
    whole_in("n_pairs", student.n_pairs, 0, others=("auto",))
    whole_in("max_terms", student.max_terms, 1, others=(None,))
    number_in("tol", student.tol, 0)
    one_of("labels", student.labels, ("auto", "outcomes", "teacher"))
    seed_in("random_state", student.random_state)


def read_options(student: Any, schema: Schema, family: Family | None, looks_noisy: bool) -> AdditiveOptions:
    """Check a student's parameters against the columns.

    Raises
    ------
    InvalidInputError
        For a parameter out of its range, or a constraint on a column that cannot have it.
    """
    check_settings(student)
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


def adopt(student: Any, chosen: AdditiveOptions, rows: CurveRows, scale: str) -> Any:
    """Fit, and put what came of it on the student."""
    model = fit_terms(chosen, rows)
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
