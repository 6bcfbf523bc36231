"""What stands in front of all figures where rows do not look independent, with the way out."""

from __future__ import annotations

import pandas as pd

from explaindistill.measures.copies import COPIES_WAY_OUT

__all__ = ["dependence_warnings"]

HEAD = "Rows may not be independent; intervals then are too narrow, and verdicts too sure"


def dependence_warnings(table: pd.DataFrame) -> list[str]:
    """One sentence for each thing that was seen, and how to say to an audit what belongs together.

    Parameters
    ----------
    table : DataFrame
        Lines of `copies`, `key_columns` and `serial_correlation`; also one that was read back from a file.

    Returns
    -------
    list of str
        Of what has the verdict ``dependent``; of one column in time the model whose errors correlate most.

    Examples
    --------
    >>> from explaindistill.measures.key_columns import key_columns
    >>> visits = pd.DataFrame({"patient": [i // 4 for i in range(80)], "pulse": [i * 37 % 80 for i in range(80)]})
    >>> print(*dependence_warnings(key_columns(visits)))  # doctest: +NORMALIZE_WHITESPACE
    Rows may not be independent; intervals then are too narrow, and verdicts too sure: “patient” has 20 values in
    80 rows, and its name is that of a key. If rows of one value belong together, say so: groups="patient".
    """
    if table.empty or "verdict" not in table:
        return []
    dependent = table[table["verdict"] == "dependent"]
    strongest = dependent.sort_values("estimate", ascending=False, kind="stable")
    strongest = strongest.drop_duplicates(["metric", *(c for c in ("feature",) if c in dependent)])
    lines = strongest.sort_index().to_dict("records")
    return [f"{HEAD}: {line['reason']}. {_way_out(line)}." for line in lines]


def _way_out(line: dict[str, object]) -> str:
    """What to do about one line."""
    if line["metric"] == "copies":
        return COPIES_WAY_OUT[:1].upper() + COPIES_WAY_OUT[1:]
    if line["metric"] == "key_column":
        return f'If rows of one value belong together, say so: groups="{line["feature"]}"'
    return f'Give spans of time as clusters: groups=X["{line["feature"]}"], or its weeks or months'
