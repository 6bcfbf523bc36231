"""Frames about rows: those that were asked and audited, whether made-up ones are believable, what asking cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from explaindistill.asking.cost import Cost
from explaindistill.auditing.frames._lines import Measured, attempt, cannot_say, drawn
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.objects.record import ObjectAudit
from explaindistill.auditing.options import CURVE, AuditOptions
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.schema import Schema
from explaindistill.distillation.made_rows import FitRows
from explaindistill.distillation.objects.sampling import made_objects
from explaindistill.measures.believability import AllowedRows, believability, worries
from explaindistill.measures.columns import describe_columns
from explaindistill.measures.table import frame

__all__ = ["FRAMES", "measure", "notes"]

FRAMES = ("corpus", "columns", "believability", "cost", "query_curve")
COLUMNS = {
    "corpus": ("subject", "fact", "value"),
    "columns": ("feature", "kind", "n", "missing"),
    "cost": ("subject", *Cost(0, 0, 0.0, 0.0, 0.0, 0.0, None).as_row()),
    "query_curve": CURVE,
}
BELIEVED_ROWS = 1_000
"""So many made-up rows are held against as many held-out ones."""
NEAREST_ROWS = 20_000
"""Distances are taken to so many rows of fitting at most."""
LEAST_ROWS = 10
"""With fewer rows of fitting or held out, boosting cannot be cross-validated to tell made-up rows apart."""


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> Measured:
    """One line per fact, column, property of made-up rows, student that was distilled, and size of a query curve."""
    curve = options.query_curve
    return {
        "query_curve": pd.DataFrame(columns=list(CURVE)) if curve is None else curve.reset_index(drop=True),
        **attempt(["corpus"], lambda: {"corpus": _corpus(inputs)}),
        **attempt(["columns"], lambda: {"columns": _columns(inputs, options.min_group_size)}),
        **attempt(["believability"], lambda: {"believability": _believability(inputs)}),
        **attempt(["cost"], lambda: {"cost": _costs(inputs, options.price_per_row)}),
    }


def notes(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """What is bad about made-up rows; students whose samplers are set alike have the same figures and one note."""
    worried: list[str] = []
    judged: list[pd.DataFrame] = []
    for _, table in frames["believability"].groupby("subject", sort=False):
        figures = table.drop(columns="subject").reset_index(drop=True)
        if not any(figures.equals(other) for other in judged):
            judged.append(figures)
            worried += worries(table)
    return worried


def _columns(inputs: AuditInput, minimum: int) -> pd.DataFrame:
    rows = inputs.rows
    return describe_columns(rows.frame, rows.disclosed(min(minimum, MIN_CATEGORY_SIZE)), minimum)


def _corpus(inputs: AuditInput) -> pd.DataFrame:
    tables = [s.distiller.corpus_.to_frame().assign(subject=s.name) for s in inputs.students if s.distiller is not None]
    if not tables:
        return pd.DataFrame(columns=["subject", "fact", "value"])
    return pd.concat(tables, ignore_index=True)[["subject", "fact", "value"]]


def _costs(inputs: AuditInput, price_per_row: float | None) -> pd.DataFrame:
    """One line per student that a Distiller fitted: what was recorded while it was fitted, and what follows."""
    stated = getattr(inputs.teacher.inner, "price_per_row", None) or None
    price = stated if price_per_row is None else price_per_row
    lines = [{"subject": s.name, **s.distiller.cost_.as_row(price)} for s in inputs.students if s.distiller is not None]
    return pd.DataFrame(lines, columns=list(COLUMNS["cost"]))


def _believability(inputs: AuditInput) -> pd.DataFrame:
    """Believability of the made-up rows of each student; samplers that are set alike are judged once."""
    tables: list[pd.DataFrame] = []
    judged: dict[str, pd.DataFrame] = {}
    for s in inputs.students:
        if s.distiller is None or s.distiller.corpus_.sampler == "none":
            continue
        sampler = s.distiller.sampler_
        settings = f"{type(sampler).__name__} {sorted(vars(sampler).items())!r} {s.distiller.seed_}"
        if settings not in judged:
            judged[settings] = _judged(inputs, s, sampler)
        tables.append(judged[settings].assign(subject=s.name))
    return pd.concat(tables, ignore_index=True) if tables else frame([])


def _judged(inputs: AuditInput, s: Model, sampler: Any) -> pd.DataFrame:
    """Rows that a sampler makes, held against real rows of fitting and real rows that it did not see."""
    from explaindistill.samplers import Constraint, satisfied

    distiller: Any = s.distiller
    if inputs.objects is not None:
        return _judged_objects(inputs, inputs.objects, s, sampler)
    schema = distiller.schema_
    fitted = None if inputs.train is None else schema.frame(inputs.train[0])
    reason = ""
    if fitted is None:
        reason = "rows of fitting were not given: pass train=(X, y)"
    elif hasattr(sampler, "teacher"):
        reason = "this sampler asks the teacher, which an audit does not do for rows of fitting"
    elif min(len(inputs.rows), len(fitted)) < LEAST_ROWS:
        reason = "fewer than 10 rows of fitting or held out"
    if reason:
        return cannot_say("two_sample_auc", s.name, reason)
    rng = np.random.default_rng([distiller.seed_, 7])  # the stream of believability, apart from that of the fit
    held = schema.frame(inputs.rows.frame)
    held = held.iloc[drawn(len(held), BELIEVED_ROWS, rng)]
    new_rows = clone(sampler, safe=False).fit(fitted, schema).sample(max(len(held), LEAST_ROWS), rng)
    constraints = [Constraint(text, schema) for text in getattr(sampler, "constraints", ())]
    return believability(
        new_rows,
        held,
        fitted,
        AllowedRows(schema, lambda Z: satisfied(constraints, Z), bool(getattr(sampler, "private", False))),
        most=NEAREST_ROWS,
        subject=s.name,
        random_state=distiller.seed_,
    )


def _judged_objects(inputs: AuditInput, objects: ObjectAudit, s: Model, sampler: Any) -> pd.DataFrame:
    """Made-up objects held against real ones, by the columns that the student sees of them."""
    distiller: Any = s.distiller
    if objects.train is None:
        return cannot_say("two_sample_auc", s.name, "rows of fitting were not given: pass train=(X, y)")
    if min(len(inputs.rows), len(objects.train)) < LEAST_ROWS:
        return cannot_say("two_sample_auc", s.name, "fewer than 10 rows of fitting or held out")
    rng = np.random.default_rng([distiller.seed_, 7])
    at = drawn(len(inputs.rows), BELIEVED_ROWS, rng)
    P = objects.answers[s.name](objects.train)  # the student's, so that a sampler's ideas of likeness cost no question
    real = FitRows.of(objects.train.reset_index(drop=True), distiller.schema_)
    new, _ = made_objects(sampler, objects.rows, real, P, max(len(at), LEAST_ROWS), rng)
    columns = distiller.view_.features
    fitted, held, made = (columns.transform(rows) for rows in (objects.train, objects.frame.iloc[at], new))
    schema = Schema.infer(pd.concat([fitted, held], ignore_index=True))
    judged = believability(
        made.reset_index(drop=True),
        held.reset_index(drop=True),
        fitted.reset_index(drop=True),
        AllowedRows(schema),
        most=NEAREST_ROWS,
        subject=s.name,
        random_state=distiller.seed_,
    )
    # columns of an object have no bounds that it could break
    return judged[judged["metric"] != "violations"].reset_index(drop=True)
