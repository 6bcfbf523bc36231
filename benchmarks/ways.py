"""Every way of distilling against plain distillation: five seeds, four data sets, a network as teacher.

Plain distillation is a tree of 16 leaves, taught by a torch network of two hidden layers. Each way changes one thing,
and is held against what it would replace on the same rows and seed: gain of agreement with the teacher and of accuracy
against the true labels, in points, with Student's interval over the cells of data set and seed. A way whose interval
reaches below 0 is not a default. Cells are measured seed by seed; with ``--store`` a stopped run goes on.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from _bars import Bars, kept, options, storing
from _data import load
from _teachers import Network, encoder
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import explaindistill as xd
from explaindistill.distillation.compression import compress
from explaindistill.distillation.refining import refine
from explaindistill.distillation.studies.lineages import lineage
from explaindistill.distillation.ways.hint_columns import HintColumns
from explaindistill.distillation.ways.probe_weights import ProbeWeights
from explaindistill.distillation.ways.relations import SharedAnswers
from explaindistill.distillation.ways.synthetic_only import SyntheticOnly
from explaindistill.distillation.wrappers.deferring import DeferringClassifier
from explaindistill.distillation.wrappers.online import OnlineStudent
from explaindistill.distillation.wrappers.regions import RegionClassifier
from explaindistill.samplers.munge import MungeSampler
from explaindistill.samplers.observed import ObservedSampler
from explaindistill.teachers.ensemble import EnsembleTeacher
from explaindistill.teachers.estimator import EstimatorTeacher
from explaindistill.teachers.pate import PateTeacher
from explaindistill.teachers.torch import TorchTeacher

SETS = ("adult", "heloc", "compas", "digits")
LEAVES = 16
ROWS = 4_000


@dataclass(frozen=True)
class Case:
    """Rows, labels and a teacher of one data set and seed; ``asked`` are the options of all distillers."""

    name: str
    seed: int
    X: pd.DataFrame
    y: np.ndarray
    X_test: pd.DataFrame
    y_test: np.ndarray
    teacher: TorchTeacher
    asked: dict[str, Any]

    def tree(self) -> Any:
        """The student that all ways are tried on."""
        return xd.TreeClassifier(max_leaf_nodes=LEAVES)

    def plain(self, **changes: Any) -> xd.Distiller:
        """A distiller with some options changed."""
        return xd.Distiller(self.teacher, self.tree(), **(self.asked | changes)).fit(self.X)


def network(X: pd.DataFrame, y: np.ndarray, seed: int) -> TorchTeacher:
    """A trained network whose hidden layers can be asked."""
    net = Network(seed=seed).fit(X, y)
    return TorchTeacher(net.net, preprocess=net.encoder.transform, classes=list(net.classes_), hidden=["1", "3"])


def case(name: str, seed: int, rows: int) -> Case:
    """Two thirds of at most ``rows`` rows to fit on, the rest to measure on."""
    data = load(name, rows, seed)
    # compas: whoever is charged within two years is charged at all, and the other way round
    frame = data.X.drop(columns="is_recid", errors="ignore")
    y = data.y.astype(str).to_numpy()
    order = np.random.default_rng(seed).permutation(len(y))
    a, b = order[: 2 * len(y) // 3], order[2 * len(y) // 3 :]
    X, X_test = (frame.iloc[at].reset_index(drop=True) for at in (a, b))
    asked = {"n_queries": 2 * len(a), "random_state": seed}
    return Case(name, seed, X, y[a], X_test, y[b], network(X, y[a], seed), asked)


@dataclass(frozen=True)
class Tried:
    """A way, what it is held against, how to predict, and whose decisions count (the case's teacher when None)."""

    way: str
    against: str
    predict: Callable[[pd.DataFrame], np.ndarray]
    remark: str = ""
    teacher: Any = None

    def line(self, c: Case) -> dict[str, Any]:
        """Agreement with the teacher, and accuracy, in points, on rows that nothing was fitted to."""
        said = np.asarray(self.predict(c.X_test))
        truth = (self.teacher or c.teacher).predict(c.X_test)
        figures = {"agreement": 100 * float((said == truth).mean()), "accuracy": 100 * float((said == c.y_test).mean())}
        return {"way": self.way, "against": self.against, "remark": self.remark} | figures


def cell(name: str, seed: int, rows: int) -> list[dict[str, Any]]:
    """All ways on one data set and seed."""
    c = case(name, seed, rows)
    plain = c.plain()
    tried = [Tried("plain", "", plain.predict)]
    for part in (taught(c), from_students(c), several(c), by_vote(c), as_stream(c), afterwards(c, plain)):
        tried += part
    return [{"data": name, "seed": seed} | t.line(c) for t in tried]


def taught(c: Case) -> Iterator[Tried]:
    """What changes the rows, answers, weights or columns that the student learns from."""
    yield Tried("probe weights", "plain", c.plain(ways=[ProbeWeights()]).predict)
    yield Tried("shared answers (0.3)", "plain", c.plain(ways=[SharedAnswers(0.3)]).predict)
    hints = c.plain(features=HintColumns(c.teacher))
    remark = f"{len(hints.features_.explainers_)} additive models more"
    yield Tried("hint columns", "plain", hints.predict, remark)
    additive = xd.Distiller(c.teacher, xd.GAMClassifier(), **c.asked).fit(c.X)
    yield Tried("an additive student", "plain", additive.predict)
    yield Tried("hint columns, once more", "an additive student", hints.predict, remark)
    private = c.plain(ways=[SyntheticOnly()], sampler=MungeSampler(private=True), n_queries=3 * len(c.X))
    yield Tried("made-up rows only", "plain", private.predict)
    mixed = xd.Distiller(c.teacher, c.tree(), label_weight=0.3, **c.asked).fit(c.X, c.y)
    yield Tried("true labels mixed in (0.3)", "plain", mixed.predict)


def from_students(c: Case) -> Iterator[Tried]:
    """Students that learn from students."""
    path = lineage(c.teacher, [xd.TreeClassifier(n) for n in (64, 32, LEAVES)], c.X, X_test=c.X_test, **c.asked)
    yield Tried("path 64, 32, 16 leaves", "plain", path.students[-1].predict)
    again = lineage(c.teacher, [c.tree()] * 3, c.X, X_test=c.X_test, **c.asked)
    yield Tried("born again, third generation", "plain", again.students[-1].predict)


def several(c: Case) -> Iterator[Tried]:
    """Students of three teachers: agreement is with their mean."""
    others = [network(c.X, c.y, 100 + c.seed + i) for i in range(2)]
    pool = EnsembleTeacher([c.teacher, *others])
    mean = xd.Distiller(pool, c.tree(), **c.asked).fit(c.X)
    yield Tried("three teachers, mean", "plain", mean.predict, teacher=pool)
    real = {"sampler": ObservedSampler(), "n_queries": len(c.X), "random_state": c.seed}
    # a router of 4 leaves and two students are as large as the one tree
    for own, all_leaves in ((6, 16), (16, 36)):
        name = f"three teachers, rows alone, {all_leaves} leaves"
        alone = xd.Distiller(pool, xd.TreeClassifier(all_leaves), **real).fit(c.X)
        yield Tried(name, "", alone.predict, teacher=pool)
        regions = RegionClassifier(pool, xd.TreeClassifier(own), router=xd.TreeClassifier(4)).fit(c.X)
        yield Tried(f"a student per region, {all_leaves} leaves in all", name, regions.predict, "", pool)


def by_vote(c: Case) -> Iterator[Tried]:
    """A vote of 40 teachers, each of whom saw a fortieth of the rows, with noise and without."""
    parts = np.array_split(np.random.default_rng(c.seed).permutation(len(c.X)), 40)
    known = set(c.y)
    voters = [
        EstimatorTeacher(make_pipeline(encoder(), LogisticRegression(max_iter=300)).fit(c.X.iloc[at], c.y[at]))
        for at in parts
        if set(c.y[at]) == known
    ]
    if len(voters) < 20:
        return
    asked = {"n_queries": min(500, len(c.X)), "random_state": c.seed}
    for name, against, scale in (("vote of 40, no noise", "plain", 1e-3), ("private vote of 40", "", 8.0)):
        vote = PateTeacher(voters, noise_scale=scale, seed=c.seed)
        student = xd.Distiller(vote, c.tree(), **asked).fit(c.X)
        remark = f"sigma 8, eps {vote.epsilon:.0f} at 1e-5" if scale > 1 else "500 questions"
        yield Tried(name, against or "vote of 40, no noise", student.predict, remark)


def as_stream(c: Case) -> Iterator[Tried]:
    """Rows that arrive bit by bit, against a fit to all of them at once."""
    P = c.teacher.predict_proba(c.X)
    classes = list(c.teacher.classes_)
    yield Tried("rows alone", "plain", xd.TreeClassifier(LEAVES, classes=classes).fit(c.X, P).predict)
    online = OnlineStudent(c.tree(), block_rows=100, classes=classes, random_state=c.seed)
    for start in range(0, len(c.X), 100):
        online.update(c.X[start : start + 100], P[start : start + 100])
    fits = (online.history_["event"] == "fit").sum()
    yield Tried("online, chunks of 100", "rows alone", online.predict, f"{fits} fits")


def afterwards(c: Case, plain: xd.Distiller) -> Iterator[Tried]:
    """What is done to a student once it is fitted."""
    P = c.teacher.predict_proba(c.X)
    moved = refine(plain.student_, c.X, c.y, P=P, max_loss=0.01, random_state=c.seed)
    yield Tried("refined by labels (loss <= 1 point)", "plain", moved.student.predict, f"strength {moved.strength:.1f}")
    small = compress(plain.student_, c.X, P, max_loss=0.01)
    share = small.steps["bytes"].iloc[-1] / small.steps["bytes"].iloc[0]
    yield Tried("compressed (loss <= 1 point)", "plain", small.student.predict, f"{100 * share:.0f} % of the bytes")
    pair = DeferringClassifier(plain.student_, c.teacher, coverage=0.8).fit(c.X)
    share = pair.answered(c.X_test).mean()
    yield Tried("deferring a fifth to the teacher", "plain", pair.predict, f"{100 * share:.0f} % answered alone")


def main(argv: list[str]) -> int:
    """Measure, show the table, hold against the bars."""
    parser = options(__doc__ or "")
    storing(parser)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args(argv)
    sets, rows, seeds = (["compas", "heloc"], 900, 1) if args.quick else (args.sets, ROWS, args.seeds)
    store = None if args.quick else args.store
    warnings.filterwarnings("ignore", module="sklearn")
    frames = [kept(store, f"{k}-{s}", partial(cell, k, s, rows)) for s in range(seeds) for k in sets]
    bars = Bars(f"ways of distilling, {seeds} seeds, {', '.join(sets)}, trees of {LEAVES} leaves")
    compared(pd.concat(frames, ignore_index=True), bars)
    return bars.finish(args)


def compared(frame: pd.DataFrame, bars: Bars) -> None:
    """Gains over what each way is held against, paired by data set and seed."""
    print(frame.pivot_table(index="way", columns="data", values="agreement", sort=False).round(2).to_string(), "\n")
    at = ["data", "seed"]
    for (way, against), part in frame[frame["against"].fillna("") != ""].groupby(["way", "against"], sort=False):
        pairs = part.merge(frame[frame["way"] == against], on=at, suffixes=("", "_of_other"))
        told = []
        for metric in ("agreement", "accuracy"):
            gain = pairs[metric] - pairs[f"{metric}_of_other"]
            by_set = gain.groupby(pairs["data"]).mean()
            told.append(f"{metric} {interval(gain)}, by set {by_set.min():+.2f} to {by_set.max():+.2f}")
        remarks = part["remark"].dropna().astype(str)
        remark = f" ({remarks.iloc[0]})" if len(remarks) and remarks.iloc[0] else ""
        bars.add(f"{way}{remark} - {against}, points", "reported", f"{'; '.join(told)}; {len(pairs)} cells", None)


def interval(gain: pd.Series) -> str:
    """Mean with Student's interval, and what it says."""
    if len(gain) < 2:
        return f"{gain.mean():+.2f}"
    half = float(stats.t.ppf(0.975, len(gain) - 1) * gain.std() / np.sqrt(len(gain)))
    low, high = gain.mean() - half, gain.mean() + half
    word = "gains" if low > 0 else "costs" if high < 0 else "no difference shown"
    return f"{gain.mean():+.2f} [{low:+.2f}, {high:+.2f}] {word}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
