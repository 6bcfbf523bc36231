"""Reason codes: which columns kept a row from the wanted answer, in order of weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError
from explaindistill.protocols import ClassLabel, Rows

__all__ = ["reasons"]


def reasons(
    self: Any, X: Rows, *, against: ClassLabel | None = None, reference: Rows | None = None, n_reasons: int = 4
) -> pd.DataFrame:
    """Name the columns that weighed most against an answer, row by row, in order of weight.

    The reasons are the lines of :meth:`explain`, gathered by term and compared with an average row, so that they say
    what set this row apart; only those that pull away from the answer are listed.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)
    against : class, optional
        The answer that people hoped for, such as ``"approved"``; the second of two classes when None. With several
        classes it must be given. In regression a high value is what is hoped for.
    reference : DataFrame or array, optional
        Rows whose mean contributions are the measure of what is usual. None: the base of :meth:`explain`, which is a
        usual row of fitting; scorecards have no such base, and count points lost against none.
    n_reasons : int, at least 1
        At most so many per row; four is customary for notices of adverse action (12 CFR 1002.9, comment 9(b)(2)-1).

    Returns
    -------
    DataFrame
        ``row``, ``rank`` (1 weighs most), ``term``, ``reason`` (words), ``weight`` (positive, on the scale of
        :meth:`explain`) and ``share`` (of all that weighed against the answer in this row). A row that nothing weighed
        against has no lines. ``frame.attrs["scale"]`` is that of :meth:`explain`.

    Raises
    ------
    InvalidInputError
        If ``against`` is no class, or there are several and none is named.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import LinearClassifier
    >>> X = pd.DataFrame({"income": [10, 20, 30, 40, 50, 60], "debt": [5, 1, 4, 2, 0, 3]})
    >>> student = LinearClassifier(penalty=0.01).fit(X, ["no", "no", "no", "yes", "yes", "yes"])
    >>> student.reasons(X[:1])[["rank", "term"]].values.tolist()[0]
    [1, 'income']
    """
    if n_reasons < 1:
        raise InvalidInputError(f"n_reasons must be at least 1, got {n_reasons}")
    lines = self.explain(X, as_frame=True)
    parts = _towards(self, lines, against)
    if reference is not None:
        parts["pull"] -= parts["term"].map(_usual(self, reference, against)).fillna(0.0)
    else:
        parts = parts[parts["term"] != "(base)"]
    away = parts[parts["pull"] < 0].assign(weight=lambda f: -f["pull"])
    away = away.sort_values(["row", "weight", "term"], ascending=[True, False, True], ignore_index=True)
    away["share"] = away["weight"] / away.groupby("row")["weight"].transform("sum")
    away["rank"] = away.groupby("row").cumcount() + 1
    out = away.loc[away["rank"] <= n_reasons, ["row", "rank", "term", "reason", "weight", "share"]]
    out = out.reset_index(drop=True)
    out.attrs["scale"] = lines.attrs.get("scale", "")
    return out


def _towards(student: Any, lines: pd.DataFrame, against: Any) -> pd.DataFrame:
    """Pull of each term of each row towards the answer; words of a term's lines are joined."""
    sign = 1.0
    classes = getattr(student, "classes_", None)
    if classes is not None:
        names = classes.tolist()
        if against is None and len(names) > 2:
            raise InvalidInputError(f"against must name one of the classes {names}")
        if against is not None and against not in names:
            raise InvalidInputError(f"against must be one of the classes {names}, got {against!r}")
        answer = names[1] if against is None else against
        outputs = lines["output"].unique().tolist()
        if answer in outputs:
            lines = lines[np.array([o == answer for o in lines["output"]], dtype=bool)]
        else:
            sign = -1.0
    elif against is not None:
        raise InvalidInputError("against is for classes; turn the sign of the target around, or leave it out")
    grouped = lines.groupby(["row", "term"], sort=False)
    parts = grouped["contribution"].sum().reset_index(name="pull")
    parts["pull"] *= sign
    parts["reason"] = grouped["reason"].agg(lambda words: " and ".join(dict.fromkeys(words))).to_numpy()
    return parts


def _usual(student: Any, reference: Any, against: Any) -> pd.Series:
    """Mean pull of each term over the reference rows; rows in which a term does not occur count 0."""
    parts = _towards(student, student.explain(reference, as_frame=True), against)
    n = int(parts["row"].max()) + 1
    return parts.groupby("term")["pull"].sum() / n
