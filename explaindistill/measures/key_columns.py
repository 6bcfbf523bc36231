"""Columns that look like keys of persons or places whose rows come more than once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.coincidences import sum_of_marks, words_of

__all__ = ["key_columns"]

Codes = NDArray[np.intp]
PEOPLE = (
    "person patient customer client user member applicant borrower household family employee subject respondent "
    "participant candidate pupil defendant account"
)
PLACES = (
    "branch office site shop store school hospital clinic ward centre center court judge officer clerk doctor "
    "physician interviewer agency"
)
OWNERS = frozenset(f"{PEOPLE} {PLACES}".split())
KEY_ENDS = frozenset({"id", "uuid", "guid", "key"})
NUMBER_ENDS = frozenset({"no", "nr", "number", "code", "name"})
"""Words by which people know a key: ``patient``, ``branch_code``, ``loanId``. A family's size and a branch's distance
are none, so that an owner's word has to be the whole name or to stand before a number."""
FEWEST_VALUES = 5
"""Values of a named key: rows of fewer clusters would have no interval at all."""
MANY_VALUES = 20
"""Values of a column that no name gives away: few values are a category that everybody shares."""
REPEATED = 0.1
"""Share of rows that repeat a value, from which a key matters."""
ALIKE, COMMON = 0.98, 0.8
"""A column goes with a key where 98 in 100 neighbours of one key are equal in it, and no more than 80 in 100 pairs of
rows at random are: typing errors are allowed, columns that hardly vary are no sign."""
SIGNS = 2
"""Columns that must go with a key that no name gives away: a single one may be a coarser form of it, as a state is of
its towns."""
FEWEST_NEIGHBOURS = 30
"""Repeats, below which a share of 98 in 100 cannot be told from 90."""


class _Repeats(NamedTuple):
    """Values of one column in their order: what tells which rows share one, and which values are neighbours."""

    codes: Codes
    n_values: int
    inside: tuple[Codes, Codes]
    between: tuple[Codes, Codes]


def key_columns(rows: pd.DataFrame, *, clusters: ArrayLike | None = None) -> pd.DataFrame:
    """Columns of whole numbers, texts or categories whose values look like keys that come more than once.

    A column is one where at least a tenth of the rows repeat a value of it, there are no more values than half of the
    rows, and one of two signs is seen:

    - its name is that of a key, such as ``patient``, ``branch_code`` or ``loanId``, and it has five values or more;
    - it has twenty values or more, and rows of one value are equal in at least two further columns in which rows at
      random are not: a person has one sex and one birthplace. A column that is a coarser form of the key (bands of a
      number) or that another such column decides (the region of a town) is no sign of its own.

    Copies are left out before: where a row is there twice, everything goes with everything.

    Parameters
    ----------
    rows : DataFrame of n rows
        Of the columns that models see, and further ones.
    clusters : array of shape (n,), optional
        A key of which each value lies inside of one cluster is covered by them.

    Returns
    -------
    DataFrame
        Canonical columns, one line of the metric ``key_column`` per column, named in ``feature``: ``k`` values in ``n``
        rows, ``estimate`` rows per value. ``verdict`` is ``dependent`` or ``covered``, ``reason`` what was seen.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> who, sex, town = np.arange(400) // 4, rng.integers(0, 2, 100), rng.integers(0, 9, 100)
    >>> visits = pd.DataFrame({"who": who, "sex": sex[who], "town": town[who],
    ...                        "pulse": rng.normal(size=400), "ward": rng.integers(0, 8, 400)})
    >>> key_columns(visits)[["feature", "k", "verdict"]].values.tolist()
    [['who', 100.0, 'dependent'], ['ward', 8.0, 'dependent']]
    """
    columns = {str(name): rows.iloc[:, i] for i, name in enumerate(rows.columns)}
    codes = {c: pd.factorize(column, use_na_sentinel=False)[0].astype(np.int32) for c, column in columns.items()}
    once = _first_of_equals(list(codes.values()), len(rows))
    if not once.all():
        codes = {c: values[once] for c, values in codes.items()}
    n = int(once.sum())
    cluster = None if clusters is None else pd.factorize(np.asarray(clusters), use_na_sentinel=False)[0][once]
    lines = []
    for name, values in codes.items():
        sign = _signs(name, columns[name][once], codes)
        if not sign:
            continue
        covered = cluster is not None and _decides(values, cluster)
        k = int(values.max()) + 1
        lines.append(
            row("key_column", n / k, n / k, n / k, n=n, k=k, method="counted", subject="rows", reason=sign,
                feature=name, verdict="covered" if covered else "dependent")
        )  # fmt: skip
    return frame(lines, extra=("feature", "verdict"))


def _first_of_equals(codes: list[Codes], n: int) -> NDArray[np.bool_]:
    """Marks each row that equals no earlier one."""
    once = np.ones(n, dtype=bool)
    if codes:
        once[:] = False
        once[np.unique(sum_of_marks(words_of(codes), codes, n), return_index=True)[1]] = True
    return once


def _signs(name: str, column: pd.Series, codes: dict[str, Codes]) -> str:
    """What makes a column look like a key that repeats; nothing where nothing does."""
    n, k = len(column), int(codes[name].max(initial=-1)) + 1
    if not FEWEST_VALUES <= k <= n / 2 or n - k < REPEATED * n or not _can_be_key(column):
        return ""
    sentence = f"“{name}” has {k:,} values in {n:,} rows"
    if _is_keys_name(name):
        return f"{sentence}, and its name is that of a key"
    if k < MANY_VALUES or n - k < FEWEST_NEIGHBOURS:
        return ""
    going = list(_going_with(_repeats(column, codes[name]), name, codes))
    if len(going) < SIGNS:
        return ""
    return f"{sentence}, and rows of one value are alike in {', '.join(going[:4])}{' …' if len(going) > 4 else ''}"


def _can_be_key(column: pd.Series) -> bool:
    """Numbers with fractions, and dates, count and measure; they name nobody."""
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    if not pd.api.types.is_numeric_dtype(column):
        return True
    values = column.to_numpy(dtype=float, na_value=np.nan)
    values = values[~np.isnan(values)]
    return bool((values == np.round(values)).all())


def _is_keys_name(name: str) -> bool:
    """Whether a name ends as keys do, or is that of a person or a place alone or with a number; any spelling."""
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", parted)]
    if not words:
        return False
    whole = len(words) == 1 or words[-1] in NUMBER_ENDS
    return words[-1] in KEY_ENDS or (whole and words[-1 if len(words) == 1 else -2] in OWNERS)


def _repeats(column: pd.Series, codes: Codes) -> _Repeats:
    """Positions of neighbours in the order of the values: pairs inside of one value, and of two values in a row."""
    order = np.argsort(codes, kind="stable")
    if pd.api.types.is_numeric_dtype(column):
        order = np.argsort(column.to_numpy(dtype=float, na_value=np.nan), kind="stable")
    same = codes[order][1:] == codes[order][:-1]
    first, second = order[:-1], order[1:]
    return _Repeats(codes, int(codes.max()) + 1, (first[same], second[same]), (first[~same], second[~same]))


def _going_with(key: _Repeats, name: str, codes: dict[str, Codes]) -> Iterator[str]:
    """Columns that rows of one key share, each of which says something that the ones before do not decide."""
    before: list[Codes] = []
    for other, values in codes.items():
        if other == name or int(values.max()) + 1 > key.n_values / 2:
            continue
        shares = np.bincount(values) / len(values)
        at_random = float((shares**2).sum())
        inside, between = (float((values[a] == values[b]).mean()) for a, b in (key.inside, key.between))
        banded = between > (1 + at_random) / 2  # neighbouring values are alike as well: a coarser form of the number
        if at_random > COMMON or inside < ALIKE or banded:
            continue
        if not any(_decides(values, sign) or _decides(sign, values) for sign in before):
            before.append(values)
            yield other


def _decides(codes: Codes, other: Codes) -> bool:
    """Whether rows that are equal in one column are equal in the other."""
    joint = codes.astype(np.int64) * (int(other.max()) + 1) + other
    return len(np.unique(joint)) == len(np.unique(codes))
