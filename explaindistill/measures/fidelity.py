"""How faithfully a student repeats its teacher: decisions, probabilities, ranks, values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.measures._pair import Pair
from explaindistill.measures.class_fidelity import between_classes, gain
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.favorable import which_is_wanted
from explaindistill.measures.table import frame, positions, row
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.numerics.statistics.ranks import auc_and_interval, spearman, spearman_interval
from explaindistill.numerics.statistics.recalibration import recalibrated
from explaindistill.numerics.statistics.unseen import far_loss, unseen_share

__all__ = ["LOGIT_CLIP", "NEAR_BOUNDARY", "fidelity", "margin", "regression_fidelity"]

LOGIT_CLIP = 1e-4
"""Probabilities are held this far from 0 and 1 before their logit is taken, within ±9.2 then. A trade-off: nearer to 0,
one confident row decides over ``r2_logit``; further away, confident rows are all alike."""
NEAR_BOUNDARY = 0.1
"""Margins below this are near the boundary: probabilities between 0.45 and 0.55 at a threshold of one half. A
trade-off: narrower holds too few rows to say anything, wider holds rows that nobody doubts."""
TENTHS = np.linspace(0.1, 0.9, 9)
"""Cuts between ten parts with about equally many rows each."""
TOPS = (2, 3, 5)
"""How many of the student's most probable classes are searched for the teacher's; half of all classes at most, since
chance alone finds it there in k of K cases."""
TINY = 1e-300
"""Smallest probability whose logarithm is taken, just above where floats lose digits: a student's hard 0 costs 691 nats
and not infinity, and no ordinary probability is touched."""
ROUNDING = 1e-24
"""Variance as a share of the mean square below which a constant teacher differs from its mean by rounding only: the
square of 1e-12, some thousand times the relative error of one float."""
Line = dict[str, Any]
Floats = NDArray[np.float64]


def margin(P: ArrayLike, position: int | None = None) -> Floats:
    """How far a row is from the boundary: ``2 P[position] - 1``, or largest minus second largest when None.

    With two classes the first is the second with the sign of the decision.

    Examples
    --------
    >>> margin([[0.2, 0.5, 0.3]]).round(3).tolist(), margin([[0.1, 0.9]], 1).round(3).tolist()
    ([0.2], [0.8])
    """
    P = np.asarray(P, dtype=float)
    if position is not None:
        return np.asarray(2 * P[:, position] - 1)
    two = np.partition(P, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def fidelity(
    P_teacher: ArrayLike,
    P_student: ArrayLike,
    rule: DecisionRule,
    *,
    student_rule: DecisionRule | None = None,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Fidelity of a classifier to its teacher, one line per question.

    ========================  ==========================================================================
    metric                    what it is
    ========================  ==========================================================================
    ``agreement``             share of rows with the same decision; also per class that the teacher decided
                              (``class=…``), per tenth of the teacher's margin (``margin decile …``) and near
                              the boundary
    ``agreement_argmax``      share of rows with the same most probable class
    ``agreement_macro``       mean over the teacher's classes of their agreement
    ``agreement_top2`` …      the teacher's class is among the student's two (three, five) most probable, with at least
                              twice as many classes
    ``skill``                 agreement beyond that of always deciding as the teacher most often does:
                              :math:`(a - a_0)/(1 - a_0)`, 0 where nothing is gained
    ``kl``                    :math:`\frac1n \sum_i \sum_c t_{ic} \log(t_{ic} / s_{ic})`, in nats
    ``js``                    mean of the same from t and from s to :math:`(t + s) / 2`
    ``brier``                 :math:`\frac1{2n} \sum_i \sum_c (t_{ic} - s_{ic})^2`; 0 to 1
    ``r2_probability``        share of the variance of the teacher's probabilities reproduced,
                              :math:`1 - \sum (t - s)^2 / \sum (t - \bar t)^2`
    ``r2_logit``              the same of their logits, probabilities clipped to [1e-4, 1 - 1e-4]
    ``bias_probability``      mean of student minus teacher, favourable class
    ``teacher_slope``,        of the teacher's log-odds on the student's (logistic regression of the one probability
    ``teacher_intercept``     on the other): a slope below 1 says that the student is too sure; the intercept, 0 where
                              right, is taken with the slope held at 1
    ``teacher_gap``           teacher minus student by tenth of the student's probability (``student decile …``)
    ``spearman_margin``       rank correlation of the margins
    ``auc``                   how well the student's probability ranks the teacher's decisions (two classes)
    ========================  ==========================================================================

    Parameters
    ----------
    P_teacher, P_student : array of shape (n, k)
        Probabilities in the order of the rule's classes; t and s above, row i and class c.
    rule : DecisionRule
        Classes, favourable class and threshold.
    student_rule : DecisionRule, optional
        That of the student, where the cut of a top share is fixed and each model has its own; else ``rule``.
    clusters : array of shape (n,), optional
        Rows of one cluster are not independent; intervals widen accordingly.
    sample_weight : array of shape (n,), optional
        Rows of weight 0 are left out; intervals use Kish's effective number of rows.
    level : float
        Confidence of the intervals.
    subject : str
        Name of the student.

    Returns
    -------
    DataFrame
        Canonical columns, see `explaindistill.measures.table`: ``metric, subject, attribute, group, reference, subset,
        n, k, n_effective, estimate, low, high, method, status, reason``. Intervals: Wilson's for shares, the delta
        method's for means, Fisher's z for rank correlations, Newcombe's of 2006 for the AUC.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953; Lin (1991), doi:10.1109/18.61115 (Jensen–Shannon divergence);
    Cox (1958), doi:10.1093/biomet/45.3-4.562 (slope and intercept); Newcombe (2006), doi:10.1002/sim.2324 (AUC).

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> table = fidelity(P, P, DecisionRule(["no", "yes"])).set_index(["metric", "subset"])["estimate"]
    >>> float(table["agreement", ""]), float(table["kl", ""])
    (1.0, 0.0)
    """
    pair = Pair.of(P_teacher, P_student, sample_weight, clusters, level, subject)
    if len(pair) == 0:
        return frame([row("agreement", np.nan, np.nan, np.nan, n=0, method="wilson", **pair.names())])
    sides = ((pair.t, rule), (pair.s, student_rule or rule))
    decided_t, decided_s = (positions(of.decide(P, pair.weight), rule.classes) for P, of in sides)
    lines = [*_agreements(pair, decided_t == decided_s, decided_t, np.asarray(rule.classes))]
    lines += [*_near(pair, decided_t == decided_s, rule)]
    lines += [*_divergences(pair), *_explained(pair, rule), *_ranked(pair, decided_t, rule.column)]
    lines += [*_calibrated(pair, rule)]
    return frame(lines)


def _agreements(
    pair: Pair, same: NDArray[np.bool_], decided: NDArray[np.int64], classes: NDArray[Any]
) -> Iterator[Line]:
    """Shares of equal decisions; ``decided`` is the position of the teacher's class among ``classes``."""
    everyone = np.zeros(len(pair), dtype=np.int64)
    yield from pair.share("agreement", same, everyone, [""])
    yield from pair.share("agreement_argmax", pair.t.argmax(axis=1) == pair.s.argmax(axis=1), everyone, [""])
    yield from between_classes(pair, same, decided, classes.tolist())
    best = np.argsort(-pair.s, axis=1, kind="stable")
    for k in TOPS:
        if len(classes) >= 2 * k:
            met = (best[:, :k] == pair.t.argmax(axis=1)[:, None]).any(axis=1)
            yield from pair.share(f"agreement_top{k}", met, everyone, [""])
    common = int(np.bincount(decided, pair.weight).argmax())
    yield _skill(pair, same, decided == common)
    yield gain(pair, same, decided == common)


def _skill(pair: Pair, same: NDArray[np.bool_], common: NDArray[np.bool_]) -> Line:
    r"""Agreement a beyond the share :math:`a_0` of the teacher's commonest class: :math:`(a - a_0)/(1 - a_0)`.

    Undefined where the teacher always decides the same. Where all decisions agree the delta method's error is 0, a
    certainty that no number of rows gives: the low limit then is that of Wilson's interval for a, mapped by the same
    formula.
    """
    if common.all():
        line = row("skill", np.nan, np.nan, np.nan, n=len(pair), method="delta", **pair.names())
        return line | {"reason": "the teacher decides the same for every row"}
    if same.all():
        base = float(np.average(common, weights=pair.weight))
        low = float(wilson(pair.worth, pair.worth, pair.level)[0])
        return (
            row("skill", 1.0, (low - base) / (1 - base), 1.0, n=len(pair), method="wilson", **pair.names()) | pair.few()
        )
    moments = [same.astype(float), common.astype(float)]
    return pair.smooth("skill", moments, lambda m: float((m[0] - m[1]) / (1 - m[1])), bounds=(-np.inf, 1.0))


def _near(pair: Pair, same: NDArray[np.bool_], rule: DecisionRule) -> Iterator[Line]:
    """Agreement by tenth of the teacher's distance from its boundary, and close to it.

    The distance is that of the favourable class's probability from the threshold, or from the cut of a top share. Half
    a margin is the same where the most probable of two classes is decided, since the two probabilities differ by twice
    the distance from one half.
    """
    bound = rule.bound(pair.t, pair.weight)
    distance = margin(pair.t) / 2 if bound is None else np.abs(pair.t[:, rule.position] - bound)
    if bound == np.inf:  # a top share that selects nobody has no boundary
        distance = np.ones(len(pair))
    present, codes = _tenths(distance)
    if len(present) > 1:
        names = [f"margin decile {i + 1} of {len(present)}" for i in range(len(present))]
        yield from pair.share("agreement", same, codes, names)
    close = np.where(distance < NEAR_BOUNDARY / 2, 0, -1)
    name = f"near the boundary (margin < {NEAR_BOUNDARY:g})"
    yield from pair.share("agreement", same, close, [name], "the teacher is never this close to its boundary")


def _tenths(values: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which tenths have rows, and the place among these of each row; fewer than ten where values repeat."""
    edges = np.unique(np.quantile(values, TENTHS))
    present, codes = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)
    return present, codes.astype(np.int64)


def _divergences(pair: Pair) -> Iterator[Line]:
    r"""Means over rows of divergences between the rows of probabilities; of unseen rows see `unseen.far_loss`."""
    for name, loss, ends in (
        ("kl", _kl, (0.0, np.inf)),
        ("js", _js, (0.0, np.log(2.0))),
        ("brier", _brier, (0.0, 1.0)),
    ):
        values = loss(pair.t, pair.s)
        reach = far_loss(pair.t, pair.s, loss, pair.weight) - pair.mean(values)
        unbounded = values if name == "kl" else None
        yield pair.average(name, values, bounds=ends, reach=(0.0, reach), losses=unbounded)


def _js(p: Floats, q: Floats) -> Floats:
    """Half the divergences of both from their mean; at most the logarithm of 2."""
    half = (p + q) / 2
    return (_kl(p, half) + _kl(q, half)) / 2


def _brier(p: Floats, q: Floats) -> Floats:
    """Half the squared distance of each row, between 0 and 1."""
    return np.asarray(((p - q) ** 2).sum(axis=1) / 2)


def _square(t: Floats, s: Floats) -> Floats:
    """Squared distance of each row, over all columns."""
    return np.asarray(((t - s) ** 2).sum(axis=1))


def _size(t: Floats, s: Floats) -> Floats:
    """Absolute difference of each row, the mean of its columns."""
    return np.asarray(np.abs(t - s).mean(axis=1))


def _kl(p: Floats, q: Floats) -> Floats:
    r"""Divergence :math:`\sum_c p_{ic} \log(p_{ic} / q_{ic})` of each row i, with :math:`0 \log 0 = 0`."""
    terms = np.where(p > 0, p * (np.log(np.maximum(p, TINY)) - np.log(np.maximum(q, TINY))), 0.0)
    return np.maximum(terms.sum(axis=1), 0.0)  # below 0 by rounding only


def _explained(pair: Pair, rule: DecisionRule) -> Iterator[Line]:
    """R² of probabilities and of logits: of the favourable class, or of all classes pooled; and the mean difference.

    Of two classes R² is the same for either; the mean difference has the other sign, and needs to know which is meant.
    """
    column = rule.column
    columns = slice(None) if column is None else slice(column, column + 1)
    t, s = pair.t[:, columns], pair.s[:, columns]
    yield _r2(pair, "r2_probability", t, s, "delta")
    logit_t, logit_s = (np.log(p) - np.log1p(-p) for p in (np.clip(x, LOGIT_CLIP, 1 - LOGIT_CLIP) for x in (t, s)))
    method = f"delta, probabilities clipped at {LOGIT_CLIP:g}"
    yield _r2(pair, "r2_logit", logit_t, logit_s, method)
    if rule.position is not None:
        usual = pair.mean(t[:, 0])
        ends = (float(s.min()) - usual, float(s.max()) - usual)
        yield pair.bias("bias_probability", (s - t)[:, 0], ends, bounds=(-1.0, 1.0))
    elif column is not None:
        yield _which(pair, "bias_probability", rule)


def _r2(pair: Pair, name: str, t: Floats, s: Floats, method: str, bounded: bool = True) -> Line:
    r"""One minus squared error over squared distance to the teacher's mean, both summed over columns j.

    :math:`1 - E\sum_j (t_j - s_j)^2 / [E\sum_j u_j^2 - \sum_j (E u_j)^2]` with :math:`u_j = t_j - \bar t_j`. The means
    of u are 0; they are among the moments so that the delta method knows that :math:`\bar t` is estimated too. Squared
    errors of values, unlike those of probabilities, are not ``bounded``.
    """
    centred = t - np.average(t, axis=0, weights=pair.weight)
    if float((centred**2).mean()) <= ROUNDING * max(1.0, float((t**2).mean())):
        line = row(name, np.nan, np.nan, np.nan, n=len(pair), method=method, **pair.names())
        return line | {"reason": "the teacher gives every row the same value"}
    columns = centred.shape[1]
    squares = _square(t, s)
    moments = [squares, (centred**2).sum(axis=1), *centred.T]

    def r2(m: Floats) -> float:
        return float(1 - m[0] / (m[1] - (m[2 : 2 + columns] ** 2).sum()))

    square, spread = (pair.mean(m) for m in moments[:2])
    reach = (far_loss(t, s, _square, pair.weight) - square) / spread
    unbounded = None if bounded else squares
    return pair.smooth(name, moments, r2, method, (-np.inf, 1.0), reach=(reach, 0.0), losses=unbounded)


def _which(pair: Pair, metric: str, rule: DecisionRule) -> Line:
    """A figure whose sign depends on which of two classes is meant, where nobody said it."""
    line = row(metric, np.nan, np.nan, np.nan, n=len(pair), **pair.names())
    return line | {"status": "undefined", "reason": which_is_wanted(rule.classes)}


def _calibrated(pair: Pair, rule: DecisionRule) -> Iterator[Line]:
    """Whether a student's probability means the same as its teacher's: overall, and by tenth of the student's.

    The slope is the same for either of two classes; intercept and gaps need to know which is meant.
    """
    column = rule.column
    if column is None:
        return
    t, s = pair.t[:, column], pair.s[:, column]
    both = recalibrated(t, s, pair.weight, pair.clusters)
    for name, fitted in zip(("teacher_intercept", "teacher_slope"), both, strict=True):
        value, limits = (fitted.estimate, fitted.limits(pair.level)) if fitted is not None else (np.nan, (np.nan,) * 2)
        line = row(name, value, *limits, n=len(pair), method="wald, sandwich", **pair.names()) | pair.few()
        if name == "teacher_intercept" and rule.position is None:
            line = _which(pair, name, rule)
        yield line if fitted is not None else line | {"reason": "one probability only, or one that decides the other"}
    if rule.position is None:
        yield _which(pair, "teacher_gap", rule)
        return
    present, codes = _tenths(s)
    for i in range(len(present)):
        at = codes == i
        groups = None if pair.clusters is None else pair.clusters[at]
        tenth = replace(pair, t=pair.t[at], s=pair.s[at], weight=pair.weight[at], clusters=groups)
        subset = f"student decile {i + 1} of {len(present)}"
        usual = tenth.mean(s[at])
        ends = (float(t.min()) - usual, float(t.max()) - usual)
        yield tenth.bias("teacher_gap", (t - s)[at], ends, bounds=(-1.0, 1.0), subset=subset)


def _ranked(pair: Pair, decided: NDArray[np.int64], position: int | None) -> Iterator[Line]:
    r"""Rank correlation of the margins, and AUC of the student's probability for the teacher's decisions.

    Spearman's interval takes Kish's number of independent rows, :math:`(\sum w)^2 / \sum w^2`, and no more of them than
    the clusters are worth if their rows are copies.
    """
    worth = pair.worth
    rank = spearman(margin(pair.t, position), margin(pair.s, position), pair.weight)
    limits = spearman_interval(rank, worth, pair.level)
    yield (
        row("spearman_margin", rank, *limits, n=len(pair), n_effective=worth, method="fisher z", **pair.names())
        | pair.few()
    )
    if position is None or pair.t.shape[1] != 2:
        return
    positive = decided == position
    area = auc_and_interval(pair.s[:, position], positive, pair.weight, pair.level, pair.clusters)
    line = row("auc", *area, n=len(pair), method="newcombe 2006 and logit", **pair.names()) | pair.few()
    if np.isnan(area[0]):
        line["reason"] = "the teacher decides the same for every row"
    yield line


def _distances(pair: Pair, T: Floats, S: Floats) -> Iterator[Line]:
    """Mean size, root mean square and mean of S - T; of unseen rows see `unseen.far_loss`."""
    size, square, ends = _size(T, S), ((T - S) ** 2).mean(axis=1), (0.0, np.inf)
    reach = far_loss(T, S, _size, pair.weight) - pair.mean(size)
    yield pair.average("mae", size, bounds=ends, reach=(0.0, reach), losses=size)
    mean = pair.mean(square)
    far = far_loss(T, S, _square, pair.weight) / T.shape[1]
    # A root is no mean: how far it moves depends on how many rows are unseen.
    share = unseen_share(pair.worth, pair.level)
    moved = (np.sqrt(mean + share * max(far - mean, 0.0)) - np.sqrt(mean)) / share
    yield pair.smooth("rmse", [square], lambda m: float(np.sqrt(max(m[0], 0.0))), bounds=ends, reach=(0.0, moved),
                      losses=square)  # fmt: skip
    usual = pair.mean(T.mean(axis=1))
    yield pair.bias("bias", (S - T).mean(axis=1), (S.min(axis=0).mean() - usual, S.max(axis=0).mean() - usual))


def regression_fidelity(
    t: ArrayLike,
    s: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Fidelity of a regressor to its teacher: ``r2``, ``mae``, ``rmse``, ``bias`` and ``spearman``.

    With rows i and outputs j: :math:`1 - \sum (t - s)^2 / \sum (t_{ij} - \bar t_j)^2`, the mean of
    :math:`|t - s|`, the root of the mean of :math:`(t - s)^2`, the mean of :math:`s - t`, and the correlation of ranks.

    Parameters
    ----------
    t, s : array of shape (n,) or (n, m)
        Values of teacher and student. Several outputs are pooled, except that each has its own mean in ``r2``
        and its own line (``subset`` is ``output=…``) for ``spearman``.
    clusters, sample_weight, level, subject
        As in `fidelity`.

    Returns
    -------
    DataFrame
        Canonical columns, see `fidelity`; intervals by the delta method, Spearman's on Fisher's scale.

    Examples
    --------
    >>> table = regression_fidelity([1.0, 2.0, 4.0], [1.0, 2.0, 3.0]).set_index("metric")["estimate"]
    >>> table[["r2", "mae", "spearman"]].round(3).to_dict()
    {'r2': 0.786, 'mae': 0.333, 'spearman': 1.0}
    """
    pair = Pair.of(t, s, sample_weight, clusters, level, subject)
    if len(pair) == 0:
        return frame([row("r2", np.nan, np.nan, np.nan, n=0, method="delta", **pair.names())])
    T, S = pair.t.reshape(len(pair), -1), pair.s.reshape(len(pair), -1)
    lines = [_r2(pair, "r2", T, S, "delta", bounded=False), *_distances(pair, T, S)]
    for j in range(T.shape[1]):
        rank = spearman(T[:, j], S[:, j], pair.weight)
        limits = spearman_interval(rank, pair.worth, level)
        subset = "" if T.shape[1] == 1 else f"output={j}"
        line = row(
            "spearman", rank, *limits, n=len(pair), n_effective=pair.worth, method="fisher z", **pair.names(subset)
        )
        lines.append(line | pair.few())
    return frame(lines)
