"""Frames of Distill-and-Compare inside an audit: the teacher's answers against the true labels, on the audited rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.auditing.twin_models import distill_and_compare
from explaindistill.measures.groups import groupings
from explaindistill.measures.missing_inputs import missing_inputs_statement
from explaindistill.measures.table import frame

__all__ = ["FRAMES", "measure", "notes"]

FRAMES = ("comparison", "comparison_terms", "comparison_quality", "missing_inputs")


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Compare the teacher with what came of the rows, where that is asked for; empty frames elsewhere."""
    if not options.compare:
        return {name: frame([]) for name in FRAMES}
    rows, rule, P = inputs.rows, inputs.rule, inputs.teacher.P
    score, scale = (P, "value") if rule.position is None else (P[:, rule.position], "probability")
    groups = None
    if rows.attributes.shape[1]:
        by_attribute = groupings(rows.attributes, intersections=False)
        groups = pd.DataFrame({g.attribute: np.array(g.names)[g.codes] for g in by_attribute})
    comparison = distill_and_compare(
        rows.frame, score, rows.y,
        scale=scale, favorable=rule.favorable, groups=groups, random_state=options.random_state,
    )  # fmt: skip
    tables = (comparison.curves, comparison.terms, comparison.quality, comparison.missing)
    return dict(zip(FRAMES, tables, strict=True))


def notes(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """What may be said of inputs that the data do not hold."""
    missing = frames["missing_inputs"]
    return [f"Inputs of the teacher: {missing_inputs_statement(missing)[1]}"] if len(missing) else []
