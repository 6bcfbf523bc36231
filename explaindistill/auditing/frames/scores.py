"""The frames ``roc``, ``score_shares``, ``answer_pairs`` and ``decided_as``: what pictures of scores show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.frames._lines import Measured, attempt, stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.score_pictures import PAIR, answer_pairs, decided_as, roc_points, score_shares

__all__ = ["FRAMES", "measure"]

FRAMES = ("roc", "score_shares", "answer_pairs", "decided_as")
Tables = Iterator[pd.DataFrame]


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> Measured:
    """Of two classes, or of the favourable one, and of values; frames that do not apply are empty."""
    least = options.min_group_size
    return {
        **attempt(["roc"], lambda: {"roc": stack(_curves(inputs, least), ["threshold"])}),
        **attempt(
            ["score_shares"], lambda: {"score_shares": stack(_spread(inputs, least), ["value_from", "value_to"])}
        ),
        **attempt(["answer_pairs"], lambda: {"answer_pairs": stack(_pairs(inputs, least), PAIR)}),
        **attempt(["decided_as"], lambda: {"decided_as": stack(_decided(inputs), ["decision"])}),
    }


def _number(inputs: AuditInput, P: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Answers as one number per row; None where there is none: several classes without a favourable one, or values."""
    if inputs.rule.classes is None:
        return P if P.ndim == 1 else P[:, 0] if P.shape[1] == 1 else None
    return None if inputs.rule.column is None else P[:, inputs.rule.column]


def _counted(inputs: AuditInput) -> NDArray[np.bool_]:
    weight = inputs.rows.weight
    return np.ones(len(inputs.rows), dtype=bool) if weight is None else weight > 0


def _curves(inputs: AuditInput, least: int) -> Tables:
    rule, y = inputs.rule, inputs.rows.y
    if y is None or rule.classes is None or rule.column is None:
        return
    rows = _counted(inputs) & pd.notna(y)
    truth = np.asarray(y)[rows] == rule.classes[rule.column]
    for model in inputs.models():
        yield roc_points(
            truth, model.P[rows, rule.column], minimum=least, subject=model.name, **inputs.rows.sampling(rows)
        )


def _spread(inputs: AuditInput, least: int) -> Tables:
    rows = _counted(inputs)
    weight = None if inputs.rows.weight is None else inputs.rows.weight[rows]
    attributes = inputs.rows.attributes.loc[rows].reset_index(drop=True)
    for model in inputs.models():
        score = _number(inputs, model.P)
        if score is not None:
            yield score_shares(score[rows], attributes, minimum=least, sample_weight=weight, subject=model.name)


def _pairs(inputs: AuditInput, least: int) -> Tables:
    rows, teacher = _counted(inputs), _number(inputs, inputs.teacher.P)
    for s in inputs.students:
        score = _number(inputs, s.P)
        if score is not None and teacher is not None:
            bounded = inputs.task == "classification"
            yield answer_pairs(teacher[rows], score[rows], minimum=least, bounded=bounded, subject=s.name)


def _decided(inputs: AuditInput) -> Tables:
    if inputs.rule.classes is None:
        return
    teacher = inputs.decided(inputs.teacher.P)
    for s in inputs.students:
        yield decided_as(
            teacher, inputs.decided(s.P), inputs.rule.classes.tolist(), subject=s.name, **inputs.rows.sampling()
        )
