"""The frames of an audit that a rule set asks for: its arithmetic, and what of its tables and statements is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.inputs import (
    Case,
    cannot_say,
    decided,
    stack,
)
from explaindistill.auditing.profiles.loading import Profile
from explaindistill.measures.decision import favorable_position
from explaindistill.measures.profile import ProfileArithmetic, profile_rates
from explaindistill.measures.table import frame

__all__ = ["profile_frames"]


def profile_frames(
    case: Case, profile: Profile | None, frames: Mapping[str, pd.DataFrame], statements: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """``profile``, the arithmetic for the teacher and every student, and ``profile_requirements``.

    Parameters
    ----------
    case : Case
    profile : Profile, optional
        Both frames are empty without one.
    frames : mapping
        The other frames of the audit, among which required tables are looked for.
    statements : mapping
        What people said.
    """
    if profile is None:
        return {"profile": frame([]), "profile_requirements": _listed([])}
    rates = stack(_rates(case, profile, statements))
    everything = {**frames, "profile": rates}
    lines = [
        {"kind": "table", "key": key, "requirement": words, "answer": _rows(everything.get(key))}
        for key, words in profile.tables.items()
    ]
    lines += [
        {"kind": "statement", "key": key, "requirement": words, "answer": str(statements.get(key, ""))}
        for key, words in profile.statements.items()
    ]
    return {"profile": rates, "profile_requirements": _listed(lines)}


def _rows(table: pd.DataFrame | None) -> str:
    n = 0 if table is None else len(table)
    return f"{n} lines" if n else ""


def _listed(lines: list[dict[str, str]]) -> pd.DataFrame:
    told = [line | {"state": "given" if line["answer"] else "not given"} for line in lines]
    return pd.DataFrame(told, columns=pd.Index(["kind", "key", "requirement", "answer", "state"])).astype("str")


def _rates(case: Case, profile: Profile, statements: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    first = str(profile.arithmetic["rates"][0])
    if case.task == "regression" or case.favorable is None:
        yield cannot_say(first, "teacher", "there is no favourable decision to count")
        return
    if case.attributes.shape[1] == 0:
        yield cannot_say(first, "teacher", "no sensitive attributes were given")
        return
    at = favorable_position(case.classes, case.favorable)
    arithmetic = ProfileArithmetic(**profile.arithmetic)
    asked: dict[str, Any] = {
        "attributes": case.attributes,
        "favorable": case.favorable,
        "y": case.y,
        "justification": statements.get("exclusion_justification", ""),
    }
    for name, P in (("teacher", case.P), *((s.name, s.P) for s in case.subjects)):
        yield profile_rates(decided(case, P), arithmetic, score=np.asarray(P)[:, at], subject=name, **asked)
