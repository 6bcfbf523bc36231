"""Let rivals compete on folds of the real rows; who falls behind by more than chance drops out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.progress import tell
from explaindistill.data.folds import content_folds, content_rank
from explaindistill.data.student_view import StudentView
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.choosing.fitting import FittedRival, fit_within
from explaindistill.distillation.choosing.reading_budget import ReadingBudget
from explaindistill.distillation.choosing.rivals import Rival
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.trees.shrinkage import cross_entropy

__all__ = ["Competition", "compete"]

Floats = NDArray[np.float64]
FOLDS = 3
SMALL, REPEATS = 1000, 3
"""Below so many rows the folds are drawn three times: one drawing says more of the drawing than of the rivals."""
MOST = 6000
"""Real rows that decide, drawn by content: two families that differ by a point of agreement are told apart on these
(standard error of a paired difference on 6,000 rows at 10 % disagreement: .4 points), and all are fitted in seconds."""
COMPARING = 0.8
"""Share of a fit that the comparison takes; the winner's fit to all rows is the rest. For the bar of progress alone."""
BEHIND = 2.0
"""Standard errors of the paired difference to the leader beyond which a rival drops out: a one-sided 2.3 %."""


@dataclass(eq=False)
class _Record:
    """What one rival scored on each deciding row, summed over the times that the row was held out."""

    rival: Rival
    score: Floats
    times: NDArray[np.int64]
    sizes: list[dict[str, Any]] = field(default_factory=list)
    alive: bool = True


@dataclass(frozen=True, eq=False)
class Competition:
    """The rivals in the order of their scores, and the table of how they did.

    Attributes
    ----------
    ranking : list of Rival
        Those that were never dropped first, each group by its score, and by fewest numbers between equals.
    frame : DataFrame
        A line per rival, best first: ``student``; ``n_lines, n_numbers, n_features`` of its last fit; ``folds`` it was
        measured on; ``n``, real rows that were held out for it; ``score``, the share of them where teacher and
        student decide alike, minus the Kullback-Leibler divergence in nats, or R²; ``behind``, the best one's score
        less its own on the same rows, with ``behind_low`` and ``behind_high`` (95 %, of one comparison).
    """

    ranking: list[Rival]
    frame: pd.DataFrame


def compete(
    field_: list[Rival], targets: SoftTargets, view: StudentView, budget: ReadingBudget, optimize: str = "decisions"
) -> Competition:
    """Fit every rival without each fold in turn, and compare the held-out answers row by row.

    Who falls behind drops out after a fold; where one alone is left, the competition ends. Folds go by what rows say,
    so that neither their order nor copies matter; made-up rows take no part.

    Parameters
    ----------
    field_ : list of Rival
    targets : SoftTargets
        Real rows that the teacher answered.
    view : StudentView
    budget : ReadingBudget
    optimize : "decisions" or "probabilities"
        Classification: whether the share of equal decisions counts, or the Kullback-Leibler divergence.

    Raises
    ------
    InvalidInputError
        If no rival keeps to the budget.
    """
    rank = content_rank(targets.X)
    targets = targets.take(np.flatnonzero(rank < MOST))
    n = len(targets)
    records = [_Record(rival, np.zeros(n), np.zeros(n, dtype=np.int64)) for rival in field_]
    repeats = REPEATS if n < SMALL else 1
    for repeat in range(repeats):
        folds = content_folds(targets.X, FOLDS, seed=repeat)
        for k in range(FOLDS):
            held = np.flatnonzero(folds == k)
            rest = np.flatnonzero(folds != k)
            alive = [r for r in records if r.alive]
            if not len(held) or not len(rest) or (len(alive) == 1 and alive[0].sizes):
                continue  # fewer distinct rows than folds, or nobody to be compared with
            for i, record in enumerate(alive):
                done = repeat * FOLDS + k + i / len(alive)
                tell(f"comparing families, {record.rival.name}", done / (repeats * FOLDS) * COMPARING)
                _measure(record, targets, rest, held, view, budget, optimize)
            _drop(records, targets.weight)
    return _ranked(records, targets, optimize)


def _measure(
    record: _Record,
    targets: SoftTargets,
    rest: NDArray[np.intp],
    held: NDArray[np.intp],
    view: StudentView,
    budget: ReadingBudget,
    optimize: str,
) -> None:
    fitted = fit_within(record.rival, targets.take(rest), view, budget)
    if fitted is None:
        record.alive = False
        return
    exam = targets.take(held)
    record.score[held] += _scores(fitted, exam, optimize)
    record.times[held] += 1
    size = fitted.student.complexity()
    record.sizes.append({"n_lines": size.n_lines, "n_numbers": size.n_numbers, "n_features": size.n_features})


def _scores(fitted: FittedRival, exam: SoftTargets, optimize: str) -> Floats:
    """Score of each row, higher is better."""
    rows = fitted.view.restored(exam.X)
    if exam.classes is None:
        answer = np.asarray(fitted.student.predict(rows), dtype=float).reshape(len(exam), -1)
        return -((answer - exam.P.reshape(len(exam), -1)) ** 2).sum(axis=1)
    answer = np.zeros(exam.P.shape)
    answer[:, np.searchsorted(exam.classes, fitted.student.classes_)] = fitted.student.predict_proba(rows)
    if optimize == "decisions":
        return (answer.argmax(axis=1) == exam.P.argmax(axis=1)).astype(float)
    return cross_entropy(exam.P, exam.P) - cross_entropy(exam.P, answer)


def _mean(record: _Record, weight: Floats) -> float:
    """Mean score over the rows that were held out for a rival."""
    counted = record.times > 0
    if not record.sizes or not weight[counted].sum() > 0:
        return -np.inf
    return float(np.average(record.score[counted] / record.times[counted], weights=weight[counted]))


def _gap(leader: _Record, record: _Record, weight: Floats) -> tuple[float, float]:
    """Mean of the leader's score less a rival's over the rows that both were measured on, and its standard error."""
    both = (leader.times > 0) & (record.times > 0)
    w = weight[both] / weight[both].sum()
    gain = leader.score[both] / leader.times[both] - record.score[both] / record.times[both]
    mean = float(w @ gain)
    return mean, float(np.sqrt((w**2) @ (gain - mean) ** 2))


def _drop(records: list[_Record], weight: Floats) -> None:
    """Those behind the leader by more than chance compete no further."""
    alive = [r for r in records if r.alive]
    if len(alive) < 2:
        return
    leader = max(alive, key=lambda r: _mean(r, weight))
    for record in alive:
        gap, error = _gap(leader, record, weight)
        if record is not leader and gap > BEHIND * error:
            record.alive = False


def _ranked(records: list[_Record], targets: SoftTargets, optimize: str) -> Competition:
    weight = targets.weight
    fitted = [r for r in records if r.sizes]
    if not fitted:
        raise InvalidInputError(
            "no student keeps to max_lines, max_numbers and max_columns together; allow more of one of them"
        )
    # between equals the one that is shorter to read: scores that differ in the tenth digit differ by rounding
    order = sorted(fitted, key=lambda r: (not r.alive, -round(_mean(r, weight), 10), r.sizes[-1]["n_numbers"]))
    lines = []
    for record in order:
        gap, error = _gap(order[0], record, weight) if record is not order[0] else (0.0, 0.0)
        lines.append(
            {
                "student": record.rival.name,
                **record.sizes[-1],
                "folds": len(record.sizes),
                "n": int((record.times > 0).sum()),
                "score": _mean(record, weight),
                "behind": gap,
                "behind_low": gap - 1.96 * error,
                "behind_high": gap + 1.96 * error,
            }
        )
    frame = pd.DataFrame(lines)
    if targets.classes is None:
        Y = targets.P.reshape(len(targets), -1)
        spread = float(np.average(((Y - np.average(Y, axis=0, weights=weight)) ** 2).sum(axis=1), weights=weight))
        frame["score"] = 1 + frame["score"] / spread if spread > 0 else np.nan
        columns = ["behind", "behind_low", "behind_high"]
        frame[columns] = frame[columns] / spread if spread > 0 else np.nan
    frame.attrs["metric"] = "r2" if targets.classes is None else "agreement" if optimize == "decisions" else "-kl"
    return Competition([r.rival for r in order], frame)
