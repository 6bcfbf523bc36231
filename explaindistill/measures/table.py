"""The one shape of a measured frame: which columns there are, in which order, and what a status means.

===================  ==============================================================================================
column               what it holds
===================  ==============================================================================================
``metric``           name of the figure
``subject``          model that it is about: ``teacher``, a student's name, ``labels``
``attribute``        sensitive column, or several joined by ``×``; empty where no groups are compared
``group``            group that the figure is about
``reference``        group, or model, that it is compared with
``subset``           rows, classes, bins or units that it is restricted to, in words
``n``, ``k``         rows of the denominator and successes among them, both unweighted; ``k`` is NaN where nothing is
                     counted. Every rate has both
``n_effective``      independent rows that these are worth: fewer than ``n`` with weights or clusters; NaN with fewer
                     than five clusters, of which nothing can be said
``estimate``         the figure
``low``, ``high``    limits of its confidence interval; NaN where it has none
``method``           how the limits were computed
``status``           ``ok``; ``undefined`` (no such figure for these rows); ``small`` (a figure of so few rows that it
                     should not be relied on); ``suppressed`` (withheld, see `explaindistill.measures.suppression`);
                     ``excluded`` (left out of a comparison for a stated reason)
``reason``           why a status is not ``ok``, or a remark
===================  ==============================================================================================

The functions of this room call these the *canonical columns* and name only those that they add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.numerics.statistics.clusters import too_few_clusters
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.numerics.statistics.tallies import Tally

__all__ = ["COLUMNS", "TEXT", "few_clusters", "frame", "positions", "row", "shares", "text"]

COLUMNS = (
    "metric", "subject", "attribute", "group", "reference", "subset",
    "n", "k", "n_effective", "estimate", "low", "high", "method", "status", "reason",
)  # fmt: skip
TEXT = {"metric", "subject", "attribute", "group", "reference", "subset", "method", "status", "reason"}
TEXT_DTYPE = pd.Series([], dtype="str").dtype
"""What the installed pandas calls "str": its own type of text, or objects before pandas 3."""


def text(values: list[str]) -> Any:
    """A column of text of the dtype that pandas gives to text; a Series would cost five times as much.

    Examples
    --------
    >>> pd.Series(text(["ok"])).dtype == pd.Series(["ok"], dtype="str").dtype
    True
    """
    return pd.array(values, dtype=TEXT_DTYPE)


def row(metric: str, estimate: float, low: float, high: float, **rest: Any) -> dict[str, Any]:
    """One line; an estimate that is NaN is ``undefined`` unless a status says otherwise.

    Examples
    --------
    >>> line = row("agreement", float("nan"), 0.0, 1.0, n=0)
    >>> line["status"], line["reason"]
    ('undefined', 'no rows')
    """
    line = {"metric": metric, "estimate": float(estimate), "low": float(low), "high": float(high), **rest}
    if np.isnan(line["estimate"]):
        line.setdefault("status", "undefined")
        line.setdefault("reason", "no rows" if not rest.get("n") else "not defined for these rows")
    return line


def frame(lines: Iterable[Mapping[str, Any]], extra: Iterable[str] = ()) -> pd.DataFrame:
    """Lines as a frame with the canonical columns, then ``extra`` ones; text is never missing.

    Examples
    --------
    >>> table = frame([row("agreement", 0.9, 0.8, 0.95, n=50, unit="rows")], extra=("unit",))
    >>> table[["metric", "n", "estimate", "status", "unit"]].values.tolist()
    [['agreement', 50, 0.9, 'ok', 'rows']]
    """
    rows = list(lines)
    columns: dict[str, Any] = {}
    for column in COLUMNS:
        if column in TEXT:
            blank = "ok" if column == "status" else ""
            columns[column] = text([str(line.get(column, blank)) for line in rows])
        elif column == "n":
            columns[column] = np.array([line.get("n", 0) for line in rows], dtype=np.int64)
        else:
            spare = "n" if column == "n_effective" else ""
            columns[column] = np.array([line.get(column, line.get(spare, np.nan)) for line in rows], dtype=float)
    table = pd.DataFrame(columns, copy=False)
    for column in extra:
        table[column] = pd.Series([line.get(column) for line in rows], index=table.index).infer_objects()
    return table


def shares(
    metric: str,
    counted: Tally,
    names: Iterable[Mapping[str, Any]],
    *,
    level: float,
    minimum: int = 0,
    empty: str = "no rows",
) -> list[dict[str, Any]]:
    """One line per group of a tally: share k / n with Wilson's interval at the effective counts.

    ``minimum`` is the number of rows below which a share is ``small``; ``empty`` says what no rows at all mean. A share
    of fewer than five clusters is ``small``, too, and has no interval. Lines of clustered rows hold their ``member``.

    Examples
    --------
    >>> from explaindistill.numerics.statistics.tallies import tally
    >>> counted = tally(np.array([1.0, 0.0, 1.0, 1.0]), np.zeros(4, dtype=int), 1)
    >>> lines = shares("positive rate", counted, [{"group": "f"}], level=0.95, minimum=10)
    >>> lines[0]["estimate"], lines[0]["status"], lines[0]["reason"]
    (0.75, 'small', '4 rows, fewer than 10')
    """
    low, high = wilson(*counted.worth(level), level)
    lines = []
    for i, name in enumerate(names):
        n = int(counted.n[i])
        line = row(
            metric, counted.share[i], low[i], high[i], n=n, k=counted.k[i] if n else np.nan,
            n_effective=counted.n_effective[i], method="wilson", weight=counted.weight[i], **name,
        )  # fmt: skip
        if n == 0:
            line.update(status="undefined", reason=empty, low=np.nan, high=np.nan)
        elif n < minimum:
            line.update(status="small", reason=f"{n} rows, fewer than {minimum}")
        if n and counted.members:
            line |= {"member": counted.members[i]} | few_clusters(counted.members[i].count)
        lines.append(line)
    return lines


def few_clusters(count: float) -> dict[str, str]:
    """Status and reason of a figure whose rows are in so few clusters; nothing where there are enough.

    Examples
    --------
    >>> few_clusters(4)
    {'status': 'small', 'reason': 'cannot say: 4 clusters, fewer than 5'}
    """
    why = too_few_clusters(count)
    return {"status": "small", "reason": why} if why else {}


def positions(values: ArrayLike, classes: ArrayLike) -> NDArray[np.int64]:
    """Position of each value among the classes, -1 where it is missing or not among them.

    Examples
    --------
    >>> positions(["b", "a", "c", None], ["a", "b"]).tolist()
    [1, 0, -1, -1]
    """
    return np.asarray(pd.Index(np.asarray(classes)).get_indexer(pd.Index(np.asarray(values))), dtype=np.int64)
