"""All rows of partitions under audit: asked a part at a time, counted, and put into the frames of the drawn rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.asking.on_workers import count_here
from explaindistill.asking.progress import enter
from explaindistill.auditing.failures import Failures
from explaindistill.auditing.frames.every import suppressed
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.auditing.partitions.answered import AnsweredRows, PartQuestions, RowTotals
from explaindistill.auditing.partitions.basis import basis_of, said_of
from explaindistill.auditing.partitions.cells import Cells
from explaindistill.auditing.partitions.counted import TEACHER, CountedRows
from explaindistill.auditing.partitions.joined import joined
from explaindistill.auditing.partitions.opening import sensitive_names
from explaindistill.auditing.partitions.pairs import pair_frames, ranked_scores
from explaindistill.auditing.partitions.people import nameless, stand_ins
from explaindistill.auditing.partitions.truth import PeopleByValue, people_by_value, truth_frames
from explaindistill.auditing.partitions.values import value_frames
from explaindistill.auditing.stages import COUNTING
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.parts import PartOfRows
from explaindistill.data.rows_sent import asking_for
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.value_bands import value_bands
from explaindistill.numerics.sums import added
from explaindistill.protocols import Partitions

__all__ = ["EveryRow", "WholeAudit"]

Frames = dict[str, pd.DataFrame]
ALL_ROWS = "audit: all rows"
"""Purpose of the rows that are sent beyond the drawn ones."""


@dataclass(frozen=True, eq=False)
class WholeAudit:
    """Frames of all rows and of drawn ones, joined, with what must be said of them.

    Attributes
    ----------
    frames : dict of str to DataFrame
        With a column ``rows``: "all" or "drawn".
    notes : tuple of str
        The first says which figures count all rows.
    partitions : dict
        For the manifest: how many parts and rows, how many were drawn, which rows each frame rests on.
    digest : str
        Of all rows, in whatever order.
    """

    frames: Frames
    notes: tuple[str, ...]
    partitions: dict[str, Any]
    digest: str

    def manifest(self, of_drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The manifest of all rows, from that of the drawn ones."""
        facts = self.partitions | {"drawn_sha256": of_drawn["data_sha256"]}
        return {**of_drawn, "n_rows": facts["rows"], "data_sha256": self.digest, "partitions": facts}


@dataclass(frozen=True, eq=False)
class EveryRow:
    """Rows in partitions, and the models that are asked about all of them.

    Attributes
    ----------
    parts : Partitions of PartOfRows
    arguments : mapping
        ``y``, ``sensitive`` and ``sample_weight``: names of columns.
    students : mapping of str to fitted student or Distiller
    """

    parts: Partitions
    arguments: Mapping[str, Any]
    students: Mapping[str, Any]

    def measured(self, drawn: AuditInput, frames: Frames, options: AuditOptions, failures: Failures) -> WholeAudit:
        """Ask about all rows, count them, and join what was counted with the frames of the drawn rows.

        Parameters
        ----------
        drawn : AuditInput
            Of the drawn rows.
        frames : dict of str to DataFrame
            Of the drawn rows, without the figures of few people.
        """
        enter(COUNTING)
        bands = value_bands(drawn.rows.attributes)
        names = {argument: _text(self.arguments.get(argument)) for argument in ("y", "sample_weight")}
        sensitive = sensitive_names(self.arguments.get("sensitive"))
        questions = PartQuestions(
            drawn.teacher.inner, self.students, drawn.rule, drawn.rows.schema, names["y"], names["sample_weight"],
            sensitive, bands,
        )  # fmt: skip
        with asking_for(ALL_ROWS):
            answered = self.parts.step(_answered, questions)
            totals: RowTotals = answered.ask(_totals, reduce=added)
            count_here(drawn.teacher.inner, self.parts, totals.n_sent)
        cells: Cells = answered.ask(_cells, drawn.rule, reduce=added)
        table = joined(frames, _counted(answered, totals, cells, list(bands), drawn, options, failures))
        facts = {
            "parts": len(self.parts),
            "rows": totals.n,
            "drawn": len(drawn.rows),
            "frames": {name: basis for name, frame in table.items() if (basis := basis_of(frame))},
        }
        whole = hashlib.sha256(f"{totals.n}".encode() + totals.digest.tobytes()).hexdigest()
        return WholeAudit(table, (said_of(facts), *_equal(totals)), facts, whole)


def _text(name: Any) -> str | None:
    return None if name is None else str(name)


def _answered(part: PartOfRows, questions: PartQuestions) -> AnsweredRows:
    return questions.of(part)


def _totals(rows: AnsweredRows) -> RowTotals:
    return rows.totals


def _cells(rows: AnsweredRows, rule: DecisionRule) -> Cells:
    return rows.cells(rule, TEACHER)


def _counted(
    answered: Partitions,
    totals: RowTotals,
    cells: Cells,
    banded: list[str],
    drawn: AuditInput,
    options: AuditOptions,
    failures: Failures,
) -> Frames:
    """Frames of all rows without the figures of few people; one that could not be had stays that of drawn rows."""
    named = nameless(cells, min(MIN_CATEGORY_SIZE, options.min_group_size), banded)
    people = stand_ins(named, options.min_group_size)
    rows = CountedRows(named, drawn.rule, [s.name for s in drawn.students], people)
    values = people_by_value(cells, named)
    frames: Frames = {}
    measures: tuple[tuple[str, Callable[[], Mapping[str, pd.DataFrame]]], ...] = (
        ("rates", partial(rows.groups, options)),
        ("fidelity", rows.decisions),
        ("fidelity", partial(_of_scores, answered, rows, drawn, totals, values)),
    )
    if drawn.rule.classes is None:
        measures = (("fidelity", partial(_of_values, answered, rows, drawn, totals, values)),)
    for name, make in measures:
        try:
            for frame_name, table in make().items():
                before = [frames[frame_name]] if frame_name in frames else []
                frames[frame_name] = pd.concat([*before, table], ignore_index=True)
        except MemoryError:
            raise
        except Exception as error:  # whatever a measure meets: frames of drawn rows are there
            failures.add("partitions", [name], error)
    return suppressed(frames, people, options.min_group_size, failures)


def _of_scores(
    answered: Partitions, rows: CountedRows, drawn: AuditInput, totals: RowTotals, people: Mapping[str, PeopleByValue]
) -> Frames:
    """What is said of probabilities."""
    rule = rows.rule
    scores = ranked_scores(answered, {model.name: model.P for model in drawn.models()}, rule)
    frames = {"fidelity": pd.concat(pair_frames(answered, rows, scores, totals.n), ignore_index=True)}
    if "labels" not in rows.cells.codes:
        return frames
    return frames | truth_frames(answered, people, scores, len(rule.classes), rule.position is not None)


def _of_values(
    answered: Partitions, rows: CountedRows, drawn: AuditInput, totals: RowTotals, people: Mapping[str, PeopleByValue]
) -> Frames:
    """What is said of regressors."""
    values = {model.name: model.P for model in drawn.models()}
    values |= {} if drawn.rows.y is None else {"labels": np.asarray(drawn.rows.y, dtype=float)}
    return value_frames(answered, people, rows.cells, values, totals.n)


def _equal(totals: RowTotals) -> list[str]:
    if not totals.n_equal:
        return []
    return [
        f"{totals.n_equal:,} of all {totals.n:,} rows equal, in value, a row seen in fitting; agreement is shown with "
        "and without them."
    ]
