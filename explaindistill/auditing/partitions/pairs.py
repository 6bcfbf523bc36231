"""Teacher and students on all rows: what is summed where the rows lie, and the lines that the sums make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.partitions.answered import AnsweredRows, distances
from explaindistill.auditing.partitions.counted import TEACHER, CountedRows
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.score_ranks import ScoreRanks, distinct_scores, joined_scores, mid_ranks
from explaindistill.measures.summed_fidelity import Ends, PairSums, Tenths, summed_lines
from explaindistill.measures.table import frame
from explaindistill.protocols import Partitions

__all__ = ["RankedScores", "each_joined", "pair_frames", "plus", "ranked_scores"]

DISTANCE = "distance of the teacher"
"""Key of the teacher's distances from its boundary among the scores; no student is called so."""
Floats = NDArray[np.float64]
By = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class RankedScores:
    """Ranks of scores by model, and of the teacher's distances from its boundary.

    Attributes
    ----------
    column : int, optional
        The class whose probability is the score; None where there are several and nobody said which is wanted.
    ranks : mapping of str to ScoreRanks
    """

    column: int | None
    ranks: Mapping[str, ScoreRanks]

    def codes(self, rows: AnsweredRows, name: str) -> NDArray[np.int64]:
        """Rank of the score of each row."""
        return self.ranks[name].codes(rows.answers[name][:, self.column])


def ranked_scores(answered: Partitions, drawn: Mapping[str, Floats], rule: DecisionRule) -> RankedScores:
    """Ranks of all scores; beyond 65,536 different ones, ranks of the drawn rows.

    Parameters
    ----------
    answered : Partitions of AnsweredRows
    drawn : mapping of str to ndarray of shape (n, k)
        Answers of each model to the drawn rows.
    rule : DecisionRule
    """
    column = rule.column
    distinct = answered.ask(_distinct, rule, reduce=each_joined(joined_scores))
    few = _scores(drawn, rule)
    return RankedScores(column, {name: ScoreRanks.of(distinct[name], few[name]) for name in few})


def _scores(answers: Mapping[str, Floats], rule: DecisionRule) -> dict[str, Floats]:
    scores = {DISTANCE: distances(answers[TEACHER], rule)}
    if rule.column is not None:
        scores |= {name: P[:, rule.column] for name, P in answers.items()}
    return scores


def each_joined(join: Callable[[Any, Any], Any]) -> Callable[[By, By], By]:
    """What joins values that stand under the same names."""
    return _Each(join)


@dataclass(frozen=True)
class _Each:
    """Values by name, each joined with its like; where one side has none, the other stands."""

    join: Callable[[Any, Any], Any]

    def __call__(self, a: By, b: By) -> By:
        return {
            name: self.join(a[name], b[name]) if name in a and name in b else a.get(name, b.get(name))
            for name in {**a, **b}
        }


def plus(a: Any, b: Any) -> Any:
    """The sum."""
    return a + b


def _distinct(rows: AnsweredRows, rule: DecisionRule) -> dict[str, Floats | None]:
    return {name: distinct_scores(score) for name, score in _scores(rows.answers, rule).items()}


def _ends(rows: AnsweredRows) -> dict[str, Ends]:
    weight = rows.weights()
    used = weight > 0
    return {name: Ends.of(P[used], weight[used]) for name, P in rows.answers.items()} if used.any() else {}


def _sums(rows: AnsweredRows, ends: Mapping[str, Ends], rule: DecisionRule, most: int) -> dict[str, PairSums]:
    weight = rows.weights()
    used = weight > 0
    t = rows.answers[TEACHER][used]
    return {
        name: PairSums.of((t, P[used]), weight[used], (ends[TEACHER], ends[name]), rule.column, most)
        for name, P in rows.answers.items()
        if name != TEACHER and used.any()
    }


def _tenths(rows: AnsweredRows, scores: RankedScores, rule: DecisionRule) -> dict[str, Tenths]:
    weight = rows.weights()
    one = (weight > 0).astype(float)
    by_distance = scores.ranks[DISTANCE].codes(distances(rows.answers[TEACHER], rule))
    size = scores.ranks[DISTANCE].size
    out = {}
    decided = rows.decided[TEACHER]
    whole = _summed(by_distance, size, (one, weight, weight**2))
    for name in rows.answers:
        if name == TEACHER:
            continue
        same = decided == rows.decided[name]
        alike = _summed(by_distance[same], size, (one[same], weight[same], weight[same] ** 2))
        near = np.concatenate([whole, alike], axis=1)
        out[name] = Tenths(near) if scores.column is None else Tenths(near, *_by_score(rows, name, scores))
    return out


def _by_score(rows: AnsweredRows, name: str, scores: RankedScores) -> tuple[Floats, Floats]:
    """Sums by rank of a student's score, and weight by rank of the teacher's."""
    weight = rows.weights()
    t, s = (rows.answers[model][:, scores.column] for model in (TEACHER, name))
    one, d, square = (weight > 0).astype(float), t - s, weight**2
    yes = (rows.decided[TEACHER] == scores.column).astype(float)
    columns = (one, weight, square, weight * d, square * d, square * d**2, weight * s, one * yes, weight * yes,
               square * yes)  # fmt: skip
    by_score = _summed(scores.codes(rows, name), scores.ranks[name].size, columns)
    ranks = scores.ranks[TEACHER]
    return by_score, _summed(scores.codes(rows, TEACHER), ranks.size, (weight,))[:, 0]


def _summed(codes: NDArray[np.int64], size: int, columns: tuple[Floats, ...]) -> Floats:
    return np.column_stack([np.bincount(codes, values, size) for values in columns])


def _crossed(
    rows: AnsweredRows, middles: Mapping[str, tuple[Floats, Floats]], scores: RankedScores
) -> dict[str, float]:
    """Weighted sums of products of both mid-ranks, by student."""
    weight, at = rows.weights(), scores.codes(rows, TEACHER)
    return {
        name: float((weight * of_teacher[at]) @ mine[scores.codes(rows, name)])
        for name, (of_teacher, mine) in middles.items()
    }


def pair_frames(
    answered: Partitions, counted: CountedRows, scores: RankedScores, n_rows: int
) -> Iterator[pd.DataFrame]:
    """Lines of the frame ``fidelity`` on probabilities, one table per student."""
    rule = counted.rule
    ends = answered.ask(_ends, reduce=each_joined(plus))
    most = int(np.sqrt(n_rows)) + 1
    sums = answered.ask(_sums, ends, rule, most, reduce=each_joined(plus))
    tenths = answered.ask(_tenths, scores, rule, reduce=each_joined(plus))
    crossed: Mapping[str, float] = {}
    if scores.column is not None:
        middles = {name: (mid_ranks(of.by_teacher), mid_ranks(of.by_score[:, 1])) for name, of in tenths.items()}
        crossed = answered.ask(_crossed, middles, scores, reduce=each_joined(plus))
    for name in counted.students:
        lines = summed_lines(
            counted.pair(name), sums[name], tenths[name], scores.ranks.get(name), (ends[TEACHER], ends[name]), rule,
            crossed.get(name, float("nan")),
        )  # fmt: skip
        yield frame(lines)
