"""Every answer is checked at the door: shape, number of rows, NaN, and whether probabilities are probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.answers import check_chance, named_columns, probabilities
from explaindistill.data.class_words import class_words
from explaindistill.data.targets import one_hot
from explaindistill.errors import ExplainDistillError, InvalidInputError, TeacherError
from explaindistill.protocols import Teacher

__all__ = [
    "OUTPUTS",
    "Output",
    "answering",
    "check_output",
    "checked_answer",
    "class_order",
    "common_classes",
    "in_order",
    "no_probabilities",
    "sorted_classes",
    "values_not_chances",
]

Output = Literal["probabilities", "logits", "labels", "value"]
ENOUGH_ROWS = 10
"""Values of fewer rows, such as those of one person who is explained, may sum to one by chance."""
OUTPUTS: tuple[Output, ...] = ("probabilities", "logits", "labels", "value")


def check_output(output: str, classes: Any) -> Output:
    """State of an adapter: the kind of its output fits to whether it has classes.

    Raises
    ------
    InvalidInputError
        If ``output`` is unknown, or classes are given for values, or missing for anything else.
    """
    if output not in OUTPUTS:
        raise InvalidInputError(f"output must be one of {', '.join(OUTPUTS)}, got {output!r}")
    if output == "value" and classes is not None:
        raise InvalidInputError(
            "output='value' is regression and has no classes; leave classes out, or say what the output is"
        )
    if output != "value" and classes is None:
        raise InvalidInputError(f"classes must be given for output={output!r}, in the order of the teacher's columns")
    return output


def sorted_classes(classes: ArrayLike) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Sorted classes, and the order that brings the teacher's columns into theirs.

    Raises
    ------
    InvalidInputError
        If there are fewer than two, or one twice, or they cannot be sorted.
    """
    names = np.asarray(classes)
    if names.ndim != 1:
        raise InvalidInputError(
            f"classes must be one flat list, got shape {names.shape}; "
            "teachers of several labels at once are not supported"
        )
    if len(names) < 2:
        raise InvalidInputError(f"classes must name at least 2 classes, got {names.tolist()}")
    try:
        order = np.argsort(names, kind="stable")
    except TypeError as error:
        raise InvalidInputError(
            f"classes must be of one kind so that they can be sorted, got {class_words(names)}"
        ) from error
    if (names[order][1:] == names[order][:-1]).any():
        raise InvalidInputError(f"classes must differ from each other, got {class_words(names)}")
    return names[order], order


def class_order(classes: ArrayLike | None) -> tuple[NDArray[Any] | None, NDArray[np.intp] | None]:
    """Sorted classes and the order of the teacher's columns, or None twice in regression."""
    return (None, None) if classes is None else sorted_classes(classes)


def common_classes(teachers: Sequence[Teacher]) -> NDArray[Any] | None:
    """Classes that all teachers share; None where all give values.

    Raises
    ------
    InvalidInputError
        If there is no teacher, one that is none, or one with other classes.
    """
    if not teachers:
        raise InvalidInputError("teachers must hold at least 1 teacher, got none")
    for teacher in teachers:
        if not isinstance(teacher, Teacher):
            raise InvalidInputError(f"teachers must be teachers (see as_teacher), got {type(teacher).__name__}")
    first = teachers[0].classes_
    for teacher in teachers[1:]:
        theirs = teacher.classes_
        if (None if first is None else first.tolist()) != (None if theirs is None else theirs.tolist()):
            raise InvalidInputError("teachers must all have the same classes, or all give values")
    return first


def checked_answer(
    raw: Any,
    n_rows: int,
    output: Output,
    classes: NDArray[Any] | None,
    order: NDArray[np.intp] | None,
    who: str,
) -> NDArray[np.float64]:
    """Turn a raw answer into float64 probabilities or values, or say what is wrong with it.

    Parameters
    ----------
    raw : array of shape (n, k), (n, 1), (n,) or (n, m)
        One column is allowed for two classes: the probability or logit of the class named second. Columns of a frame
        that are named after the classes are taken by name.
    n_rows : int
        Rows that were asked about.
    output : {"probabilities", "logits", "labels", "value"}
    classes : ndarray of shape (k,), sorted, or None
    order : ndarray of shape (k,), or None
        Column of the answer that belongs to each sorted class.
    who : str
        The teacher's name, for the message.

    Returns
    -------
    ndarray of float64
        ``(n, k)`` in the order of ``classes``, or ``(n,)`` or ``(n, m)`` for values.

    Raises
    ------
    TeacherError
        If this is no answer.
    """
    if output == "labels":
        return _labels(raw, n_rows, classes, who)
    answer = _numbers(raw, who)
    _check_rows(answer, n_rows, who)
    if not np.isfinite(answer).all():
        bad = np.flatnonzero(~np.isfinite(answer.reshape(n_rows, -1)).all(axis=1))
        raise TeacherError(f"{who} answered NaN or infinity for {len(bad)} of {n_rows} rows, the first is row {bad[0]}")
    if output == "value":
        return answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer
    assert classes is not None  # check_output saw to it
    in_order = classes if order is None else classes[np.argsort(order)]  # in the order of the teacher's columns
    if (named := named_columns(raw, in_order, who)) is not None:
        answer = _numbers(named, who)
        if named.shape[1] == 1 and named.columns[0] == str(in_order[0]):  # the first of two classes, not the second
            in_order = in_order[::-1]
            order = np.argsort(in_order, kind="stable")
    columns = _columns(answer, output, in_order, who)
    P = _softmax(columns) if output == "logits" else probabilities(columns, who)
    return P if order is None else np.ascontiguousarray(P[:, order])


def in_order(X: Any, names: Any) -> Any:
    """Rows with their columns in the order that a model was fitted with, where they are the same ones by name.

    LightGBM and others read columns by their place, and would take one for another without a word.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)
    names : sequence of str, or None
        Columns that the model was fitted with; None where it does not say.

    Examples
    --------
    >>> in_order(pd.DataFrame({"b": [1], "a": [2]}), ["a", "b"]).columns.tolist()
    ['a', 'b']
    """
    if names is None or not isinstance(X, pd.DataFrame):
        return X
    wanted, present = list(names), X.columns.tolist()
    return X[wanted] if wanted != present and len(wanted) == len(present) and set(wanted) == set(present) else X


@contextmanager
def answering(who: str, X: Any, way: str) -> Iterator[None]:
    """Tell which rows a model could not answer, and the way out: its own error alone speaks of its inside.

    Parameters
    ----------
    who : str
        The teacher's name.
    X : array or DataFrame
        The rows it is asked about.
    way : str
        What to do where it cannot read them.

    Raises
    ------
    TeacherError
        In place of what the model raises when it cannot read the rows it is given.
    """
    try:
        yield
    except ExplainDistillError:
        raise
    except Exception as error:  # whatever a model raises on rows it cannot read, the way out is the same
        raise TeacherError(
            f"{who} could not answer {len(X)} rows, given as the {type(X).__name__} they came in: "
            f"{type(error).__name__}: {error}; {way}"
        ) from error


def no_probabilities(who: str) -> TeacherError:
    """Error for the probabilities of a teacher that gives values."""
    return TeacherError(f"{who} gives values (regression) and has no probabilities; ask predict")


def values_not_chances(answer: NDArray[np.float64], who: str) -> NDArray[np.float64]:
    """Values of a teacher that nobody said the output of, unless they look like probabilities of classes.

    Raises
    ------
    TeacherError
        If there are several columns of at least 0 that sum to one in each of :data:`ENOUGH_ROWS` rows or more.

    Examples
    --------
    >>> values_not_chances(np.array([[0.2, 0.9]]), "net").tolist()
    [[0.2, 0.9]]
    """
    if answer.ndim == 2 and answer.shape[1] > 1 and len(answer) >= ENOUGH_ROWS:
        off = np.abs(answer.sum(axis=1) - 1.0).max()
        if answer.min() >= 0 and off <= 1e-4:  # float32 sums of a softmax lie within 1e-6 of one
            raise TeacherError(
                f"{who} answered {answer.shape[1]} columns that sum to one and has no classes; say as_teacher({who}, "
                "classes=[...]) in the order of the columns, or output='value' where they are values"
            )
    return answer


def _numbers(raw: Any, who: str) -> NDArray[np.float64]:
    if isinstance(raw, list) and raw and np.ndim(raw[0]) >= 2:
        raise TeacherError(
            f"{who} answered a list of {len(raw)} arrays; teachers of several labels at once are not supported"
        )
    if hasattr(raw, "detach"):
        raw = raw.detach().cpu().numpy()
    try:
        answer = np.asarray(raw.to_numpy() if isinstance(raw, (pd.DataFrame, pd.Series)) else raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TeacherError(
            f"{who} answered with something that is not numbers: {error}; if these are classes, say "
            "classes=[...] and output='labels'"
        ) from error
    if answer.ndim not in (1, 2):
        raise TeacherError(f"{who} answered an array of shape {answer.shape}; it must be (rows,) or (rows, columns)")
    return answer


def _check_rows(answer: NDArray[Any], n_rows: int, who: str) -> None:
    if len(answer) != n_rows:
        raise TeacherError(
            f"{who} was asked about {n_rows} rows and answered {len(answer)}; one answer per row is needed"
        )


def _columns(answer: NDArray[np.float64], output: Output, classes: NDArray[Any], who: str) -> NDArray[np.float64]:
    """Answer with one column per class; a single column is the second of two classes."""
    k = len(classes)
    flat = answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer
    if flat.ndim == 1 and k == 2:
        if output == "probabilities":
            check_chance(flat, who, classes[1])
        return np.column_stack([np.zeros_like(flat) if output == "logits" else 1.0 - flat, flat])
    if flat.ndim == 1 or flat.shape[1] != k:
        raise TeacherError(f"{who} answered an array of shape {answer.shape}; its {k} classes need {k} columns")
    return flat


def _softmax(z: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _labels(raw: Any, n_rows: int, classes: NDArray[Any] | None, who: str) -> NDArray[np.float64]:
    labels = np.asarray(raw)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise TeacherError(f"{who} answered labels of shape {labels.shape}; one label per row is needed")
    _check_rows(labels, n_rows, who)
    assert classes is not None  # check_output saw to it
    try:
        return one_hot(labels.astype(classes.dtype, copy=False), classes)
    except (InvalidInputError, TypeError, ValueError) as error:
        raise TeacherError(
            f"{who} answered a label that is not among its classes {class_words(classes)}: {error}"
        ) from error
