"""The decision that people want: named by the caller, never guessed, and found among the classes or refused."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from explaindistill.data.class_words import MOST_NAMED, class_words, unknown_labels
from explaindistill.errors import InvalidInputError

__all__ = [
    "class_labels",
    "class_named",
    "class_typed",
    "favorable_label",
    "favorable_position",
    "which_is_wanted",
    "without_favorable",
]


def which_is_wanted(classes: ArrayLike) -> str:
    """What is said where a figure depends on which decision people want and nobody said it.

    Examples
    --------
    >>> which_is_wanted(["1", "2"])
    "say which decision people want, for instance favorable='1'; the classes are ['1', '2']"
    """
    names = np.asarray(classes).tolist()
    return f"say which decision people want, for instance favorable={names[0]!r}; the classes are {class_words(names)}"


def without_favorable(classes: ArrayLike) -> str:
    """What stands in front of an audit of groups where nobody said which decision people want, with the way out.

    Examples
    --------
    >>> print(without_favorable([1, 2]))
    No verdict of bias: nobody said which decision people want, and it is never guessed. Cannot say: say which decision
    people want, for instance favorable=1; the classes are [1, 2]. On the command line: --favorable 1
    """
    typed = shlex.quote(str(np.asarray(classes).tolist()[0]))
    return (
        "No verdict of bias: nobody said which decision people want, and it is never guessed. "
        f"Cannot say: {which_is_wanted(classes)}. On the command line: --favorable {typed}"
    )


def class_named(value: Any, classes: ArrayLike, argument: str = "favorable") -> Any:
    """The class that equals a value: numbers and booleans by their value, text letter by letter.

    So ``1``, ``1.0`` and ``True`` name the same class; ``"1"`` is text and names another one.

    Parameters
    ----------
    value : label
    classes : array of shape (k,)
    argument : str
        What the message calls the value.

    Returns
    -------
    label
        The class as it stands among the classes.

    Raises
    ------
    InvalidInputError
        If it is none of them; the message lists them and names the nearest.

    Examples
    --------
    >>> class_named(1, [0.0, 1.0])
    1.0
    >>> class_named(1, ["0", "1"])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: favorable must be one of the classes ['0', '1'], got 1; did you mean '1'?
    """
    names = np.asarray(classes).tolist()
    for name in names:
        if _same(value, name):
            return name
    near = _nearest(value, names)
    meant = "" if near is None else f"; did you mean {near!r}?"
    raise InvalidInputError(f"{argument} must be one of the classes {class_words(names)}, got {_plain(value)!r}{meant}")


def class_typed(text: str, classes: ArrayLike) -> Any:
    """The class whose name was typed on a command line, where everything is text.

    Examples
    --------
    >>> class_typed("1", np.array([0.0, 1.0])), class_typed("1", ["1", "1.0"]), class_typed("true", [False, True])
    (1.0, '1', True)
    """
    names = np.asarray(classes).tolist()
    for same in (_as_written, _as_number, _as_truth):
        meant = [name for name in names if same(text, name)]
        if len(meant) == 1:
            return meant[0]
    near = _nearest(text, names)
    words = "" if near is None else f"; did you mean {near}?"
    listed = ", ".join(map(str, names)) if len(names) <= MOST_NAMED else f"the classes {class_words(names)}"
    raise InvalidInputError(f"favorable must be one of {listed}, got {text!r}{words}")


def favorable_position(classes: ArrayLike, favorable: Any) -> int:
    """Position of the favourable class.

    Raises
    ------
    InvalidInputError
        If it is not among the classes, or None: which decision people want is never guessed.

    Examples
    --------
    >>> favorable_position(["no", "yes"], "no"), favorable_position(["a", "b", "c"], "b")
    (0, 1)
    """
    if favorable is None:
        raise InvalidInputError(f"favorable must name one of the classes: {which_is_wanted(classes)}")
    names = np.asarray(classes).tolist()
    return names.index(class_named(favorable, names))


def favorable_label(favorable: Any, *labels: Any) -> Any:
    """The favourable decision as the labels spell it.

    Parameters
    ----------
    favorable : label
    *labels : array of shape (n,), or Categorical
        Decisions and true labels; the categories of a ``pandas.Categorical`` are the classes, whether they occur or
        not. Of other arrays the labels that occur are all that is known: a favourable decision that is none of them is
        taken at its word only where they are all one label, and it is of the same kind.

    Raises
    ------
    InvalidInputError
        If it is none of the labels: every rate would be 0 without a word.

    Examples
    --------
    >>> favorable_label(1, np.array([True, False])), favorable_label("yes", ["no", "no"])
    (True, 'yes')
    >>> favorable_label("c", pd.Categorical(["a", "b"], categories=["a", "b", "c"]))
    'c'
    """
    classes = _classes_of(labels)
    is_whole = any(_categories(values) is not None for values in labels)
    if favorable is None:
        raise InvalidInputError(f"favorable must name a decision: {which_is_wanted(classes)}")
    if any(_same(favorable, label) for label in classes) or is_whole:
        return class_named(favorable, _objects(classes))
    if len(classes) <= 1 and all(isinstance(label, str) == isinstance(favorable, str) for label in classes):
        return favorable
    try:
        return class_named(favorable, _objects(classes))
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{error}; if nobody got it, give the decisions as pandas.Categorical with all classes"
        ) from None


def class_labels(y: ArrayLike, classes: ArrayLike, argument: str = "y") -> Any:
    """Labels as the classes spell them; one that is none of them is refused.

    Parameters
    ----------
    y : array of shape (n,)
        Labels, none missing.
    classes : array of shape (k,)
    argument : str
        What the message calls the labels.

    Examples
    --------
    >>> class_labels([1.0, 0.0], [0, 1]).tolist(), class_labels([True], [0, 1]).tolist()
    ([1, 0], [1])
    >>> class_labels(["1"], [0, 1])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: y has the label '1', which is not among classes [0, 1]; did you mean 1?
    """
    names = np.asarray(classes)
    codes, distinct = pd.factorize(pd.Series(np.asarray(y).ravel(), dtype=object), use_na_sentinel=False)
    spelled = []
    for label in distinct.tolist():
        try:
            spelled.append(names.tolist().index(class_named(label, names)))
        except InvalidInputError:
            near = _nearest(label, names.tolist())
            meant = "" if near is None else f"; did you mean {near!r}?"
            odd = [label] if len(distinct) <= MOST_NAMED else distinct
            raise InvalidInputError(f"{unknown_labels(argument, odd, names)}{meant}") from None
    return names[np.asarray(spelled, dtype=np.int64)[codes]]


def _same(value: Any, label: Any) -> bool:
    """Equal, and both text or both not: numpy says that "1" is 1 where it makes one array of both."""
    if isinstance(value, str) != isinstance(label, str):
        return False
    try:
        return bool(value == label)
    except (TypeError, ValueError):
        return False


def _nearest(value: Any, names: list[Any]) -> Any:
    """The class that somebody may have meant: the same number, or nearly the same word; None where there is none."""
    for same in (_as_written, _as_number, _as_truth):
        for name in names:
            if same(str(value), name):
                return name
    by_word = {str(name).strip().casefold(): name for name in names}
    near = get_close_matches(str(value).strip().casefold(), list(by_word), n=1)
    return by_word[near[0]] if near else None


def _as_written(text: str, label: Any) -> bool:
    return text == str(label)


def _as_number(text: str, label: Any) -> bool:
    try:
        return float(text) == float(label)
    except (TypeError, ValueError):
        return False


def _as_truth(text: str, label: Any) -> bool:
    return isinstance(label, bool) and text.casefold() == str(label).casefold()


def _categories(values: Any) -> Any:
    """Classes that the values carry with them; None where they are a plain array."""
    inner = getattr(values, "dtype", None)
    return inner.categories if isinstance(inner, pd.CategoricalDtype) else None


def _classes_of(labels: Iterable[Any]) -> list[Any]:
    classes: list[Any] = []
    for values in labels:
        if values is None:
            continue
        categories = _categories(values)
        occurring = pd.unique(pd.Series(np.asarray(values).ravel())) if categories is None else categories
        classes += [label for label in occurring.tolist() if not pd.isna(label)]
    # a boolean decision has two classes, whether both occur or not
    classes += [other for other in (False, True) if classes and all(isinstance(label, bool) for label in classes)]
    return list(dict.fromkeys(classes))


def _objects(labels: list[Any]) -> Any:
    """As an array in which numbers stay numbers beside text."""
    out = np.empty(len(labels), dtype=object)
    out[:] = labels
    return out


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
