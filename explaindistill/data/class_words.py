"""Classes and labels in the sentences of refusals: named where they are few, counted where they may be people's values.

The classes of a task stand in every artefact. But where values were given for labels, each "class" is what one person
has, and a message that lists them prints a column of the caller's table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["MOST_NAMED", "class_words", "unknown_labels"]

MOST_NAMED = 10
"""Classes up to which a message names them: digits are ten, and more fill a line; values are more, nearly always."""


def class_words(classes: ArrayLike) -> str:
    """Return classes for a message: by name up to ten, else their number and type.

    Examples
    --------
    >>> class_words(["no", "yes"]), class_words(np.arange(800) * 1.5)
    ("['no', 'yes']", '(800 of them, float)')
    """
    names = np.asarray(classes).tolist()
    return repr(names) if len(names) <= MOST_NAMED else f"({len(names):,} of them, {type(names[0]).__name__})"


def unknown_labels(argument: str, odd: ArrayLike, classes: ArrayLike) -> str:
    """Return what is said of labels that are no class: the first by name where they are few, else how many there are.

    Parameters
    ----------
    argument : str
        What the labels were given as.
    odd : array of shape (m,)
        Labels that are no class, at least one.
    classes : array of shape (k,)

    Examples
    --------
    >>> unknown_labels("y", ["maybe", "maybe"], ["no", "yes"])
    "y has the label 'maybe', which is not among classes ['no', 'yes']"
    >>> unknown_labels("y", np.arange(800) * 1.5, ["no", "yes"])
    "y has 800 different labels (float) that are not among classes ['no', 'yes']"
    """
    different: list[Any] = list(dict.fromkeys(np.asarray(odd).tolist()))
    if len(different) <= MOST_NAMED:
        return f"{argument} has the label {different[0]!r}, which is not among classes {class_words(classes)}"
    kind = type(different[0]).__name__
    return (
        f"{argument} has {len(different):,} different labels ({kind}) that are not among classes {class_words(classes)}"
    )
