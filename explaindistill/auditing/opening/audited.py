"""What the writer of the opening reads of an audit, and how it names models, groups and rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from explaindistill.auditing.about import About
from explaindistill.auditing.display_names import CROSSED, DisplayNames
from explaindistill.auditing.opening.evidence import Evidence
from explaindistill.auditing.opening.sentences import Origin, Word

__all__ = ["Audited", "attributes_of", "group_word", "model_word", "rows_word"]

TEACHERS = {
    "TorchTeacher": "a network (torch)",
    "NetworkTeacher": "a network",
    "OnnxTeacher": "an ONNX model",
    "HttpTeacher": "a scoring service",
    "EnsembleTeacher": "an ensemble of models",
    "PateTeacher": "an ensemble of models with noise for privacy",
    "RecordedTeacher": "recorded answers",
    "CallableTeacher": "a function",
    "EstimatorTeacher": "a scikit-learn model",
}
"""What kind of model stands behind each of our adapters, in plain words."""


class Audited(Protocol):
    """An audit, as far as its opening needs it; see `explaindistill.auditing.record.Audit`."""

    @property
    def frames(self) -> Mapping[str, pd.DataFrame]: ...  # noqa: D102
    @property
    def manifest(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def students(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def task(self) -> str: ...  # noqa: D102
    @property
    def teacher_name(self) -> str: ...  # noqa: D102
    @property
    def classes(self) -> Any: ...  # noqa: D102
    @property
    def favorable(self) -> Any: ...  # noqa: D102
    @property
    def threshold(self) -> Any: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def requirements(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def about(self) -> About: ...  # noqa: D102
    @property
    def command(self) -> str: ...  # noqa: D102
    @property
    def names(self) -> DisplayNames: ...  # noqa: D102


def teacher_kind(audit: Audited) -> str:
    """What the teacher is, in plain words.

    An adapter of somebody else's is called by its class.
    """
    name = str(audit.teacher_name).partition("(")[0]
    return TEACHERS.get(name, str(audit.teacher_name))


def model_word(audit: Audited, line: Evidence) -> Word:
    """The model that a line is about."""
    subject = line.word("subject")
    if subject == "teacher":
        return Word("the teacher", "teacher", (line.origin("subject"),))
    if subject == "labels":
        return Word("the true labels", "teacher", (line.origin("subject"),))
    return Word(subject, "student", (line.origin("subject"),))


def group_word(audit: Audited, line: Evidence, side: str = "group") -> Word:
    """One side of a comparison: the group as it is called, with its column where it has no name of its own."""
    attribute, name = line.word("attribute"), line.word(side)
    shown = audit.names.group(attribute, name)
    text = shown if shown != name or CROSSED in attribute else f"{audit.names.column(attribute)} = {name}"
    return Word(text, "group", (line.origin("attribute"), line.origin(side)))


def attribute_word(audit: Audited, line: Evidence) -> Word:
    """The sensitive column, or the intersection, that a line is about."""
    return Word(audit.names.column(line.word("attribute")), "column", (line.origin("attribute"),))


def rows_word(audit: Audited) -> Word:
    """What a row is called, in the plural."""
    if audit.about.row_name:
        return Word(audit.about.row_name, "", (Origin("about", 0, "row_name"),))
    return Word("rows")


def attributes_of(audit: Audited) -> list[str]:
    """Sensitive columns in the order of the caller, without intersections."""
    for frame in ("rates", "group_fidelity", "transfer"):
        table = audit.frames.get(frame)
        if table is not None and "attribute" in table:
            names = [str(a) for a in dict.fromkeys(table["attribute"]) if str(a)]
            if names:
                return [name for name in names if CROSSED not in name]
    return []
