"""What a report of policies draws: the plane of the two numbers that a student uses most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaindistill.auditing.policies.runs import PolicyRuns
from explaindistill.distillation.policies.pictures import phase_frame, timeline_frame

__all__ = ["drawings_of"]


def drawings_of(students: Any, runs: PolicyRuns) -> dict[str, dict[str, Any]]:
    """Frames per student that was distilled: ``cells``, ``paths``, ``labels`` of the plane, and ``timeline``."""
    named = students if isinstance(students, Mapping) else {"student": students}
    drawings = {}
    for name, student in named.items():
        if not hasattr(student, "plot_phase") or len(runs.source.names) < 2:
            continue
        x, y = _most_used(student)
        cells, paths = phase_frame(student, x, y, random_state=runs.seeds[0])
        drawings[str(name)] = {
            "cells": cells,
            "paths": paths,
            "labels": tuple(f"{n} ({runs.source.units[n]})" if n in runs.source.units else n for n in (x, y)),
            "timeline": timeline_frame(student, random_state=runs.seeds[0]),
        }
    return drawings


def _most_used(student: Any) -> tuple[str, str]:
    """The two numbers of a state that the student's structure rests on most; the first two where it does not say."""
    state = list(student.columns_.state)
    if not hasattr(student.student_, "importance"):
        return state[0], state[1]
    shares = student.student_.importance().set_index("feature")["estimate"]
    ranked = pd.Series({name: float(shares.get(name, 0.0)) for name in state}).sort_values(
        ascending=False, kind="stable"
    )
    first, second = sorted(ranked.index[:2], key=state.index)
    return str(first), str(second)
