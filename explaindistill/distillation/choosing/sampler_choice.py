"""Which made-up rows a student gains from: samplers compete on real rows that neither they nor the student saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.folds import content_rank
from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets
from explaindistill.protocols import Draw

__all__ = ["SamplerChoice", "SamplerContest"]

Floats = NDArray[np.float64]
Predict = Callable[[pd.DataFrame], NDArray[Any]]

FOLDS = 3
FEWEST = 30
"""Distinct real rows from which samplers compete: a third of fewer says nothing."""
MOST = 20_000
"""Distinct real rows that take part, drawn by content: on so many a share of equal decisions has a standard error of
.35 points at most, and the contest stays a few times as long as the fit that it serves."""
BEHIND = 2.0
"""Standard errors of the paired difference by which a sampler alone, or no made-up row at all, must beat both samplers
together: a one-sided 2.3 %. On the development sets (2,000 rows at most, trees of 16 leaves) the best held-out score
alone won .8 points over no sampler, and both samplers without any choice .9."""
BOTH, NONE = "both", "none"
FIGURES = ("score", "ahead", "ahead_low", "ahead_high")


@dataclass(frozen=True)
class SamplerChoice:
    """What came of a contest.

    Attributes
    ----------
    name : str
        "both", "none", or the name of the sampler that won alone.
    sampler : Sampler or None
        One that makes such rows, unfitted; None for no made-up rows.
    used : ndarray of bool, shape (n,)
        Rows of the targets that the student is fitted to: the real ones, and the winner's.
    frame : DataFrame
        A line per candidate: ``sampler``; ``n_made``, its rows; ``n``, distinct real rows that were held out;
        ``score``, the share of them on which teacher and student decide alike, or R²; ``ahead``, its score less that
        of both samplers together, with ``ahead_low`` and ``ahead_high`` (95 %, of one comparison); ``chosen``. Scores
        are NaN where too few rows were given to hold any out.
    """

    name: str
    sampler: Any
    used: NDArray[np.bool_]
    frame: pd.DataFrame

    def words(self) -> str:
        """One line for the record of the corpus."""
        if not self.frame["n"].iloc[0]:
            return f"{self.name}: too few real rows to hold any out"
        each = ", ".join(f"{s} {v:.3f}" for s, v in zip(self.frame["sampler"], self.frame["score"], strict=True))
        return (
            f"{self.name}, by held-out {self.frame.attrs['metric']} ({each}; {self.frame['n'].iloc[0]:,} rows): both "
            f"unless another is ahead by {BEHIND:g} standard errors"
        )


@dataclass(eq=False)
class SamplerContest:
    """A sampler that draws for all who compete, and afterwards says who won.

    For each fold of the real rows half of its share of made-up rows comes from :class:`MungeSampler`, half from
    :class:`CopulaSampler`, both fitted without that fold. A student is fitted without each fold in turn: to the rows of
    one sampler, of the other, of both, of none. Both together win unless another is better by more than chance, and
    then no question was asked in vain.

    Attributes
    ----------
    folds_, takes_part_ : ndarrays of shape (n,)
        After :meth:`fit`: the fold of each real row, -1 where there are too few; whether it takes part.
    maker, fold : ndarrays of int, shape (m,)
        After :meth:`draw`: which sampler made a row (0 or 1), and the fold that it did not see; -1 where it saw all.

    Examples
    --------
    >>> X = pd.DataFrame({"x": np.arange(90.0)})
    >>> contest = SamplerContest().fit(X)
    >>> len(contest.draw(60, np.random.default_rng(0)).rows), np.bincount(contest.fold).tolist()
    (60, [20, 20, 20])
    """

    maker: NDArray[np.intp] = field(init=False)
    fold: NDArray[np.intp] = field(init=False)

    def fit(self, X: Any, schema: Schema | None = None) -> SamplerContest:
        """Keep the rows; ``schema`` is inferred when None."""
        self.schema_ = Schema.infer(X) if schema is None else schema
        self.rows_ = self.schema_.frame(X)
        rank = content_rank(self.rows_)
        self.folds_ = rank % FOLDS if rank.max() + 1 >= FEWEST else np.full(len(rank), -1)
        self.takes_part_ = rank < MOST
        return self

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows."""
        return self.draw(n, rng).rows

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows; sets ``maker`` and ``fold``."""
        folds = np.unique(self.folds_)
        shares = [len(share) for share in np.array_split(np.arange(n), 2 * len(folds))]
        packs, makers, unseen = [], [], []
        for i, share in enumerate(shares):
            if not share:
                continue
            fold, maker = int(folds[i // 2]), i % 2
            at = np.flatnonzero((self.folds_ != fold) | (fold < 0))
            drawn = _samplers()[maker].fit(self.rows_.iloc[at].reset_index(drop=True), self.schema_).draw(share, rng)
            parents = np.where(drawn.parents >= 0, at[np.maximum(drawn.parents, 0)], -1)
            packs.append(Draw(drawn.rows, np.hstack([parents, -np.ones_like(parents)])[:, :2], drawn.observed))
            makers.append(np.full(share, maker))
            unseen.append(np.full(share, fold))
        self.maker, self.fold = np.concatenate(makers), np.concatenate(unseen)
        rows = pd.concat([p.rows for p in packs], ignore_index=True)
        return Draw(rows, np.vstack([p.parents for p in packs]), np.concatenate([p.observed for p in packs]))

    def __sklearn_clone__(self) -> SamplerContest:
        return self

    def chosen(self, targets: SoftTargets, keyed: KeyedRows, fit: Callable[[SoftTargets], Predict]) -> SamplerChoice:
        """Let the samplers compete, and choose.

        Parameters
        ----------
        targets : SoftTargets
            The real rows in the order in which they were given to :meth:`fit`, then the rows of :meth:`draw`.
        keyed : KeyedRows
            The same rows.
        fit : callable
            From targets to a fitted student's answers: classes ``(n,)``, or values ``(n,)`` or ``(n, m)``.
        """
        n_real = len(self.folds_)
        made_up = np.arange(len(targets)) >= n_real
        maker = np.concatenate([np.full(n_real, -1), self.maker])
        names = [type(s).__name__ for s in _samplers()]
        uses = {BOTH: np.ones(len(maker), dtype=bool), NONE: maker < 0}
        uses |= {name: (maker < 0) | (maker == i) for i, name in enumerate(names)}
        exam = _HeldOut.of(targets, keyed, np.concatenate([self.folds_, self.fold]), self.takes_part_)
        held = bool((self.folds_ >= 0).any())
        scores = {name: exam.scores(used, fit) for name, used in uses.items()} if held else {}
        frame = _compared(scores, exam, {name: int((used & made_up).sum()) for name, used in uses.items()})
        name = str(frame.loc[frame["chosen"], "sampler"].item())
        return SamplerChoice(name, _sampler_of(name), uses[name], frame)


def _samplers() -> tuple[Any, Any]:
    from explaindistill.samplers.copula import CopulaSampler
    from explaindistill.samplers.munge import MungeSampler

    return MungeSampler(), CopulaSampler()


def _sampler_of(name: str) -> Any:
    """One sampler that makes such rows."""
    from explaindistill.samplers.mixed import MixedSampler

    if name == BOTH:
        return MixedSampler()
    return next((s for s in _samplers() if type(s).__name__ == name), None)


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """Real rows, each distinct one counted once with the weight of all that equal it, held out fold by fold.

    Attributes
    ----------
    fold : ndarray of int, shape (n,)
        Of a real row the fold that it is in, of a made-up one the fold that it did not see.
    takes_part : ndarray of bool, shape (n_real,)
    rows : ndarray of int, shape (r,)
        First positions of the distinct real rows that take part.
    weight : ndarray, shape (r,)
    """

    targets: SoftTargets
    keyed: KeyedRows
    fold: NDArray[np.intp]
    takes_part: NDArray[np.bool_]
    rows: NDArray[np.intp]
    weight: Floats

    @classmethod
    def of(
        cls, targets: SoftTargets, keyed: KeyedRows, fold: NDArray[np.intp], takes_part: NDArray[np.bool_]
    ) -> _HeldOut:
        """The real rows come first and are as many as ``takes_part``."""
        n_real = len(takes_part)
        rows = keyed.first[keyed.first < n_real]
        rows = rows[takes_part[rows]]
        total = np.bincount(keyed.number[:n_real], targets.weight[:n_real])
        return cls(targets, keyed, fold, takes_part, rows, total[keyed.number[rows]].astype(float))

    def scores(self, used: NDArray[np.bool_], fit: Callable[[SoftTargets], Predict]) -> Floats:
        """Score of each held-out row, higher is better, of students fitted to the rows that are used."""
        out = np.empty(len(self.rows))
        for k in range(FOLDS):
            held = np.flatnonzero(self.fold[self.rows] == k)
            exam = self.targets.take(self.rows[held])
            out[held] = _score(exam, fit(self.targets.take(self._fitted(used, k)))(exam.X))
        return out

    def _fitted(self, used: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
        """Real rows outside fold k and made-up rows that did not see it, of both the share that takes part.

        A made-up row that chance made equal to a held-out one is not among them.
        """
        n_real = len(self.takes_part)
        real = np.flatnonzero(self.takes_part & (self.fold[:n_real] != k))
        made_up = n_real + np.flatnonzero(used[n_real:] & (self.fold[n_real:] == k))
        share = float(self.takes_part.mean())
        made_up = made_up[np.arange(len(made_up)) * share % 1 < share]  # evenly spread over both samplers
        held = self.rows[self.fold[self.rows] == k]
        return np.concatenate([real, made_up[~np.isin(self.keyed.number[made_up], self.keyed.number[held])]])


def _score(exam: SoftTargets, answer: NDArray[Any]) -> Floats:
    """1 where teacher and student decide alike, else 0; in regression minus the squared error."""
    if exam.classes is None:
        values = np.asarray(answer, dtype=float).reshape(len(exam), -1)
        return np.asarray(-((values - exam.P.reshape(len(exam), -1)) ** 2).sum(axis=1))
    return (np.asarray(answer).ravel() == exam.classes[exam.P.argmax(axis=1)]).astype(float)


def _compared(scores: dict[str, Floats], exam: _HeldOut, n_made: dict[str, int]) -> pd.DataFrame:
    """A line per candidate, and the one that is chosen."""
    share = exam.weight / exam.weight.sum()
    lines, beyond = [], {}
    for name, n in n_made.items():
        if not scores:
            lines.append({"sampler": name, "n_made": n, "n": 0, **dict.fromkeys(FIGURES, np.nan)})
            continue
        gain = scores[name] - scores[BOTH]
        ahead = float(share @ gain)
        error = float(np.sqrt(share**2 @ (gain - ahead) ** 2))
        beyond[name] = ahead if ahead > BEHIND * error else 0.0
        figures = (float(share @ scores[name]), ahead, ahead - 1.96 * error, ahead + 1.96 * error)
        lines.append({"sampler": name, "n_made": n, "n": len(exam.rows), **dict(zip(FIGURES, figures, strict=True))})
    frame = pd.DataFrame(lines)
    # of equals the first, which is both
    frame["chosen"] = frame["sampler"] == max(n_made, key=lambda name: beyond.get(name, 0.0))
    frame.attrs["metric"] = "agreement"
    if exam.targets.classes is None:
        frame.attrs["metric"] = "R²"
        Y = exam.targets.P[exam.rows].reshape(len(exam.rows), -1)
        spread = float(share @ ((Y - share @ Y) ** 2).sum(axis=1))
        frame[list(FIGURES)] /= spread if spread > 0 else np.nan
        frame["score"] += 1
    return frame
