"""Columns named as labels, weights or groups: taken out of what models see, unless one was fitted with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from explaindistill.data.named_columns import column_of, is_name, named_columns, without
from explaindistill.data.rows import as_frame
from explaindistill.protocols import can_be_asked

__all__ = ["NamedColumns", "named_in"]

NEVER_INPUTS = ("y", "sample_weight", "groups")
"""Labels, weights and clusters are taken out where nobody knows what a model reads; an attribute or a stratum may well
be an input of it."""


@dataclass(frozen=True)
class NamedColumns:
    """Rows as models see them, and what was named as their columns.

    Attributes
    ----------
    X : rows
        Without the columns that no model was fitted with.
    values : mapping of str to values
        By argument: ``y``, ``sensitive``, ``sample_weight``, ``groups``, ``strata``.
    notes : tuple of str
        Which labels, weights or groups are inputs of a model.
    """

    X: Any
    values: Mapping[str, Any]
    notes: tuple[str, ...]


WAYS_OUT = "Give the values beside X, or set the teacher's feature_names_in_, to say it."
UNKNOWN = {
    True: f"The column “{{}}”, named as {{}}, was taken out of the rows that all models see: no student reads it, and "
    f"nobody says whether the teacher does. {WAYS_OUT}",
    False: f"The column “{{}}”, named as {{}}, was left in the rows that all models see: nobody says who reads it. "
    f"{WAYS_OUT}",
}
"""What is said of a column whose use by the teacher nobody knows, by whether it was taken out."""


def named_in(X: Any, given: Mapping[str, Any], teacher: Any, students: Mapping[str, Any]) -> NamedColumns:
    """Find the columns that are named, and take those out that are nobody's input.

    Parameters
    ----------
    X : rows in any container
    given : mapping of argument to values, name, or for ``sensitive`` names
    teacher : teacher adapter
    students : mapping of str to fitted student or Distiller

    Raises
    ------
    InvalidInputError
        For a name that is no column.

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": [20, 40] * 20, "hired": ["no", "yes"] * 20})
    >>> tree = TreeClassifier(max_leaf_nodes=2).fit(X[["age"]], X["hired"])
    >>> named = named_in(X, {"y": "hired"}, as_teacher(tree), {"tree": tree})
    >>> named.X.columns.tolist(), named.values["y"].tolist()[:2]
    (['age'], ['no', 'yes'])
    """
    values, labels = named_columns(X, {k: v for k, v in given.items() if k != "sensitive"})
    values["sensitive"], attributes = _attributes(X, given.get("sensitive"))
    roles = [
        *((argument, label) for argument, label in labels.items()),
        *(("sensitive", label) for label in attributes),
    ]
    if not roles:
        return NamedColumns(X, values, ())
    readers = {label: _readers(str(label), teacher, students) for _, label in roles}
    rest = without(X, [label for argument, label in roles if not readers[label] and argument in NEVER_INPUTS])
    gone = [label for argument, label in roles if not readers[label] and argument not in NEVER_INPUTS]
    gone = [label for label in gone if label in rest.columns and _is_needless(rest, label, teacher, students)]
    notes = tuple(
        f"The column “{label}” is named as {argument} and is an input of: {', '.join(readers[label])}."
        for argument, label in roles
        if readers[label] and argument != "sensitive"
    )
    unknown = _of_unknown_use(roles, readers, teacher, students)
    # students that name their columns would refuse one too many, and to be taken out is what a named column is for
    fitted = [columns for name, columns in _inputs(teacher, students) if name != "teacher"]
    out = bool(fitted) and all(columns is not None for columns in fitted)
    gone += [label for _, label in unknown if out and label in rest.columns and label not in gone]
    notes += tuple(UNKNOWN[out].format(label, argument) for argument, label in unknown)
    return NamedColumns(without(rest, gone), values, notes)


def _attributes(X: Any, sensitive: Any) -> tuple[Any, list[Any]]:
    """Sensitive columns as a frame, and their labels in X; what names no columns of X is left to be refused."""
    if sensitive is None or isinstance(sensitive, pd.DataFrame | pd.Series):
        return sensitive, []
    names = [sensitive] if is_name(sensitive) else sensitive
    if not isinstance(names, list | tuple) or not names or not all(is_name(n) for n in names):
        return sensitive, []
    frame = X if isinstance(X, pd.DataFrame) else as_frame(X)
    if any(n not in frame.columns and [str(c) for c in frame.columns].count(str(n)) != 1 for n in names):
        return sensitive, []
    labels = [column_of(frame, n, "sensitive") for n in names]
    return frame[labels].set_axis([str(label) for label in labels], axis=1), labels


def _inputs(teacher: Any, students: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each model's columns as its fit knew them; None where it does not say."""
    inner = getattr(teacher, "estimator", None)
    schema = getattr(getattr(teacher, "encoder", None), "schema_", None)
    columns = getattr(inner, "feature_names_in_", getattr(teacher, "feature_names_in_", None))
    yield "teacher", schema.names if schema is not None else columns
    for name, student in students.items():
        schema = getattr(student, "schema_", None) if hasattr(student, "student_") else None
        yield name, schema.names if schema is not None else getattr(student, "feature_names_in_", None)


def _readers(column: str, teacher: Any, students: Mapping[str, Any]) -> list[str]:
    """Models that were fitted with a column."""
    inputs = _inputs(teacher, students)
    return [name for name, columns in inputs if columns is not None and column in {str(c) for c in columns}]


def _of_unknown_use(
    roles: list[tuple[str, Any]], readers: Mapping[Any, list[str]], teacher: Any, students: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    """Roles of columns that may or may not be inputs of a teacher that does not name its columns."""
    columns = dict(_inputs(teacher, students))["teacher"]
    if columns is not None or not can_be_asked(teacher) or any(hasattr(s, "student_") for s in students.values()):
        return []
    return [(argument, label) for argument, label in roles if argument not in NEVER_INPUTS and not readers[label]]


def _is_needless(X: pd.DataFrame, label: Any, teacher: Any, students: Mapping[str, Any]) -> bool:
    """Whether every model is known to do without a column: a Distiller's rows are all that its teacher reads."""
    inputs = dict(_inputs(teacher, students))
    if any(columns is None for name, columns in inputs.items() if name != "teacher"):
        return False
    if inputs["teacher"] is not None or any(hasattr(s, "student_") for s in students.values()):
        return True
    return not can_be_asked(teacher) and bool(teacher.knows(X.drop(columns=[label])).any())
