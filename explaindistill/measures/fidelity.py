"""How faithfully a student repeats its teacher: decisions, probabilities, ranks, values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import Threshold, decisions, favorable_position
from explaindistill.measures.table import (
    frame,
    positions,
    row,
    shares,
)
from explaindistill.numerics.statistics.intervals import mean_of_intervals, normal_quantile, wilson
from explaindistill.numerics.statistics.ranks import auc_and_interval, spearman, spearman_interval
from explaindistill.numerics.statistics.recalibration import recalibrated
from explaindistill.numerics.statistics.tallies import mean_function, tally, weights_of

__all__ = ["LOGIT_CLIP", "NEAR_BOUNDARY", "fidelity", "margin", "regression_fidelity"]

LOGIT_CLIP = 1e-4
NEAR_BOUNDARY = 0.1
TINY = 1e-300
Line = dict[str, Any]


@dataclass(frozen=True)
class _Pair:
    """Teacher and student on the same rows, and how the rows count."""

    t: NDArray[np.float64]
    s: NDArray[np.float64]
    weight: NDArray[np.float64]
    clusters: NDArray[Any] | None
    level: float
    subject: str

    @classmethod
    def of(
        cls, teacher: ArrayLike, student: ArrayLike, weight: Any, clusters: Any, level: float, subject: str
    ) -> _Pair:
        t, s = np.asarray(teacher, dtype=float), np.asarray(student, dtype=float)
        if t.shape != s.shape:
            raise InvalidInputError(f"teacher and student must answer the same rows: shapes {t.shape} and {s.shape}")
        if not (np.isfinite(t).all() and np.isfinite(s).all()):
            raise InvalidInputError("answers of teacher and student must be finite, got NaN or infinity")
        normal_quantile(level)
        w = weights_of(weight, len(t))
        groups = None if clusters is None else np.asarray(clusters)
        if groups is not None and len(groups) != len(t):
            raise InvalidInputError(f"clusters must have one entry per row: {len(t)} rows, got {len(groups)}")
        keep = w > 0
        return cls(t[keep], s[keep], w[keep], None if groups is None else groups[keep], level, subject)

    def __len__(self) -> int:
        return len(self.t)

    def names(self, subset: str = "") -> Line:
        return {"subject": self.subject, "subset": subset}

    def share(
        self,
        metric: str,
        success: NDArray[np.bool_],
        codes: NDArray[np.int64],
        subsets: list[str],
        empty: str = "no rows",
    ) -> list[Line]:
        counted = tally(success, codes, len(subsets), sample_weight=self.weight, clusters=self.clusters)
        return shares(metric, counted, [self.names(s) for s in subsets], level=self.level, empty=empty)

    def smooth(
        self,
        metric: str,
        moments: list[NDArray[np.float64]],
        function: Callable[[NDArray[np.float64]], float],
        method: str = "delta",
        bounds: tuple[float, float] = (-np.inf, np.inf),
        subset: str = "",
    ) -> Line:
        """A smooth function of means, with the delta method's normal interval inside ``bounds``."""
        value, error = mean_function(
            np.column_stack(moments), function, sample_weight=self.weight, clusters=self.clusters
        )
        half = normal_quantile(self.level) * error
        low, high = np.clip([value - half, value + half], *bounds)
        return row(metric, value, low, high, n=len(self), method=method, **self.names(subset))


def margin(P: ArrayLike, position: int | None = None) -> NDArray[np.float64]:
    """How far a row is from the boundary: ``2 P[position] - 1``, or largest minus second largest when None.

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
    *,
    classes: ArrayLike,
    threshold: Threshold = None,
    favorable: Any = None,
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
    ``kl``, ``js``            mean divergence from teacher to student, and its symmetric form, in nats
    ``brier``                 half the mean squared distance of the probability rows; 0 to 1
    ``r2_probability``        share of the variance of the teacher's probabilities reproduced
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
        Probabilities in the order of ``classes``.
    classes : array of shape (k,)
    threshold, favorable
        The decision rule, see `decisions`. None decides the most probable class.
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
        Canonical columns: ``metric, subject, attribute, group, reference, subset, n, k, n_effective, estimate, low,
        high, method, status, reason``.

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> found = fidelity(P, P, classes=["no", "yes"]).set_index(["metric", "subset"])["estimate"]
    >>> float(found["agreement", ""]), float(found["kl", ""])
    (1.0, 0.0)
    """
    known = np.asarray(classes)
    pair = _Pair.of(P_teacher, P_student, sample_weight, clusters, level, subject)
    rule = {"classes": known, "favorable": favorable, "threshold": threshold, "sample_weight": pair.weight}
    if len(pair) == 0:
        return frame([row("agreement", np.nan, np.nan, np.nan, n=0, method="wilson", **pair.names())])
    decided_t = positions(decisions(pair.t, **rule), known)
    decided_s = positions(decisions(pair.s, **rule), known)
    position = favorable_position(known, favorable) if favorable is not None or len(known) == 2 else None
    lines = [*_agreements(pair, decided_t == decided_s, decided_t, known)]
    lines += [*_near(pair, decided_t == decided_s, position, threshold)]
    lines += [*_divergences(pair), *_explained(pair, position), *_ranked(pair, decided_t, position)]
    if position is not None:
        lines += [*_calibrated(pair, position)]
    return frame(lines)


def _agreements(
    pair: _Pair, same: NDArray[np.bool_], decided: NDArray[np.int64], classes: NDArray[Any]
) -> Iterator[Line]:
    everyone = np.zeros(len(pair), dtype=np.int64)
    yield from pair.share("agreement", same, everyone, [""])
    yield from pair.share("agreement_argmax", pair.t.argmax(axis=1) == pair.s.argmax(axis=1), everyone, [""])
    empty = "the teacher never decided this class"
    by_class = pair.share("agreement", same, decided, [f"class={c}" for c in classes], empty)
    yield from by_class
    there = [line for line in by_class if line["n"]]
    macro = mean_of_intervals(*([line[key] for line in there] for key in ("estimate", "low", "high")))
    yield row("agreement_macro", *macro, n=len(pair), method="mover of wilson", **pair.names())
    best = np.argsort(-pair.s, axis=1, kind="stable")
    for k in (2, 3, 5):
        if len(classes) >= 2 * k:
            met = (best[:, :k] == pair.t.argmax(axis=1)[:, None]).any(axis=1)
            yield from pair.share(f"agreement_top{k}", met, everyone, [""])
    common = int(np.bincount(decided, pair.weight).argmax())
    yield _skill(pair, same, decided == common)


def _skill(pair: _Pair, same: NDArray[np.bool_], common: NDArray[np.bool_]) -> Line:
    """Chance-corrected agreement; undefined where the teacher always decides the same."""
    if common.all():
        line = row("skill", np.nan, np.nan, np.nan, n=len(pair), method="delta", **pair.names())
        return line | {"reason": "the teacher decides the same for every row"}
    if same.all():
        base = float(np.average(common, weights=pair.weight))
        low = float(wilson(len(pair), len(pair), pair.level)[0])
        return row("skill", 1.0, (low - base) / (1 - base), 1.0, n=len(pair), method="wilson", **pair.names())
    moments = [same.astype(float), common.astype(float)]
    return pair.smooth("skill", moments, lambda m: float((m[0] - m[1]) / (1 - m[1])), bounds=(-np.inf, 1.0))


def _near(pair: _Pair, same: NDArray[np.bool_], position: int | None, threshold: Threshold) -> Iterator[Line]:
    """Agreement by tenth of the teacher's distance from its boundary, and close to it."""
    if position is not None and isinstance(threshold, int | float):
        distance = np.abs(pair.t[:, position] - float(threshold))
    else:
        distance = margin(pair.t) / 2
    edges = np.unique(np.quantile(distance, np.linspace(0.1, 0.9, 9)))
    tenth = np.searchsorted(edges, distance, side="left")
    present, codes = np.unique(tenth, return_inverse=True)
    if len(present) > 1:
        names = [f"margin decile {i + 1} of {len(present)}" for i in range(len(present))]
        yield from pair.share("agreement", same, codes.astype(np.int64), names)
    close = np.where(distance < NEAR_BOUNDARY / 2, 0, -1)
    name = f"near the boundary (margin < {NEAR_BOUNDARY:g})"
    yield from pair.share("agreement", same, close, [name], "the teacher is never this close to its boundary")


def _divergences(pair: _Pair) -> Iterator[Line]:
    first, half = (lambda m: float(m[0])), (pair.t + pair.s) / 2
    for name, values in (
        ("kl", _kl(pair.t, pair.s)),
        ("js", (_kl(pair.t, half) + _kl(pair.s, half)) / 2),
        ("brier", ((pair.t - pair.s) ** 2).sum(axis=1) / 2),
    ):
        yield pair.smooth(name, [values], first, bounds=(0.0, 1.0 if name == "brier" else np.inf))


def _kl(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divergence per row; a class the teacher gives no probability costs nothing, q is kept above 1e-300."""
    terms = np.where(p > 0, p * (np.log(np.maximum(p, TINY)) - np.log(np.maximum(q, TINY))), 0.0)
    return np.maximum(terms.sum(axis=1), 0.0)


def _explained(pair: _Pair, position: int | None) -> Iterator[Line]:
    columns = slice(None) if position is None else slice(position, position + 1)
    t, s = pair.t[:, columns], pair.s[:, columns]
    yield _r2(pair, "r2_probability", t, s, "delta")
    logit_t, logit_s = (np.log(p) - np.log1p(-p) for p in (np.clip(x, LOGIT_CLIP, 1 - LOGIT_CLIP) for x in (t, s)))
    yield _r2(pair, "r2_logit", logit_t, logit_s, f"delta, probabilities clipped at {LOGIT_CLIP:g}")
    if position is not None:
        yield pair.smooth("bias_probability", [(s - t)[:, 0]], lambda m: float(m[0]), bounds=(-1.0, 1.0))


def _r2(pair: _Pair, name: str, t: NDArray[np.float64], s: NDArray[np.float64], method: str) -> Line:
    """One minus squared error over squared distance to the teacher's mean, summed over columns."""
    centred = t - np.average(t, axis=0, weights=pair.weight)
    # Below this a constant teacher differs from its mean by rounding only.
    if float((centred**2).mean()) <= 1e-24 * max(1.0, float((t**2).mean())):
        line = row(name, np.nan, np.nan, np.nan, n=len(pair), method=method, **pair.names())
        return line | {"reason": "the teacher gives every row the same value"}
    columns = centred.shape[1]
    moments = [((t - s) ** 2).sum(axis=1), (centred**2).sum(axis=1), *centred.T]

    def r2(m: NDArray[np.float64]) -> float:
        return float(1 - m[0] / (m[1] - (m[2 : 2 + columns] ** 2).sum()))

    return pair.smooth(name, moments, r2, method, (-np.inf, 1.0))


def _calibrated(pair: _Pair, position: int) -> Iterator[Line]:
    """Whether a student's probability means the same as its teacher's: overall, and by tenth of the student's."""
    t, s = pair.t[:, position], pair.s[:, position]
    both = recalibrated(t, s, pair.weight, pair.clusters)
    for name, found in zip(("teacher_intercept", "teacher_slope"), both, strict=True):
        value, error = found if found is not None else (np.nan, np.nan)
        half = normal_quantile(pair.level) * error
        line = row(name, value, value - half, value + half, n=len(pair), method="wald, sandwich", **pair.names())
        yield line if found is not None else line | {"reason": "one probability only, or one that decides the other"}
    edges = np.unique(np.quantile(s, np.linspace(0.1, 0.9, 9)))
    present, codes = np.unique(np.searchsorted(edges, s, side="left"), return_inverse=True)
    for i in range(len(present)):
        here = codes == i
        groups = None if pair.clusters is None else pair.clusters[here]
        part = replace(pair, t=pair.t[here], s=pair.s[here], weight=pair.weight[here], clusters=groups)
        subset = f"student decile {i + 1} of {len(present)}"
        yield part.smooth("teacher_gap", [(t - s)[here]], lambda m: float(m[0]), bounds=(-1.0, 1.0), subset=subset)


def _ranked(pair: _Pair, decided: NDArray[np.int64], position: int | None) -> Iterator[Line]:
    worth = float(pair.weight.sum() ** 2 / (pair.weight**2).sum())
    if pair.clusters is not None:
        worth = min(worth, float(len(np.unique(pair.clusters))))
    rank = spearman(margin(pair.t, position), margin(pair.s, position), pair.weight)
    limits = spearman_interval(rank, worth, pair.level)
    yield row("spearman_margin", rank, *limits, n=len(pair), n_effective=worth, method="fisher z", **pair.names())
    if position is None or pair.t.shape[1] != 2:
        return
    positive = decided == position
    area = auc_and_interval(pair.s[:, position], positive, pair.weight, pair.level)
    line = row("auc", *area, n=len(pair), method="newcombe 2006 and logit", **pair.names())
    if np.isnan(area[0]):
        line["reason"] = "the teacher decides the same for every row"
    yield line


def regression_fidelity(
    t: ArrayLike,
    s: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """Fidelity of a regressor to its teacher: ``r2``, ``mae``, ``rmse``, ``bias`` and ``spearman``.

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
    >>> found = regression_fidelity([1.0, 2.0, 4.0], [1.0, 2.0, 3.0]).set_index("metric")["estimate"]
    >>> found[["r2", "mae", "spearman"]].round(3).to_dict()
    {'r2': 0.786, 'mae': 0.333, 'spearman': 1.0}
    """
    pair = _Pair.of(t, s, sample_weight, clusters, level, subject)
    if len(pair) == 0:
        return frame([row("r2", np.nan, np.nan, np.nan, n=0, method="delta", **pair.names())])
    T, S = pair.t.reshape(len(pair), -1), pair.s.reshape(len(pair), -1)
    lines = [_r2(pair, "r2", T, S, "delta")]
    lines.append(pair.smooth("mae", [np.abs(T - S).mean(axis=1)], lambda m: float(m[0]), bounds=(0.0, np.inf)))
    square = ((T - S) ** 2).mean(axis=1)
    lines.append(pair.smooth("rmse", [square], lambda m: float(np.sqrt(max(m[0], 0.0))), bounds=(0.0, np.inf)))
    lines.append(pair.smooth("bias", [(S - T).mean(axis=1)], lambda m: float(m[0])))
    for j in range(T.shape[1]):
        rank = spearman(T[:, j], S[:, j], pair.weight)
        limits = spearman_interval(rank, len(pair), level)
        subset = "" if T.shape[1] == 1 else f"output={j}"
        lines.append(row("spearman", rank, *limits, n=len(pair), method="fisher z", **pair.names(subset)))
    return frame(lines)
