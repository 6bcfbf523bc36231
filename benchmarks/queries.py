"""What an eighth of the teacher's answers costs, with and without a proxy for the rest of the corpus.

Corpora are the same throughout: the real rows at hand and made-up ones, five times as many in all. ``full`` has every
row answered by the teacher; ``random`` has an eighth of the answers, ``asked`` as many and a proxy for the rest. Which
rows are asked is what the how-to advises: random ones for trees, those a committee disagrees on for additive models.
Teachers are torch networks; agreement is counted on rows that nobody saw: ``--on validation`` while tuning, ``--on
test`` (the default) for the figures.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

import _data
import numpy as np
import pandas as pd
from _bars import Bars, kept, options, storing
from _teachers import Network
from rich.console import Console

from explaindistill import GAMClassifier, TreeClassifier
from explaindistill.data.schema import Schema
from explaindistill.distillation.corpus import QueryPlan, compose
from explaindistill.distillation.made_rows import FitRows
from explaindistill.teachers.callable import CallableTeacher

SETS = ("adult", "heloc", "acs", "german", "digits", "breast_cancer", "wine")
CAP = 4_000
SHARE = 8
TOLERANCE = {"tree": 0.5, "GA2M": 0.3}
WORTH = 0.5


@dataclass(frozen=True)
class Case:
    """One teacher with the rows it learnt from and rows that nobody saw."""

    teacher: CallableTeacher
    train: pd.DataFrame
    held: pd.DataFrame


def case(name: str, seed: int, on: str, cap: int) -> Case:
    """Split 60/20/20; at most ``cap`` rows to learn from."""
    data = _data.load(name)
    order = np.random.default_rng(seed).permutation(len(data.X))
    a, b = int(0.6 * len(order)), int(0.8 * len(order))
    train, held = order[:a][:cap], order[a:b] if on == "validation" else order[b:]
    net = Network(seed=seed).fit(data.X.iloc[train], data.y.iloc[train])
    teacher = CallableTeacher(net.predict_proba, classes=net.classes_)
    return Case(teacher, data.X.iloc[train].reset_index(drop=True), data.X.iloc[held].reset_index(drop=True))


def students(n_classes: int) -> dict[str, object]:
    """The students of the bars; several classes get fewer pairs since each has a surface per class."""
    pairs = {2: 10}.get(n_classes, 5 if n_classes < 5 else 0)
    return {
        "tree, 16 leaves": TreeClassifier(16),
        "tree, 32 leaves": TreeClassifier(32),
        "GA2M": GAMClassifier(n_pairs=pairs, random_state=0),
    }


def agreements(c: Case, seed: int, names: list[str], **asking: object) -> dict[str, float]:
    """Per cent of agreement on the held rows, per student."""
    schema = Schema.infer(c.train)
    rows = FitRows.of(schema.frame(c.train), schema)
    targets = compose(c.teacher, rows, QueryPlan(**asking), seed=seed).targets
    truth = c.teacher.predict(c.held)
    P = pd.DataFrame(targets.P, columns=targets.classes)
    out = {}
    for name, student in students(len(targets.classes)).items():
        if name in names:
            student.fit(schema.restore(targets.X), P, sample_weight=targets.weight)
            out[name] = 100 * float((student.predict(c.held) == truth).mean())
    return out


def cell(name: str, seed: int, on: str, cap: int, proxy: str | None, strategy: str) -> list[dict[str, object]]:
    """One line per student: agreement with all answers, with a random eighth, and with the chosen way."""
    c = case(name, seed, on, cap)
    n = 5 * len(c.train)
    # an additive model of ten classes and 64 columns takes minutes: the trees stand for digits
    names = [s for s in students(2) if name != "digits" or s != "GA2M"]
    full = agreements(c, seed, names, n_queries=n)
    random = agreements(c, seed, names, n_queries=n // SHARE)
    lines = []
    for chosen in dict.fromkeys(strategies(names, strategy).values()):
        own = [s for s in names if strategies(names, strategy)[s] == chosen]
        ours = agreements(c, seed, own, n_queries=n // SHARE, proxy=proxy, query_strategy=chosen)
        lines += [
            {"set": name, "seed": seed, "student": s, "full": full[s], "random": random[s], "asked": ours[s]}
            for s in own
        ]
    return lines


def strategies(names: list[str], strategy: str) -> dict[str, str]:
    """Strategy per student; "advised" is what the how-to says: chosen rows for an additive model only."""
    advised = {s: "committee" if s == "GA2M" else "random" for s in names}
    return advised if strategy == "advised" else dict.fromkeys(names, strategy)


def judge(frame: pd.DataFrame, bars: Bars) -> None:
    """Mean losses against the bars, and per set against what a random eighth loses."""
    frame = frame.assign(lost=frame["full"] - frame["asked"], lost_random=frame["full"] - frame["random"])
    for student, rows in frame.groupby("student", sort=False):
        asked = TOLERANCE["GA2M" if student == "GA2M" else "tree"]
        note = f"(a random eighth without proxy: {rows['lost_random'].mean():.2f})"
        bars.at_most(f"{student}: mean loss of agreement", asked, rows["lost"].mean(), " pp", note)
        for name, part in rows.groupby("set", sort=False):
            lost, random = part["lost"].mean(), part["lost_random"].mean()
            spread = part["lost"].std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else np.nan
            words = f"{lost:.2f} ± {spread:.2f} pp; random {random:.2f}; full {part['full'].mean():.1f} %"
            holds = bool(lost <= random / 2) if random > WORTH else None
            bars.add(f"{student}, {name}: loss", "<= half of random" if random > WORTH else "reported", words, holds)


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--on", choices=("validation", "test"), default="test")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--proxy", default="auto")
    parser.add_argument("--strategy", choices=("advised", "random", "committee", "boundary"), default="advised")
    storing(parser)
    args = parser.parse_args(argv)
    seeds, cap = (1, 200) if args.quick else (args.seeds, CAP)
    proxy = None if args.proxy == "none" else args.proxy
    store = None if args.quick else args.store
    parts = [
        kept(
            store,
            f"{args.on}-{args.proxy}-{args.strategy}-{name}-{seed}",
            partial(cell, name, seed, args.on, cap, proxy, args.strategy),
        )
        for seed in range(seeds)
        for name in args.sets
    ]
    frame = pd.concat(parts, ignore_index=True)
    bars = Bars(f"an eighth of the answers: {args.strategy} rows, proxy {args.proxy}, {seeds} seeds, {args.on} rows")
    judge(frame, bars)
    Console(width=160).print(frame.groupby(["student", "set"], sort=False)[["full", "random", "asked"]].mean().round(2))
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
