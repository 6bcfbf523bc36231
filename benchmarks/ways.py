"""Every way of distilling against plain distillation: five seeds, four data sets, a network as teacher.

Plain distillation is a tree of 16 leaves, taught by a torch network of two hidden layers. Each way changes one thing,
and is held against plain distillation on the same rows and seed: gain of agreement with the teacher and of accuracy
against the true labels, in points, with Student's interval over data sets and seeds. A way whose interval reaches below
0 is not a default. The second part attacks students with shadow models.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _bars import Bars, options
from _data import load
from _teachers import Network, encoder
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import explaindistill as xd
from explaindistill.compression import compress
from explaindistill.deferring import DeferringClassifier
from explaindistill.lineage import lineage
from explaindistill.measures.membership import membership_inference
from explaindistill.refining import refine
from explaindistill.samplers.munge import MungeSampler
from explaindistill.teachers.ensemble import EnsembleTeacher
from explaindistill.teachers.estimator import EstimatorTeacher
from explaindistill.teachers.pate import PateTeacher
from explaindistill.teachers.torch import TorchTeacher
from explaindistill.ways.hint_columns import HintColumns
from explaindistill.ways.probe_weights import ProbeWeights
from explaindistill.ways.relations import SharedAnswers
from explaindistill.ways.synthetic_only import SyntheticOnly

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
    y = data.y.astype(str).to_numpy()
    order = np.random.default_rng(seed).permutation(len(y))
    a, b = order[: 2 * len(y) // 3], order[2 * len(y) // 3 :]
    X, X_test = (data.X.iloc[rows].reset_index(drop=True) for rows in (a, b))
    asked = {"n_queries": 2 * len(a), "random_state": seed}
    return Case(name, seed, X, y[a], X_test, y[b], network(X, y[a], seed), asked)


def scored(c: Case, predict: Callable[[pd.DataFrame], np.ndarray], teacher: Any = None) -> tuple[float, float]:
    """Agreement with the teacher, and accuracy, in points."""
    said = np.asarray(predict(c.X_test))
    truth = (teacher or c.teacher).predict(c.X_test)
    return 100 * float((said == truth).mean()), 100 * float((said == c.y_test).mean())


def ways(c: Case) -> Iterator[tuple[str, tuple[float, float], str]]:
    """Each way: its name, its two figures, and a remark."""
    plain = c.plain()
    yield "plain", scored(c, plain.predict), ""
    yield "probe weights", scored(c, c.plain(ways=[ProbeWeights()]).predict), ""
    yield "shared answers (a = 0.3)", scored(c, c.plain(ways=[SharedAnswers(0.3)]).predict), ""
    hints = c.plain(features=HintColumns(c.teacher))
    yield "hint columns", scored(c, hints.predict), f"{len(hints.features_.explainers_)} hints"
    private = c.plain(ways=[SyntheticOnly()], sampler=MungeSampler(private=True), n_queries=3 * len(c.X))
    yield "made-up rows only", scored(c, private.predict), ""
    path = lineage(c.teacher, [xd.TreeClassifier(n) for n in (64, 32, LEAVES)], c.X, X_test=c.X_test, **c.asked)
    yield "path 64, 32, 16 leaves", scored(c, path.students[-1].predict), ""
    again = lineage(c.teacher, [c.tree()] * 3, c.X, X_test=c.X_test, **c.asked)
    yield "born again, third generation", scored(c, again.students[-1].predict), ""
    yield from several(c)
    yield from afterwards(c, plain)


def several(c: Case) -> Iterator[tuple[str, tuple[float, float], str]]:
    """Students of several teachers: agreement is with their own teacher."""
    others = [network(c.X, c.y, 100 + c.seed + i) for i in range(2)]
    pool = EnsembleTeacher([c.teacher, *others])
    yield "three teachers, mean", scored(c, xd.Distiller(pool, c.tree(), **c.asked).fit(c.X).predict, pool), ""
    parts = np.array_split(np.random.default_rng(c.seed).permutation(len(c.X)), 40)

    def voter(at: np.ndarray) -> Any:
        return EstimatorTeacher(make_pipeline(encoder(), LogisticRegression(max_iter=300)).fit(c.X.iloc[at], c.y[at]))

    known = set(c.y)
    voters = [voter(at) for at in parts if set(c.y[at]) == known]
    if len(voters) >= 20:
        vote = PateTeacher(voters, noise_scale=8.0, seed=c.seed)
        taught = xd.Distiller(vote, c.tree(), n_queries=min(500, len(c.X)), random_state=c.seed).fit(c.X)
        yield "private vote of 40 (sigma 8)", scored(c, taught.predict), f"eps {vote.epsilon:.0f} at 1e-5"


def afterwards(c: Case, plain: xd.Distiller) -> Iterator[tuple[str, tuple[float, float], str]]:
    """What is done to a student once it is fitted."""
    moved = refine(plain.student_, c.X, c.y, P=c.teacher.predict_proba(c.X), max_loss=0.01, random_state=c.seed)
    yield "refined by labels (loss <= 1 point)", scored(c, moved.student.predict), f"strength {moved.strength:.1f}"
    small = compress(plain.student_, c.X, c.teacher.predict_proba(c.X), max_loss=0.01)
    yield "compressed (loss <= 1 point)", scored(c, small.student.predict), ""
    pair = DeferringClassifier(plain.student_, c.teacher, coverage=0.8).fit(c.X)
    yield "deferring a fifth to the teacher", scored(c, pair.predict), f"{pair.answered(c.X_test).mean():.2f} answered"


def attacked(name: str, seed: int, rows: int, bars: Bars) -> None:
    """Shadow models against a student with leaves of 20 rows, one that learnt by heart, and the teacher."""
    data = load(name, rows, seed)
    X, y = data.X, data.y.astype(str).to_numpy()
    teacher = network(X, y, seed)
    P = teacher.predict_proba(X)
    classes = teacher.classes_
    truth = (y[:, None] == classes[None, :]).astype(float)

    def student(P: np.ndarray, **tree: Any) -> Callable[[np.ndarray, int], Any]:
        def fit(at: np.ndarray, seed: int) -> Any:
            grown = xd.TreeClassifier(classes=list(classes), **tree).fit(X.iloc[at], P[at])
            return grown.predict_proba

        return fit

    def net(at: np.ndarray, seed: int) -> Any:
        return network(X.iloc[at].reset_index(drop=True), y[at], seed).predict_proba

    spared = membership_inference(student(P, max_leaf_nodes=32, min_samples_leaf=20), X, P)
    caught = membership_inference(student(truth, max_leaf_nodes=len(X), min_samples_leaf=1), X, truth)
    first = spared.iloc[0]
    told = f"[{first.low:.3f}, {first.high:.3f}]"
    bars.at_most(f"{name}: attack on a student, leaves of 20 rows: AUC", 0.55, first.estimate, "", told)
    heart = caught.iloc[0]
    told = f"[{heart.low:.3f}, {heart.high:.3f}]"
    bars.at_least(f"{name}: attack on a student with leaves of 1 row: low end of AUC", 0.55, heart.low, "", told)
    own = membership_inference(net, X, truth, n_models=4 if rows < 2000 else 8, subject="teacher").iloc[0]
    told = f"{own.estimate:.3f} [{own.low:.3f}, {own.high:.3f}]"
    bars.add(f"{name}: attack on the teacher: AUC", "(shown)", told, None)


def main(argv: list[str]) -> int:
    """Measure, show the table, hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args(argv)
    sets, rows = (SETS, ROWS) if not args.quick else (("compas", "heloc"), 900)
    seeds = 1 if args.quick else args.seeds
    warnings.filterwarnings("ignore", module="sklearn")
    lines = []
    for name in sets:
        for seed in range(seeds):
            c = case(name, seed, rows)
            for way, (agreement, accuracy), remark in ways(c):
                line = {"data": name, "seed": seed, "way": way, "remark": remark}
                lines.append(line | {"agreement": agreement, "accuracy": accuracy})
    frame = pd.DataFrame(lines)
    bars = Bars(f"ways of distilling, {seeds} seeds, {len(sets)} data sets, trees of {LEAVES} leaves")
    compared(frame, bars)
    for name in ("adult", "heloc") if not args.quick else ("heloc",):
        attacked(name, 0, 2_000 if not args.quick else 600, bars)
    return bars.finish(args)


def compared(frame: pd.DataFrame, bars: Bars) -> None:
    """Gains over plain distillation, paired by data set and seed."""
    print(frame.pivot_table(index="way", columns="data", values="agreement", sort=False).round(2).to_string(), "\n")
    wide = frame.pivot_table(index=["data", "seed"], columns="way", values=["agreement", "accuracy"], sort=False)
    for way in dict.fromkeys(frame["way"]):
        if way == "plain":
            continue
        told = []
        for metric in ("agreement", "accuracy"):
            gain = (wide[metric][way] - wide[metric]["plain"]).dropna()
            half = stats.t.ppf(0.975, max(len(gain) - 1, 1)) * gain.std() / np.sqrt(len(gain))
            told.append(f"{gain.mean():+.2f} [{gain.mean() - half:+.2f}, {gain.mean() + half:+.2f}]")
        remark = next((r for r in frame[frame["way"] == way]["remark"] if r), "")
        text = f"agreement {told[0]}, accuracy {told[1]}" + (f" ({remark})" if remark else "")
        bars.add(f"{way} − plain, points", "(shown)", text, None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
