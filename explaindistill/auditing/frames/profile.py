"""The frames of an audit that a rule set asks for: its arithmetic, and what of its tables and statements is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._lines import cannot_say, stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.auditing.profiles.loading import Profile
from explaindistill.measures.favorable import which_is_wanted
from explaindistill.measures.profile import ProfileArithmetic, profile_rates
from explaindistill.measures.table import frame

__all__ = ["FRAMES", "measure"]

FRAMES = ("profile", "profile_requirements")
COLUMNS = {"profile_requirements": ("kind", "key", "requirement", "answer", "state")}


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """The arithmetic of a rule set for the teacher and every student, and what it asks for; empty without one.

    Tables that the rule set asks for are looked for among the frames measured before.
    """
    profile, statements = options.profile, options.statements_with_date()
    if profile is None:
        return {"profile": frame([]), "profile_requirements": _listed([])}
    rates = stack(_rates(inputs, profile, statements))
    tables = {**frames, "profile": rates}
    lines = [
        {"kind": "table", "key": key, "requirement": words, "answer": _rows(tables.get(key))}
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
    stated = [line | {"state": "given" if line["answer"] else "not given"} for line in lines]
    return pd.DataFrame(stated, columns=pd.Index(COLUMNS["profile_requirements"])).astype("str")


def _rates(inputs: AuditInput, profile: Profile, statements: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    first = str(profile.arithmetic["rates"][0])
    at = inputs.rule.position
    if inputs.rows.attributes.shape[1] == 0:
        yield cannot_say(first, "teacher", "no sensitive attributes were given")
        return
    if at is None:
        classes = inputs.rule.classes
        why = "there is no favourable decision to count" if classes is None else which_is_wanted(classes)
        yield cannot_say(first, "teacher", why)
        return
    arithmetic = ProfileArithmetic(**profile.arithmetic)
    shared: dict[str, Any] = {
        "attributes": inputs.rows.attributes,
        "favorable": inputs.rule.favorable,
        "y": inputs.rows.y,
        "justification": statements.get("exclusion_justification", ""),
    }
    for model in inputs.models():
        decision = pd.Categorical(inputs.decided(model.P), categories=inputs.rule.classes)
        yield profile_rates(decision, arithmetic, score=model.P[:, at], subject=model.name, **shared)
