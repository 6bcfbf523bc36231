"""Audit.explanation: the audit's Shapley values as shap's own object, for shap's own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explaindistill.data.rows import as_frame
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Rows

__all__ = ["explanation"]


def explanation(
    self: Any,
    name: str = "teacher",
    X: Rows | None = None,
    *,
    show: Sequence[Any] | None = None,
    scale: str | None = None,
) -> Any:
    """Shapley values of the teacher or of a student as a ``shap.Explanation`` (the extra ``shap``).

    They speak of the favourable class (of the second of two classes, where none is named), which ``output_names``
    states with the scale; ``base_values`` plus a row's values is its answer. Values are about single people: they are
    in the audit only as long as it is in memory, in no file, page or pickle of it.

    Parameters
    ----------
    name : "teacher" or a student's name
    X : DataFrame or array of shape (n, d), optional
        The audited rows: their values stand beside the Shapley values, and colour shap's beeswarm. Without them there
        is no value of a person in it.
    show : sequence of row labels, optional
        The rows that shall be shown, such as ``show=[3, 17]``; all that were explained, ``n_explained`` of them, when
        None.
    scale : "logit" or "probability", optional
        Of a teacher that was explained on both; the first student's when None.

    Returns
    -------
    shap.Explanation

    Raises
    ------
    InvalidInputError
        For a model without values, with the way out; a scale that it has none on; rows that were not explained.
    MissingExtraError
        Without the package shap.

    Examples
    --------
    >>> import explaindistill as xd
    >>> from explaindistill.teachers import as_teacher
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": range(100), "pay": [i % 7 for i in range(100)]})
    >>> teacher = as_teacher(lambda rows: rows["age"].to_numpy() + 2.0 * rows["pay"].to_numpy())
    >>> report = xd.audit(teacher, xd.LinearRegressor(penalty=0).fit(X, X["age"] + 2.0 * X["pay"]), X)
    >>> [(values.subject, values.unit) for values in report.row_values]
    [('teacher', 'value'), ('student', 'value')]
    >>> report.explanation("oak")
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: name must be a model with Shapley values, got 'oak'; there are: ...
    """
    of_model = [v for v in self.row_values if v.subject == name]
    if not of_model:
        models = ", ".join(dict.fromkeys(v.subject for v in self.row_values))
        why = f"there are: {models}" if models else (
            "there are none; they are measured with n_explained above 0, of one class or value, and are not kept in "
            "files: call audit() again"
        )  # fmt: skip
        raise InvalidInputError(f"name must be a model with Shapley values, got {name!r}; {why}")
    chosen = [v for v in of_model if scale in (None, v.scale)]
    if not chosen:
        scales = ", ".join(v.scale for v in of_model)
        raise InvalidInputError(f"scale must be one of {scales} for {name}, got {scale!r}")
    return chosen[0].as_shap(None if X is None else as_frame(X), show)
