"""A student as JSON: its whole form, loaded again without running code; rounded to some digits where asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from explaindistill.data.json_digits import fewer_digits
from explaindistill.errors import InvalidInputError

__all__ = ["generate"]


def generate(student: Any, digits: int | None = None, answers_only: bool = False) -> str:
    """JSON text of the student's form.

    Parameters
    ----------
    student : fitted student of this package
    digits : int, at least 1, optional
        Significant digits of every number that is not whole; None keeps all. Rounding changes answers: measure the
        rounded student, ``type(student).from_dict(json.loads(text)["form"])``, before you use it.
    answers_only : bool
        Write 0 for what describes the fit and decides no answer: counts, weights and gains of nodes; counts, standard
        deviations, spreads and degrees of freedom of curves. The answers stay, to the last bit; what is told about
        the rows of fitting is gone. A student names these fields in its class attribute ``fit_notes``, for each list
        of its form; one without it is written whole.

    Returns
    -------
    str
        ``{"kind": class name, "form": student.to_dict()}``, keys sorted, one line.

    Raises
    ------
    InvalidInputError
        If the student has no form, or ``digits`` is below 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill.students.tree import TreeRegressor
    >>> X = pd.DataFrame({"floor": [1, 2, 8, 9]})
    >>> tree = TreeRegressor(min_samples_leaf=1).fit(X, [1.0, 1.0, 5.0, 5.0])
    >>> again = TreeRegressor.from_dict(json.loads(generate(tree))["form"])
    >>> again.predict(X).tolist()
    [1.0, 1.0, 5.0, 5.0]
    """
    if not hasattr(student, "to_dict"):
        raise InvalidInputError(f"{type(student).__name__} has no JSON form; students of this package have one")
    if digits is not None and digits < 1:
        raise InvalidInputError(f"digits must be at least 1, got {digits}")
    form = student.to_dict()
    if answers_only:
        notes: Mapping[str, tuple[str, ...]] = getattr(student, "fit_notes", {})
        form = form | {key: [_without_notes(row, notes[key]) for row in form[key]] for key in notes}
    form = form if digits is None else fewer_digits(form, digits, exact=())
    return json.dumps(
        {"form": form, "kind": type(student).__name__}, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def _without_notes(row: Mapping[str, Any], notes: tuple[str, ...]) -> dict[str, Any]:
    """A node or a curve with 0 for all numbers that only describe how it was fitted."""
    return {key: _zeros(value) if key in notes else value for key, value in row.items()}


def _zeros(value: Any) -> Any:
    return [_zeros(v) for v in value] if isinstance(value, list | tuple) else 0
