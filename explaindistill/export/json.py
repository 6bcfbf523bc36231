"""A student as JSON: its whole form, loaded again without running code; rounded to some digits where asked."""

from __future__ import annotations

import json
from typing import Any

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
        the rows of fitting is gone.

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
        form = form | {part: [_bare(row) for row in form[part]] for part in ("nodes", "shapes") if part in form}
    form = form if digits is None else _rounded(form, digits)
    return json.dumps(
        {"form": form, "kind": type(student).__name__}, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


_TOLD = ("edf", "gain", "n", "sd", "share", "spread", "weight")


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    """A node or a curve without what is only told about it."""
    return {key: _zeros(value) if key in _TOLD else value for key, value in row.items()}


def _zeros(value: Any) -> Any:
    return [_zeros(v) for v in value] if isinstance(value, list | tuple) else 0


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v, digits) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v, digits) for v in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) and not value.is_integer() else value
