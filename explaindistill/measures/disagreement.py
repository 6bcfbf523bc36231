"""The largest disagreement of teacher and student that a search near real people finds: a lower bound of the worst."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.neighbours import positions
from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.groups import Grouping, groupings
from explaindistill.numerics.explaining.swaps import RealRows
from explaindistill.numerics.ranges import whole_in

__all__ = ["Disagreements", "SearchGroup", "SearchOptions", "difference", "most_questions", "worst_disagreements"]

Floats = NDArray[np.float64]
Answer = Callable[[pd.DataFrame], Floats]
LIMIT = 0.95
"""Made-up rows lie no farther from a real row than this share of the real rows lie from their nearest other one: what
is as near as that is as near to people as most people are."""
LIMIT_ROWS = 2_000
"""Real rows whose distances set that limit: enough to hold the quantile within half a point of 95 %."""
SUM = 1e-6
"""Probabilities of a row sum to 1 but for rounding in single precision."""
FEWEST_ROWS = 3
"""Fewer different rows have no neighbours to swap values with."""


@dataclass(frozen=True)
class SearchOptions:
    """How far a search for disagreement goes.

    Attributes
    ----------
    n_questions : int, at least 1
        Rows at most that the teacher is asked about.
    n_rows, n_group_rows : int, at least 1
        Rows where both differ most, of all people and of each group, at which the search begins.
    n_swaps : int, at least 1
        Units (columns, or groups of one-hot columns) at most that are changed in a row, one after the other.
    n_neighbours : int, at least 1
        Nearest real rows whose values are swapped in.
    min_group_size : int, at least 1
        In groups of fewer rows no search begins: what it finds would not be shown.

    Raises
    ------
    InvalidInputError
        Names the argument, the rule and the value.

    Examples
    --------
    >>> SearchOptions(n_swaps=2).n_questions
    200000
    """

    n_questions: int = 200_000
    n_rows: int = 100
    n_group_rows: int = 25
    n_swaps: int = 3
    n_neighbours: int = 50
    min_group_size: int = 1

    def __post_init__(self) -> None:
        for option in fields(self):
            whole_in(option.name, getattr(self, option.name), 1)


DEFAULTS = SearchOptions()


@dataclass(frozen=True, eq=False)
class SearchGroup:
    """Rows at which one search began: those of all people, or of one group, where both differ most.

    ``attribute`` and ``group`` are empty for all people; ``at`` are positions of the record's made-up rows.

    Examples
    --------
    >>> SearchGroup("sex", "f", np.arange(3)).group
    'f'
    """

    attribute: str
    group: str
    at: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Disagreements:
    """What a search found: one row for each real row at which it began.

    Attributes
    ----------
    rows : DataFrame of m rows
        As they became: values of real rows only. They are made up, and near to people: whoever shows them to others
        shows :mod:`explaindistill.measures.disagreement_frame` instead.
    began_at : ndarray of int, shape (m,)
        Positions of the real rows at which the search began.
    source : ndarray of int, shape (m, u)
        For each unit the position of the real row whose value stands there.
    changed : ndarray of bool, shape (m, u)
    units : tuple of tuples of str
        Columns of each unit.
    before, after : ndarrays of shape (m,)
        Differences of both models (see :func:`difference`) at the real row and at what it became.
    teacher, student : ndarrays of shape (m, k) or (m,)
        Answers to ``rows``.
    distance : ndarray of shape (m,)
        From each row of ``rows`` to the nearest real row among the neighbours of its beginning; at most ``limit``.
    limit : float
    families : tuple of SearchGroup
    n_questions : int
        Rows that the teacher was asked about.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 30, 40, 50] * 5, "home": ["own", "rent"] * 10})
    >>> score = lambda X: X["age"] / 100.0
    >>> search = worst_disagreements(score, lambda X: score(X) * (X["home"] == "own"), X, (score(X), score(X) * 0.5))
    >>> search.units, [group.attribute for group in search.families], bool((search.distance <= search.limit).all())
    ((('age',), ('home',)), [''], True)
    """

    rows: pd.DataFrame
    began_at: NDArray[np.intp]
    source: NDArray[np.intp]
    changed: NDArray[np.bool_]
    units: tuple[tuple[str, ...], ...]
    before: Floats
    after: Floats
    teacher: Floats
    student: Floats
    distance: Floats
    limit: float
    families: tuple[SearchGroup, ...]
    n_questions: int


def difference(teacher: ArrayLike, student: ArrayLike) -> Floats:
    r"""How far two answers to each row are apart: :math:`\tfrac12 \sum_c |p_c - q_c|`, or :math:`|t - s|` of values.

    Of two classes it is the difference of the probabilities of either.

    Examples
    --------
    >>> difference([[0.9, 0.1], [0.5, 0.5]], [[0.2, 0.8], [0.5, 0.5]]).round(9).tolist(), difference([3], [5]).tolist()
    ([0.7, 0.0], [2.0])
    """
    gap = np.abs(np.asarray(teacher, dtype=float) - np.asarray(student, dtype=float))
    return np.asarray(gap if gap.ndim == 1 else gap.sum(axis=1) / 2)


def most_questions(n_rows: int, n_units: int, group_sizes: ArrayLike = (), options: SearchOptions = DEFAULTS) -> int:
    """Rows at most that a search asks the teacher about, before anything is known of its answers.

    Examples
    --------
    >>> most_questions(20, 3), most_questions(5_000, 20)
    (3420, 200000)
    """
    sizes = np.asarray(group_sizes, dtype=int)
    sizes = sizes[sizes >= options.min_group_size]
    beginnings = min(n_rows, options.n_rows) + int(np.minimum(sizes, options.n_group_rows).sum())
    return min(options.n_questions, beginnings * options.n_swaps * min(options.n_neighbours, n_rows - 1) * n_units)


def worst_disagreements(
    teacher: Answer,
    student: Answer,
    X: pd.DataFrame,
    answers: tuple[ArrayLike, ArrayLike],
    *,
    schema: Schema | None = None,
    attributes: pd.DataFrame | None = None,
    options: SearchOptions = DEFAULTS,
) -> Disagreements:
    r"""Search near real rows for rows on which teacher and student differ more: coordinate ascent over real values.

    It begins at the real rows where both differ most. At each step every row may swap one unit for the value that one
    of its nearest real rows has there, and takes the swap that moves both models farthest apart,
    :math:`\arg\max_{x'} d(x')` of :func:`difference`, where that is farther than before. A swap is tried only if the
    changed row lies no farther from one of its row's neighbours, in mixed distances of ranks and categories, than 95 %
    of real rows lie from their nearest other one. So what is found is a lower bound of the largest disagreement near
    people: there may be larger ones.

    Parameters
    ----------
    teacher, student : callable
        From rows in the form of X to answers of shape (n, k) or (n,). The student is asked freely.
    X : DataFrame of n rows
        Real rows, best such as neither model was fitted to.
    answers : pair of arrays of shape (n, k) or (n,)
        Answers of teacher and student to X.
    schema : Schema, optional
        Of X; read from it when None.
    attributes : DataFrame of n rows, optional
        Sensitive columns. In each of their groups a search begins besides, in which the attribute itself stays.
    options : SearchOptions

    Returns
    -------
    Disagreements
        The same for the same rows, in whatever order they come.

    Raises
    ------
    InvalidInputError
        For answers of several values per row, whose units cannot be added, and for fewer than three different rows.

    References
    ----------
    The distance is that of the MUNGE sampler's neighbours: Bucila, Caruana and Niculescu-Mizil (2006),
    doi:10.1145/1150402.1150464. Another search near data: Ballet and others (2019),
    arXiv:1911.03274, which moves continuous columns along a gradient where here values of real people are swapped in.

    Examples
    --------
    A student that does not know an exception of its teacher, which none of these 60 rows meets:

    >>> X = pd.DataFrame({"age": [20, 30, 40, 50, 60, 70] * 10, "home": ["own", "rent"] * 30})
    >>> exception = lambda X: ((X["age"] == 30) & (X["home"] == "own")) * 0.9
    >>> nothing = lambda X: np.zeros(len(X))
    >>> search = worst_disagreements(exception, nothing, X, (exception(X), nothing(X)))
    >>> float(search.before.max()), float(search.after.max()), search.rows.loc[search.after.argmax(), "home"]
    (0.0, 0.9, 'own')
    """
    t, s = (np.asarray(a, dtype=float) for a in answers)
    schema = Schema.infer(X) if schema is None else schema
    order, number = _by_key(X)
    _check(t, s, X, int(number.max()) + 1)
    frame, units = X.iloc[order].reset_index(drop=True), _units(schema)
    real = _real_rows(schema, frame, units)
    groups = [] if attributes is None else groupings(attributes.iloc[order], intersections=False)
    beginnings, families = _beginnings(difference(t, s)[order], number, groups, units, options)
    search = _Search(frame, units, real, beginnings, (t[order], s[order]), options)
    for step in range(options.n_swaps):
        search.step(teacher, student, options.n_swaps - step)
    return Disagreements(
        rows=_rows(frame, search.source, units),
        began_at=order[beginnings.at],
        source=order[search.source],
        changed=search.changed(),
        units=units,
        before=difference(t[order][beginnings.at], s[order][beginnings.at]),
        after=search.gap,
        teacher=search.teacher,
        student=search.student,
        distance=search.distances(),
        limit=search.limit,
        families=families,
        n_questions=search.n_questions,
    )


@dataclass(frozen=True, eq=False)
class _Beginnings:
    """Positions of the rows at which a search begins, which units of each may be swapped, and of which family it is.

    ``most`` are the questions of each family. The families share nothing: were the questions common to all, the figures
    of all people would tell who is in which group, and so who is in a group that is withheld.
    """

    at: NDArray[np.intp]
    free: NDArray[np.bool_]
    family: NDArray[np.intp]
    most: NDArray[np.int64]


class _Search:
    """Where a search has come to: of each beginning its best row so far, and both models' answers to it."""

    def __init__(
        self,
        frame: pd.DataFrame,
        units: tuple[tuple[str, ...], ...],
        real: RealRows,
        beginnings: _Beginnings,
        answers: tuple[Floats, Floats],
        options: SearchOptions,
    ) -> None:
        self.frame, self.units, self.real, self.beginnings = frame, units, real, beginnings
        self.near = real.nearest(beginnings.at, options.n_neighbours)
        self.limit = _limit(real)
        self.source = np.repeat(beginnings.at[:, None], len(units), axis=1)
        self.teacher, self.student = (a[beginnings.at] for a in answers)
        self.gap = difference(self.teacher, self.student)
        self.moving = np.ones(len(self.gap), dtype=bool)
        self.unasked = beginnings.most.copy()
        self.n_questions = 0

    def step(self, teacher: Answer, student: Answer, n_steps: int) -> None:
        """Let each row take its best swap; a row that has none stays for good.

        A family may ask its part of what it has not asked yet: the steps that follow, ``n_steps`` with this one, get as
        much.
        """
        source, owner = self._candidates(self.unasked // n_steps)
        if len(source) == 0:
            return
        number = self._numbered(source)
        _, first = np.unique(number, return_index=True)
        rows = _rows(self.frame, source[first], self.units)
        t, s = (np.asarray(answer(rows), dtype=float)[number] for answer in (teacher, student))
        self.n_questions += len(first)
        gap = difference(t, s)
        # of each beginning the largest difference; of equal ones the first, which is the nearest donor's
        best = np.lexsort((np.arange(len(gap)), -gap, owner))
        best = best[np.concatenate([[True], np.diff(owner[best]) > 0])]
        best = best[gap[best] > self.gap[owner[best]]]
        to = owner[best]
        self.source[to], self.gap[to], self.teacher[to], self.student[to] = source[best], gap[best], t[best], s[best]
        self.moving[:] = False
        self.moving[to] = True

    def _candidates(self, most: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Swaps near enough to real rows, those with the nearest donors first, and whose each is.

        Of each family they are ``most`` different rows at most: two beginnings may come to the same row.
        """
        sources, owners, ranks = [self.source[:0]], [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.int64)]
        for i in np.flatnonzero(self.moving).tolist():
            source, rank = self.real.swaps(self.source[i], self.near[i], self.beginnings.free[i])
            fits = self.real.distances(source, self._around(i)) <= self.limit if len(source) else np.zeros(0, bool)
            sources.append(source[fits])
            owners.append(np.full(int(fits.sum()), i))
            ranks.append(rank[fits])
        order = np.argsort(np.concatenate(ranks), kind="stable")
        source, owner = np.concatenate(sources)[order], np.concatenate(owners)[order]
        within, family = np.zeros(len(owner), dtype=bool), self.beginnings.family[owner]
        for f in np.unique(family).tolist():
            at = np.flatnonzero(family == f)
            number = self._numbered(source[at])
            within[at] = number < most[f]
            self.unasked[f] -= min(int(number.max()) + 1, most[f])
        return source[within], owner[within]

    def _numbered(self, source: NDArray[np.intp]) -> NDArray[np.intp]:
        """Number of the different row that each row is, in the order of first sight."""
        levels = self.real.levels[source, np.arange(len(self.units))].astype(np.int32)
        _, first, number = np.unique(levels, axis=0, return_index=True, return_inverse=True)
        return np.asarray(np.argsort(np.argsort(first))[number.ravel()])

    def _around(self, i: int) -> NDArray[np.intp]:
        return np.append(self.near[i], self.beginnings.at[i])

    def changed(self) -> NDArray[np.bool_]:
        """Units whose value is another than at the beginning."""
        levels = self.real.levels
        return np.asarray(levels[self.source, np.arange(len(self.units))] != levels[self.beginnings.at])

    def distances(self) -> Floats:
        """How far each row is from the nearest real row around its beginning."""
        return np.array([self.real.distances(self.source[[i]], self._around(i))[0] for i in range(len(self.source))])


def _check(t: Floats, s: Floats, X: pd.DataFrame, n_different: int) -> None:
    if t.shape != s.shape or len(t) != len(X):
        raise InvalidInputError(
            f"answers must be of teacher and student to the same {len(X)} rows, got shapes {t.shape} and {s.shape}"
        )
    if not (np.isfinite(t).all() and np.isfinite(s).all()):
        raise InvalidInputError("answers of teacher and student must be finite, got NaN or infinity")
    if t.ndim > 1 and not np.allclose(t.sum(axis=1), 1.0, atol=SUM):
        raise InvalidInputError(
            f"answers must be probabilities or one value per row, got {t.shape[1]} values; search for one at a time"
        )
    if n_different < FEWEST_ROWS:
        raise InvalidInputError(f"X must have at least {FEWEST_ROWS} different rows, got {n_different}")


def _by_key(X: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Order of the rows by what they hold, and in that order the number of each different row."""
    keys = row_keys(X)
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    return order, distinct(keys[order])[1]


def _units(schema: Schema) -> tuple[tuple[str, ...], ...]:
    """Columns that are swapped together: one-hot columns of one group, each other column by itself."""
    units: dict[str, tuple[str, ...]] = {}
    for feature in schema:
        key = f"1 {feature.one_hot}" if feature.one_hot is not None else f"0 {feature.name}"
        units[key] = (*units.get(key, ()), feature.name)
    return tuple(units.values())


def _real_rows(schema: Schema, frame: pd.DataFrame, units: tuple[tuple[str, ...], ...]) -> RealRows:
    """Levels and coordinates of each unit; a missing value is a level of its own."""
    levels, points = [], []
    for names in units:
        unit = schema.select(names)
        Z = unit.encode(frame[list(names)])
        levels.append(np.unique(np.where(np.isnan(Z), np.inf, Z), axis=0, return_inverse=True)[1].ravel())
        points.append(positions(Z, unit).astype(float))
    starts = np.concatenate([[0], np.cumsum([p.shape[1] for p in points])])
    return RealRows(np.column_stack(levels), np.concatenate(points, axis=1), starts)


def _limit(real: RealRows) -> float:
    """Quantile of the distances between real rows; 0 where all lie in one place."""
    at = np.unique(np.linspace(0, len(real) - 1, LIMIT_ROWS).astype(np.intp))
    distances = real.distances_between(at)
    finite = distances[np.isfinite(distances)]
    return float(np.quantile(finite, LIMIT)) if len(finite) else 0.0


def _beginnings(
    gap: Floats,
    number: NDArray[np.intp],
    groups: list[Grouping],
    units: tuple[tuple[str, ...], ...],
    options: SearchOptions,
) -> tuple[_Beginnings, tuple[SearchGroup, ...]]:
    """Different rows where the models differ most, of all people and of each group."""
    at = [_farthest(gap, number, np.arange(len(gap)), options.n_rows)]
    free = [np.ones((len(at[0]), len(units)), dtype=bool)]
    names = [("", "")]
    for grouping in groups:
        movable = np.array([grouping.attribute not in unit for unit in units])
        for code, name in enumerate(grouping.names):
            members = np.flatnonzero(grouping.codes == code)
            if len(members) < options.min_group_size:
                continue
            rows = _farthest(gap, number, members, options.n_group_rows)
            at.append(rows)
            free.append(np.repeat(movable[None], len(rows), axis=0))
            names.append((grouping.attribute, name))
    ends = np.cumsum([len(rows) for rows in at])
    families = tuple(
        SearchGroup(*name, np.arange(end - len(rows), end)) for name, rows, end in zip(names, at, ends, strict=True)
    )
    family = np.repeat(np.arange(len(at)), [len(rows) for rows in at])
    most = _shared_out(options, len(families) - 1)
    return _Beginnings(np.concatenate(at), np.concatenate(free), family, most), families


def _shared_out(options: SearchOptions, n_groups: int) -> NDArray[np.int64]:
    """Questions of all people, then of each group: in proportion to the rows at which they begin at most.

    The rows at which a group does begin are no measure: how many it has may be withheld.
    """
    rows = options.n_rows + n_groups * options.n_group_rows
    of_group = options.n_questions * options.n_group_rows // rows
    return np.array([options.n_questions - n_groups * of_group, *[of_group] * n_groups], dtype=np.int64)


def _farthest(gap: Floats, number: NDArray[np.intp], rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Positions of the different rows of largest difference; of equal ones those first in the order of keys."""
    ranked = rows[np.argsort(-gap[rows], kind="stable")]
    _, first = np.unique(number[ranked], return_index=True)
    return ranked[np.sort(first)[:most]]


def _rows(frame: pd.DataFrame, source: NDArray[np.intp], units: tuple[tuple[str, ...], ...]) -> pd.DataFrame:
    """Made-up rows, each value from the real row that ``source`` names."""
    at = {name: source[:, j] for j, names in enumerate(units) for name in names}
    return pd.DataFrame({c: frame[c].iloc[at[c]].array for c in frame.columns})
