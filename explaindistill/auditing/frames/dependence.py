"""The frames ``dependence`` and ``dependence_comparison``: curves of teacher and students along each column.

They are measured where ``audit(dependence=True)``, or names of columns, ask for them: each column costs the teacher
about 3,000 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.answers import Answer
from explaindistill.auditing.frames._lines import Incomplete, Measured, cannot_say, stack, unasked
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.data.schema import Feature
from explaindistill.measures.dependence import AREAS, CURVES, EXTRA, CurveOptions, dependence
from explaindistill.measures.effect_places import NoPlacesError
from explaindistill.measures.favorable import which_is_wanted

__all__ = ["FRAMES", "RANKED", "measure"]

FRAMES = ("dependence", "dependence_comparison")
RANKED = (*EXTRA, "rank")
"""Columns of the second frame beside the canonical ones."""

Score = Callable[[pd.DataFrame], NDArray[np.float64]]
Tables = tuple[pd.DataFrame, pd.DataFrame]


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> Measured:
    """Curves of every column that is asked for; a column that fails takes only its own lines with it."""
    if not options.dependence:
        return {"dependence": stack([], EXTRA), "dependence_comparison": stack([], RANKED)}
    if why := _no_number(inputs):
        line = cannot_say(CURVES[0], "teacher", why).reindex(columns=[*stack([]).columns, *EXTRA])
        return {"dependence": line, "dependence_comparison": stack([], RANKED)}
    # a stream of its own: what the frames before draw depends on answers, and a rehearsal would ask about other rows
    seed = int(np.random.default_rng([options.random_state, 7]).integers(2**31))
    tables: list[Tables] = []
    errors: dict[str, Exception] = {}
    for feature in _asked(inputs, options.dependence):
        try:
            tables.append(_along(inputs, feature, options, seed))
        except MemoryError:
            raise
        except Exception as error:  # whatever somebody's model meets on changed rows
            errors[feature.name] = error
    return {
        "dependence": Incomplete(stack((curves for curves, _ in tables), EXTRA), errors),
        "dependence_comparison": Incomplete(_ranked(stack((areas for _, areas in tables), EXTRA)), errors),
    }


def _no_number(inputs: AuditInput) -> str:
    """Why there is no one number whose curve could be drawn; nothing where there is."""
    if inputs.task == "classification" and inputs.rule.column is None:
        return which_is_wanted(inputs.rule.classes)
    if inputs.task == "regression" and inputs.teacher.P.ndim > 1 and inputs.teacher.P.shape[1] > 1:
        return "several values per row: audit a teacher per output"
    return ""


def _asked(inputs: AuditInput, wanted: bool | tuple[str, ...]) -> list[Feature]:
    features = list(inputs.rows.schema)
    return features if wanted is True else [f for f in features if f.name in set(wanted or ())]


def _along(inputs: AuditInput, feature: Feature, options: AuditOptions, seed: int) -> Tables:
    """Curves and areas of one column; of a teacher that is a record there is no curve, and no area."""
    models = {m.name: _score(m.answer, inputs.rule.column) for m in inputs.models() if m.can_be_asked}
    recorded = not inputs.teacher.can_be_asked
    curves: list[pd.DataFrame] = []
    areas: list[pd.DataFrame] = []
    try:
        for together in [{name: score} for name, score in models.items()] if recorded else [models]:
            mine, theirs = dependence(
                together, inputs.rows.frame, feature, rng=seed, unit=_unit(inputs),
                options=CurveOptions(minimum=options.min_group_size), **inputs.rows.sampling(),
            )  # fmt: skip
            curves.append(mine if not curves else mine[mine["subject"] != "rows"])
            areas.append(theirs)
    except NoPlacesError as why:
        return _no_curve("teacher", str(why), feature), stack([], EXTRA)
    if recorded:
        curves.append(_no_curve("teacher", unasked(inputs, "changed"), feature))
    return stack(curves, EXTRA), stack(areas, EXTRA)


def _no_curve(subject: str, why: str, feature: Feature) -> pd.DataFrame:
    named = {"feature": feature.name, "kind": "", "place": "", "value": np.nan, "unit": ""}
    return cannot_say(CURVES[0], subject, why).assign(**named)


def _score(answer: Answer, column: int | None) -> Score:
    """Answers as one number: the value, or the probability of the favourable class."""
    if column is None:
        return lambda rows: np.asarray(answer(rows), dtype=float).ravel()
    return lambda rows: answer(rows)[:, column]


def _unit(inputs: AuditInput) -> str:
    column = inputs.rule.column
    return "value" if column is None else f"probability of {inputs.rule.classes[column]}"


def _ranked(areas: pd.DataFrame) -> pd.DataFrame:
    """Areas with the largest first; ``rank`` counts them per student, of the one curve that each column is judged by.

    That is the accumulated effect where there is one; the partial dependence of such a column has no rank.
    """
    if areas.empty:
        return areas.assign(rank=pd.Series(dtype=float))
    judged = (areas["metric"] == AREAS[0]) | (areas["kind"] == "levels")
    ordered = areas.assign(_last=~judged).sort_values(
        ["_last", "estimate", "feature", "subject"], ascending=[True, False, True, True], kind="stable"
    )
    ordered["rank"] = ordered.groupby(["_last", "subject"], sort=False).cumcount().add(1).where(~ordered["_last"])
    return ordered.drop(columns="_last").reset_index(drop=True)
