"""Distill-and-Compare inside an audit: the teacher's answers against the true labels, on the audited rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.inputs import Case
from explaindistill.auditing.twin_models import distill_and_compare
from explaindistill.errors import InvalidInputError
from explaindistill.measures.groups import groupings
from explaindistill.measures.table import frame

__all__ = ["comparison_frames"]

FRAMES = ("comparison", "comparison_terms", "comparison_quality", "missing_inputs")


def comparison_frames(case: Case, wanted: bool, random_state: int) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Frames ``comparison``, ``comparison_terms``, ``comparison_quality``, ``missing_inputs``, and what to say of them.

    Raises
    ------
    InvalidInputError
        Where a comparison is asked for and there are no labels, or more than two classes.
    """
    if not wanted:
        return {name: frame([]) for name in FRAMES}, ()
    if case.y is None:
        raise InvalidInputError("compare needs true labels: pass y, or leave compare False")
    if case.classes is not None and len(case.classes) != 2:
        raise InvalidInputError(f"compare needs two classes or values, got {len(case.classes)} classes")
    told: dict[str, Any] = {"scale": "value"}
    score = case.P
    if case.classes is not None:
        told = {"scale": "probability", "favorable": case.favorable}
        score = case.P[:, int(np.flatnonzero(case.classes == case.favorable)[0])]
    groups = None
    if case.attributes.shape[1]:
        found_groups = groupings(case.attributes, intersections=False)
        groups = pd.DataFrame({g.attribute: np.array(g.names)[g.codes] for g in found_groups})
    found = distill_and_compare(case.frame, score, case.y, groups=groups, random_state=random_state, **told)
    frames = (found.curves, found.terms, found.quality, found.missing)
    return dict(zip(FRAMES, frames, strict=True)), (f"Inputs of the teacher: {found.sentence}",)
