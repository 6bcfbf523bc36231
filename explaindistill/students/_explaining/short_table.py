"""The reasons of a row as a short table: largest first, what is small gathered in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from explaindistill.data.readable import ReadableFrame
from explaindistill.data.target_names import class_name, value_name
from explaindistill.data.text_table import text_table

__all__ = ["MOST_REASONS", "short_table"]

MOST_REASONS = 8
"""Reasons of a row that are listed one by one: what a person holds in mind at once, and a little more."""
MOST_ROWS = 20
"""Rows whose reasons are printed; the frame holds all."""
BASE, OTHERS = "(base)", "(others)"
COLUMNS = ["row", "term", "reason", "output", "contribution"]
SCALES = {"logit": "log-odds"}


def short_table(student: Any, lines: pd.DataFrame) -> ReadableFrame:
    """Shorten the lines of ``explain``: per row and output the base, the largest reasons, and the sum of the others.

    Parameters
    ----------
    student : fitted student
    lines : DataFrame
        ``row, step, term, reason, output, contribution``.

    Returns
    -------
    ReadableFrame
        ``row, term, reason, output, contribution``: still the sum of each row and output. Of two classes the second
        one is explained, of more the one that is decided. Reasons that add nothing have no line.
    """
    lines = _of_outputs(student, lines)
    base = lines[lines["step"] == 0]
    reasons = lines[(lines["step"] > 0) & (lines["contribution"] != 0)]
    size = reasons["contribution"].abs()
    rank = size.groupby([reasons["row"], reasons["output"]], sort=False).rank(method="first", ascending=False)
    few = reasons[rank <= MOST_REASONS].assign(place=rank)
    parts = [base.assign(place=0.0), few, _others(reasons[rank > MOST_REASONS])]
    table = pd.concat([block for block in parts if len(block)], ignore_index=True)
    # outputs may be of mixed kinds, which cannot be sorted: their places in the long table can
    order = {output: k for k, output in enumerate(lines["output"].drop_duplicates())}
    table["at"] = table["output"].map(order).astype(float)
    table = table.sort_values(["row", "at", "place"], kind="stable", ignore_index=True)[COLUMNS]
    named = {"classes": getattr(student, "classes_", np.array([])).tolist(), "target": student.target_name_}
    table.attrs = dict(lines.attrs) | named | {"n_outputs": len(order)}
    return ReadableFrame(table, written)


def _of_outputs(student: Any, lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of the second of two classes, of the decided one of several, or of all values."""
    outputs = lines["output"].drop_duplicates().tolist()
    if not hasattr(student, "classes_") or len(outputs) < 2:
        return lines
    if len(outputs) == 2:
        return lines[np.array([o == outputs[1] for o in lines["output"]], dtype=bool)]
    totals = lines.groupby(["row", "output"], sort=False)["contribution"].sum().reset_index()
    decided = totals.loc[totals.groupby("row")["contribution"].idxmax(), ["row", "output"]]
    return lines.merge(decided, on=["row", "output"]).set_axis(lines.columns, axis=1)


def _others(small: pd.DataFrame) -> pd.DataFrame:
    """One line for what is not listed, of each row and output."""
    if small.empty:
        return small.assign(place=0.0)
    grouped = small.groupby(["row", "output"], sort=False)["contribution"]
    table = grouped.agg(["sum", "size"]).reset_index()
    words = [f"{n} smaller reason{'s'[: n > 1]} together" for n in table["size"]]
    return pd.DataFrame(
        {"row": table["row"], "term": OTHERS, "reason": words, "output": table["output"], "contribution": table["sum"]}
    ).assign(place=float(len(small)))


def written(table: pd.DataFrame) -> str:
    """Text of a short table, a paragraph for each row and output.

    Examples
    --------
    >>> lines = [(0, "(base)", "an average row", "yes", -0.5), (0, "age", "age = 41", "yes", 1.25)]
    >>> table = pd.DataFrame(lines, columns=COLUMNS)
    >>> table.attrs |= {"scale": "logit", "classes": ["no", "yes"]}
    >>> print(written(table))
    log-odds of yes = 0.750, probability 0.679
    -0.500  an average row
    +1.250  age = 41
    """
    rows = table["row"].drop_duplicates().tolist()
    paragraphs = []
    for (row, output), lines in table[table["row"].isin(rows[:MOST_ROWS])].groupby(["row", "output"], sort=False):
        head = f"row {row}: " if len(rows) > 1 else ""
        places = _places(lines, table.attrs.get("scale", "value"))
        title = head + _title(float(lines["contribution"].sum()), output, table.attrs, places)
        cells = [(f"{line.contribution:+,.{places}f}", _words(line)) for line in lines.itertuples()]
        paragraphs.append(f"{title}\n{text_table(cells, right=[0])}")
    if len(rows) > MOST_ROWS:
        paragraphs.append(f"… and {len(rows) - MOST_ROWS:,} more rows; explain(X, as_frame=True) has every line")
    return "\n\n".join(paragraphs)


def _title(total: float, output: Any, attrs: Mapping[str, Any], places: int) -> str:
    """What the contributions of a paragraph sum to, in the words of its scale."""
    scale, classes, target = attrs.get("scale", "value"), attrs.get("classes", []), attrs.get("target")
    amount = f"{total:,.{places}f}"
    if not classes:
        place = int(str(output).removeprefix("value") or 0)  # trees call their outputs value, or value 0, value 1 …
        what = value_name(target, place, attrs.get("n_outputs", 1))
        return f"{f'log of {what}' if scale == 'log' else what} = {amount}"
    whose = class_name(output, target)
    if scale == "logit" and len(classes) > 2:
        return f"score of {whose} = {amount}"
    sure = f", probability {expit(total):.3f}" if scale == "logit" else ""
    return f"{SCALES.get(scale, scale)} {'for' if scale == 'points' else 'of'} {whose} = {amount}{sure}"


def _places(lines: pd.DataFrame, scale: str) -> int:
    """Decimals of all contributions of a paragraph: points are whole, of values the largest reason has four digits."""
    if scale != "value":
        return 0 if scale == "points" else 3
    size = lines.loc[lines["term"] != BASE, "contribution"].abs().max()
    return max(0, 3 - math.floor(math.log10(size))) if size > 0 else 3


def _words(line: Any) -> str:
    """The reason; with the term that it is about, where it does not name it."""
    return line.reason if line.term.startswith("(") or line.term in line.reason else f"{line.term}: {line.reason}"
