"""Fidelity of probabilities from sums over rows: divergences, explained variance, ranks and tenths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.measures.counted_pair import CountedPair
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import LOGIT_CLIP, ROUNDING, _brier, _js, _kl, _square
from explaindistill.measures.score_ranks import RANKS, ScoreRanks, counted_auc, mid_ranks, tenths_of
from explaindistill.measures.table import row
from explaindistill.numerics.statistics.counted import Counted
from explaindistill.numerics.statistics.heavy_tails import ENOUGH, HEAVY, LEAST, STEPS, carried_by_few
from explaindistill.numerics.statistics.ranks import spearman_interval
from explaindistill.numerics.statistics.summed_moments import MomentSums
from explaindistill.numerics.statistics.summed_recalibration import TargetSums, summed_recalibration

__all__ = ["CARRIED", "Ends", "PairSums", "Tenths", "far_sums", "summed_lines", "tail_of"]

Line = dict[str, Any]
Floats = NDArray[np.float64]
LOSSES = (_kl, _js, _brier)
NAMES = ("kl", "js", "brier")
BOUNDS = ((0.0, np.inf), (0.0, float(np.log(2.0))), (0.0, 1.0))


def logits(P: Floats) -> Floats:
    """Log-odds of clipped probabilities."""
    clipped = np.clip(P, LOGIT_CLIP, 1 - LOGIT_CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


@dataclass(frozen=True, eq=False)
class Ends:
    """Answers of one model at their ends, and their sums, of the rows that count.

    Attributes
    ----------
    lowest, highest : ndarray of shape (k, k)
        By class the answer with its least and greatest probability; of equals the one that is lowest throughout.
    weight : float
    first, first_logit : ndarray of shape (k,)
        Sums of weight times probability, and times log-odds.

    Examples
    --------
    >>> P, one = np.array([[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]]), np.ones(3)
    >>> ends = Ends.of(P[:1], one[:1]) + Ends.of(P[1:], one[1:])
    >>> ends.at(slice(1, 2)).tolist(), ends.first.round(2).tolist()
    ([[0.1], [0.8]], [1.6, 1.4])
    """

    lowest: Floats
    highest: Floats
    weight: float
    first: Floats
    first_logit: Floats

    @classmethod
    def of(cls, P: Floats, weight: Floats) -> Ends:
        """Of some rows, one at least."""
        rows = [_lowest_row(P[P[:, c] == P[:, c].min()]) for c in range(P.shape[1])]
        tops = [_lowest_row(P[P[:, c] == P[:, c].max()]) for c in range(P.shape[1])]
        return cls(np.array(rows), np.array(tops), float(weight.sum()), weight @ P, weight @ logits(P))

    def __add__(self, other: Ends) -> Ends:
        """Of the rows of both."""
        k = len(self.first)
        lowest: list[Floats] = []
        highest: list[Floats] = []
        for c in range(k):
            for mine, theirs, out, sign in (
                (self.lowest, other.lowest, lowest, 1.0), (self.highest, other.highest, highest, -1.0),
            ):  # fmt: skip
                pair = np.stack([mine[c], theirs[c]])
                best = sign * pair[:, c] == (sign * pair[:, c]).min()
                out.append(_lowest_row(pair[best]))
        return Ends(
            np.array(lowest),
            np.array(highest),
            self.weight + other.weight,
            self.first + other.first,
            self.first_logit + other.first_logit,
        )

    def at(self, columns: slice) -> Floats:
        """Answers at the ends of some columns."""
        return np.unique(np.concatenate([self.lowest[columns, columns], self.highest[columns, columns]]), axis=0)


def _lowest_row(rows: Floats) -> Floats:
    return np.asarray(rows[np.lexsort(rows.T[::-1])[0]])


@dataclass(frozen=True, eq=False)
class PairSums:
    """Sums over rows of what the answers of teacher and student say of each other.

    Attributes
    ----------
    moments : MomentSums
        KL, JS and Brier's distance, student minus teacher; then of the probabilities and of the log-odds of some
        columns each the squared error, the squared distance to the teacher's mean, and the distance by column.
    far : ndarray of shape (5, 2)
        Sums of weight times the loss of far answers, see `unseen.far_loss`, of both models.
    plain : ndarray of shape (2, 2)
        Unweighted sums of squared distances to the mean, and of squares, of probabilities and of log-odds.
    n_positive : int
        Rows of a KL above 0.
    largest : ndarray
        The greatest of these.

    Examples
    --------
    >>> P, weight = np.array([[0.2, 0.8], [0.9, 0.1]]), np.ones(2)
    >>> ends = Ends.of(P, weight)
    >>> sums = PairSums.of((P, P[::-1]), weight, (ends, ends), 1, 10)
    >>> sums.moments.mean[2].round(2).item(), sums.n_positive
    (0.49, 2)
    """

    moments: MomentSums
    far: Floats
    plain: Floats
    n_positive: int
    largest: Floats

    @classmethod
    def of(
        cls,
        answers: tuple[Floats, Floats],
        weight: Floats,
        ends: tuple[Ends, Ends],
        column: int | None,
        most: int,
    ) -> PairSums:
        """Of some rows that count; ``most`` greatest losses are kept."""
        t, s = answers
        columns = slice(None) if column is None else slice(column, column + 1)
        values = [loss(t, s) for loss in LOSSES]
        parts = [*values, (s - t)[:, column or 0]]
        far = [far_sums(answers, ends, slice(None), loss, weight) for loss in LOSSES]
        plain = []
        for turned, first in ((_same, ends[0].first), (logits, ends[0].first_logit)):
            x, y = turned(t[:, columns]), turned(s[:, columns])
            centred = x - (first / ends[0].weight)[columns]
            parts += [_square(x, y), (centred**2).sum(axis=1), *centred.T]
            far.append(far_sums(answers, ends, columns, _turned(turned), weight))
            plain.append([float((centred**2).sum()), float((x**2).sum())])
        positive = values[0][values[0] > 0]
        largest = np.sort(positive)[::-1][:most]
        sums = MomentSums.of(np.column_stack(parts), weight)
        return cls(sums, np.array(far), np.array(plain), len(positive), largest)

    def __add__(self, other: PairSums) -> PairSums:
        """Of the rows of both."""
        most = max(len(self.largest), len(other.largest))
        both = np.sort(np.concatenate([self.largest, other.largest]))[::-1]
        keep = max(most, int(np.sqrt(self.n_positive + other.n_positive)) + 1)
        return PairSums(
            self.moments + other.moments,
            self.far + other.far,
            self.plain + other.plain,
            self.n_positive + other.n_positive,
            both[:keep],
        )


def _same(P: Floats) -> Floats:
    return P


def _turned(turned: Callable[[Floats], Floats]) -> Callable[[Floats, Floats], Floats]:
    """Squared distance of answers that are turned into other numbers first."""
    return lambda t, s: _square(turned(t), turned(s))


def far_sums(
    answers: tuple[Floats, Floats],
    ends: tuple[Ends, Ends],
    columns: slice,
    loss: Callable[[Floats, Floats], Floats],
    weight: Floats,
) -> list[float]:
    """Sums of weight times the greatest loss of a row to an answer at the ends of the other model.

    Examples
    --------
    >>> P, one = np.array([[0.0], [1.0]]), np.ones(2)
    >>> ends = Ends.of(P, one)
    >>> far_sums((P, P), (ends, ends), slice(None), _square, one)
    [2.0, 2.0]
    """
    sums = []
    for still, moved, swapped in ((answers[0], ends[1], False), (answers[1], ends[0], True)):
        rows = still[:, columns]
        worst = np.full(len(rows), -np.inf)
        for end in moved.at(columns):
            other = np.broadcast_to(end, rows.shape)
            worst = np.maximum(worst, loss(other, rows) if swapped else loss(rows, other))
        sums.append(float(weight @ worst))
    return sums


def tail_of(n_positive: int, largest: Floats) -> float:
    """What `heavy_tails.tail_index` gives of all values, from the largest of them in falling order.

    Examples
    --------
    >>> from explaindistill.numerics.statistics.heavy_tails import tail_index
    >>> x = np.random.default_rng(0).pareto(1.0, 4000)
    >>> bool(np.isclose(tail_of(4000, np.sort(x)[::-1][:64]), tail_index(x)))
    True
    """
    if n_positive < ENOUGH:
        return float("inf")
    root = np.sqrt(n_positive)
    most = int(root)
    log = np.log(largest[: most + 1])
    sizes = np.unique(np.ceil(np.geomspace(LEAST * root, most, STEPS)).astype(int))
    slopes = [float((log[:k] - log[k]).mean()) for k in sizes if k <= most]
    return float("inf") if min(slopes) <= 0 else 1 / min(slopes)


@dataclass(frozen=True, eq=False)
class Tenths:
    """Sums by the rank of a row's score, and by that of the teacher's distance from its boundary.

    Attributes
    ----------
    by_distance : ndarray of shape (ranks, 6)
        n, weight and squared weight of all rows, and of those that both decide alike.
    by_score : ndarray of shape (ranks, 10), optional
        Of the rows of each rank of the student's score: n, weight, squared weight; of teacher minus student d the
        weighted sum, that with squared weights, and of d squared; the weighted score; then n, weight and squared weight
        of rows that the teacher decides favourably. None where no score of one class is ranked.
    by_teacher : ndarray of shape (ranks,), optional
        Weight by rank of the teacher's score.

    Examples
    --------
    >>> part = Tenths(np.ones((3, 6)))
    >>> (part + part).by_distance.sum(), (part + part).by_score is None
    (np.float64(36.0), True)
    """

    by_distance: Floats
    by_score: Floats | None = None
    by_teacher: Floats | None = None

    def __add__(self, other: Tenths) -> Tenths:
        """Of the rows of both."""
        return Tenths(
            self.by_distance + other.by_distance,
            _both(self.by_score, other.by_score),
            _both(self.by_teacher, other.by_teacher),
        )


def _both(a: Floats | None, b: Floats | None) -> Floats | None:
    return None if a is None or b is None else a + b


def _cells(sums: Floats) -> Counted:
    return Counted(np.rint(sums[:, 0]).astype(np.int64), sums[:, 1], sums[:, 2])


def summed_lines(
    pair: CountedPair,
    sums: PairSums,
    tenths: Tenths,
    ranks: ScoreRanks | None,
    ends: tuple[Ends, Ends],
    rule: DecisionRule,
    crossed: float,
) -> Iterator[Line]:
    """Lines of `explaindistill.measures.fidelity.fidelity` on probabilities, from sums over all rows.

    Parameters
    ----------
    pair : CountedPair
        Cells of these rows.
    sums : PairSums
    tenths : Tenths
    ranks : ScoreRanks, optional
        Of the student's scores, where those of one class are ranked.
    ends : pair of Ends
        Of teacher and student.
    rule : DecisionRule
    crossed : float
        Weighted sum of the product of both mid-ranks.

    Examples
    --------
    >>> P, weight = np.array([[0.2, 0.8], [0.9, 0.1]]), np.ones(2)
    >>> ends, rule = Ends.of(P, weight), DecisionRule(["no", "yes"], "yes", 0.5)
    >>> sums = PairSums.of((P, P), weight, (ends, ends), 1, 10)
    >>> pair = CountedPair.of_cells((P, P), Counted.unweighted([1, 1]), 0.95, "tree")
    >>> lines = summed_lines(pair, sums, Tenths(np.ones((1, 6))), None, (ends, ends), rule, 0.0)
    >>> [(line["metric"], line["estimate"]) for line in lines][:4]
    [('kl', 0.0), ('js', 0.0), ('brier', 0.0), ('r2_probability', 1.0)]
    """
    yield from _divergences(pair, sums)
    yield from _explained(pair, sums, rule)
    if rule.position is not None:
        column = rule.position
        usual = float(ends[0].first[column] / ends[0].weight)
        reach = tuple(float(end[column, column]) - usual for end in (ends[1].lowest, ends[1].highest))
        yield _bias(pair, "bias_probability", sums.moments.at(slice(3, 4)), reach)
    if ranks is not None and tenths.by_score is not None and tenths.by_teacher is not None:
        yield from _ranked(pair, (tenths.by_teacher, tenths.by_score), ranks, crossed, rule)
        yield from _slopes(pair, tenths.by_score, ranks, rule)
        if rule.position is not None:
            yield from _gaps(pair, tenths.by_score, ends[0], rule.position)
    tenth, n_tenths = tenths_of(_cells(tenths.by_distance).count)
    if n_tenths > 1:
        names = [f"margin decile {i + 1} of {n_tenths}" for i in range(n_tenths)]
        yield from _decided_alike(pair, tenths.by_distance, tenth, names)


def _bias(pair: CountedPair, metric: str, sums: MomentSums, ends: Any, subset: str = "") -> Line:
    mean = float(sums.mean[0])
    return pair.summed(metric, sums, _first, bounds=(-1.0, 1.0), subset=subset, reach=(mean - ends[0], ends[1] - mean))


def _first(means: Floats) -> float:
    return float(means[0])


def _divergences(pair: CountedPair, sums: PairSums) -> Iterator[Line]:
    for i, (name, bounds) in enumerate(zip(NAMES, BOUNDS, strict=True)):
        of = sums.moments.at(slice(i, i + 1))
        reach = float(sums.far[i].max() / of.weight - of.mean[0])
        line = pair.summed(name, of, _first, bounds=bounds, reach=(0.0, reach))
        if name == "kl" and tail_of(sums.n_positive, sums.largest) < HEAVY:
            line |= {"status": "small", "reason": CARRIED, "low": np.nan, "high": np.nan}
        yield line


CARRIED = carried_by_few(np.exp(np.arange(ENOUGH, dtype=float)))
"""The sentence about losses that a few rows carry: these grow by e from one to the next."""


def _explained(pair: CountedPair, sums: PairSums, rule: DecisionRule) -> Iterator[Line]:
    k = 1 if rule.column is not None else len(rule.classes)
    n_numbers = pair.n * k
    methods = {"r2_probability": "delta", "r2_logit": f"delta, probabilities clipped at {LOGIT_CLIP:g}"}
    for i, (name, method) in enumerate(methods.items()):
        start = len(LOSSES) + 1 + i * (2 + k)
        of = sums.moments.at(slice(start, start + 2 + k))
        spread, square = sums.plain[i] / n_numbers
        if spread <= ROUNDING * max(1.0, float(square)):
            line = row(name, np.nan, np.nan, np.nan, n=pair.n, method=method, **pair.names())
            yield line | {"reason": "the teacher gives every row the same value"}
            continue
        far = float(sums.far[len(LOSSES) + i].max() / of.weight)
        reach = (far - float(of.mean[0])) / float(of.mean[1])
        yield pair.summed(name, of, _r2, method, (-np.inf, 1.0), reach=(reach, 0.0))


def _r2(means: Floats) -> float:
    return float(1 - means[0] / (means[1] - (means[2:] ** 2).sum()))


def _ranked(
    pair: CountedPair, by: tuple[Floats, Floats], ranks: ScoreRanks, crossed: float, rule: DecisionRule
) -> Iterator[Line]:
    """Correlation of the ranks of margins, and the area under the curve of the teacher's decisions."""
    by_teacher, by_score = by
    sides = (by_teacher, by_score[:, 1])
    total = float(sides[0].sum())
    means, squares = [], []
    for weight in sides:
        x = mid_ranks(weight)
        means.append(float(weight @ x) / total)
        squares.append(float(weight @ (x - means[-1]) ** 2))
    spread = float(np.sqrt(squares[0] * squares[1]))
    rank = float(np.clip((crossed - total * means[0] * means[1]) / spread, -1, 1)) if spread > 0 else float("nan")
    rank = rank if spread > 1e-9 * total**3 else float("nan")
    limits = spearman_interval(rank, pair.worth, pair.level)
    yield row("spearman_margin", rank, *limits, n=pair.n, n_effective=pair.worth, method="fisher z", **pair.names())
    if len(rule.classes) != 2:
        return
    positive, negative = _cells(by_score[:, 7:10]), _cells(by_score[:, :3] - by_score[:, 7:10])
    *area, bound = counted_auc(positive, negative, pair.level, ranks.is_exact)
    ranked = "" if ranks.is_exact else f", {RANKS:,} ranks, within {bound:.1g}"
    line = row("auc", *area, n=pair.n, method=f"newcombe 2006 and logit{ranked}", **pair.names())
    yield line | ({"reason": "the teacher decides the same for every row"} if np.isnan(area[0]) else {})


def _slopes(pair: CountedPair, sums: Floats, ranks: ScoreRanks, rule: DecisionRule) -> Iterator[Line]:
    """The teacher's log-odds on the student's; see `recalibration.recalibrated`."""
    weight, square, first, second, product, score = sums[:, 1:7].T
    with np.errstate(invalid="ignore", divide="ignore"):
        p = ranks.values if ranks.is_exact else np.where(weight > 0, score / weight, 0.5)
    # of d = t - p, from which the sums of the target t follow
    target = TargetSums(
        weight, first + weight * p, square, second + square * p, product + 2 * p * second + p**2 * square, None
    )
    both = summed_recalibration(p, target)
    method = "wald, sandwich" if ranks.is_exact else f"wald, sandwich, {RANKS:,} ranks"
    for name, fitted in zip(("teacher_intercept", "teacher_slope"), both, strict=True):
        if name == "teacher_intercept" and rule.position is None:
            continue
        value, limits = (fitted.estimate, fitted.limits(pair.level)) if fitted is not None else (np.nan, (np.nan,) * 2)
        line = row(name, value, *limits, n=pair.n, method=method, **pair.names())
        yield line if fitted is not None else line | {"reason": "one probability only, or one that decides the other"}


def _decided_alike(pair: CountedPair, sums: Floats, tenth: NDArray[np.int64], names: list[str]) -> Iterator[Line]:
    """Agreement by tenth of the teacher's distance from its boundary."""
    both = np.concatenate([sums[:, 3:], sums[:, :3] - sums[:, 3:]])
    counted = _cells(both)
    alike = np.arange(len(both)) < len(sums)
    whole = CountedPair.of_cells((both[:, :1], both[:, :1]), counted, pair.level, pair.subject)
    has_rows = counted.count > 0
    yield from whole.share("agreement", alike[has_rows], np.concatenate([tenth, tenth])[has_rows], names)


def _gaps(pair: CountedPair, sums: Floats, teacher: Ends, column: int) -> Iterator[Line]:
    """Teacher minus student by tenth of the student's probability."""
    tenth, n_tenths = tenths_of(_cells(sums).count)
    for i in range(n_tenths):
        n, weight, square, first, second, product, score = sums[tenth == i, :7].sum(axis=0)
        of = MomentSums(round(n), weight, square, np.array([first]), np.array([second]), np.array([[product]]))
        counted = Counted(np.array([round(n)]), np.array([weight]), np.array([square]))
        one = CountedPair.of_cells((np.zeros((1, 1)), np.zeros((1, 1))), counted, pair.level, pair.subject)
        usual = float(score / weight)
        ends = float(teacher.lowest[column, column]) - usual, float(teacher.highest[column, column]) - usual
        yield _bias(one, "teacher_gap", of, ends, f"student decile {i + 1} of {n_tenths}")
