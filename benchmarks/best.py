"""``xd.best`` at 10 lines, 20 numbers and 5 columns: against the best family in hindsight, against peers, and its time.

Every rival of the competition is fitted to all rows within the same budget and measured on rows that nothing saw. *The
best family in hindsight* of a set is the rival with the highest mean over its cells; the loss of a cell is that rival's
agreement less that of the student which ``best`` chose. Beside it, reported: the best rival of each single cell, which
the luck of the test rows helped to its place. Seeds take the three kinds of teacher in turn. Peers are trees of as many
leaves as 20 numbers allow. Times are processor time, which a busy machine stretches little.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

# this folder last: its coverage.py must not hide the package of that name, which numba looks for
sys.path.append(sys.path.pop(0))

import numpy as np
import pandas as pd
from _bars import Bars, environment, kept, options
from _data import DEVELOPMENT, JUDGEMENT
from _digests import code_digest
from _teachers import TEACHERS
from families.tree import PACKAGES, SHARED, Case, figures, mean_interval, peers

import explaindistill as xd
from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.choosing.fitting import fit_within
from explaindistill.distillation.choosing.reading_budget import ReadingBudget
from explaindistill.distillation.choosing.rivals import rivals
from explaindistill.distillation.choosing.student_choice import ranked_columns
from explaindistill.samplers.observed import ObservedSampler
from explaindistill.teachers.callable import CallableTeacher

BUDGETS = {"10 lines": {"max_lines": 10}, "20 numbers": {"max_numbers": 20}, "5 columns": {"max_columns": 5}}
RESULTS = Path(__file__).with_name("results") / "best"
TIMED = ("acs", "credit_default", "page")
PEER_SIZES = {"pystreed": 8}  # it grows to a depth; 8 leaves are the most below 20 numbers


def chosen(case: Case, limits: dict[str, int]) -> Any:
    """What ``best`` fits to the rows alone, the answers at hand."""
    teacher = CallableTeacher(case.teacher.predict_proba, classes=case.teacher.classes_)
    return xd.best(teacher, case.X, **limits, n_queries=len(case.X), sampler=ObservedSampler(), random_state=0)


def agreements(case: Case) -> list[dict[str, Any]]:
    """Agreement of every rival on the test rows, per budget, and which one was chosen."""
    classes = case.teacher.classes_
    schema = Schema.infer(case.X)
    n = len(case.X)
    targets = SoftTargets(schema.frame(case.X), case.P, np.ones(n), np.full(n, "observed"), classes, n)
    view, lines = StudentView(schema), []
    for name, limits in BUDGETS.items():
        start = time.process_time()
        student = chosen(case, limits)
        seconds = time.process_time() - start
        table = student.candidates_
        winner = table.loc[table["chosen"], "student"].iloc[0]
        share = {winner: figures(case.P_test, student.predict_proba(case.X_test))["agreement"]}
        budget = ReadingBudget(**limits)
        columns = ranked_columns(targets, view, budget.max_columns)
        for rival in rivals(len(classes), budget, columns):
            if rival.name not in share and (fitted := fit_within(rival, targets, view, budget)) is not None:
                Q = fitted.student.predict_proba(fitted.view.restored(schema.frame(case.X_test)))
                wide = np.zeros(case.P_test.shape)
                wide[:, np.searchsorted(classes, fitted.student.classes_)] = Q
                share[rival.name] = figures(case.P_test, wide)["agreement"]
        lines += [
            {"budget": name, "student": rival, "agreement": value, "chosen": rival == winner, "seconds": seconds}
            for rival, value in share.items()
        ]
    return lines


def against(case: Case, package: str, folder: Path) -> list[dict[str, Any]]:
    """Agreement of a peer's trees of as many leaves as 20 numbers allow; nothing where it cannot be installed."""
    python = environment(SHARED.get(package, package), PACKAGES[package])
    if python is None:
        return []
    # a tree of s leaves and k classes has s - 1 thresholds and s (k - 1) values
    leaves = PEER_SIZES.get(package, 21 // len(case.teacher.classes_))
    return peers(case, package, python, folder, (max(leaves, 2),))


def times(name: str, n: int) -> list[dict[str, Any]]:
    """Processor seconds of ``best`` over those of one greedy tree of ten leaves on the same rows, after a first run."""
    case = Case(name, "boosted", 0, n * 3 // 2)
    tree = xd.TreeClassifier(max_leaf_nodes=10, search="greedy")

    def seconds(run: Any) -> float:
        start = time.process_time()
        run()
        return time.process_time() - start

    tree.fit(case.X, case.P)
    greedy = min(seconds(lambda: tree.fit(case.X, case.P)) for _ in range(3))
    for limits in BUDGETS.values():  # compiles
        chosen(case, limits)
    return [
        {"budget": budget, "n": len(case.X), "ratio": seconds(lambda limits=limits: chosen(case, limits)) / greedy}
        for budget, limits in BUDGETS.items()
    ]


def losses(frame: pd.DataFrame) -> pd.DataFrame:
    """Loss of each cell in points: to the rival that is best on the mean of its set, and to the best of the cell."""
    lines = []
    for (budget, data), cells in frame.groupby(["budget", "data"]):
        table = cells.pivot_table(index="seed", columns="student", values="agreement")
        whole = table.dropna(axis=1)  # a rival that kept to the budget in some cells only is no choice in hindsight
        family = whole.mean().idxmax()
        own = cells[cells["chosen"]].set_index("seed")["agreement"]
        for seed in table.index:
            lines.append(
                {"budget": budget, "data": data, "seed": seed, "family": family,
                 "loss": 100 * (whole.loc[seed, family] - own[seed]),
                 "loss_of_cell": 100 * (table.loc[seed].max() - own[seed])}
            )  # fmt: skip
    return pd.DataFrame(lines)


def bars(frame: pd.DataFrame, timed: pd.DataFrame, args: Namespace) -> int:
    """Hold the figures against the bars."""
    rows = frame[~frame["peer"]]
    table = losses(rows)
    kind = "development" if args.development else "judgement"
    result = Bars(f"best, {rows['seed'].nunique()} seeds, {rows['data'].nunique()} {kind} sets")
    for budget in BUDGETS:
        mine = table[table["budget"] == budget]
        by_set = mine.groupby("data")["loss"].agg(["mean", "std", "count"])
        low, high = mean_interval(by_set["mean"].to_numpy())
        result.at_most(f"{budget}: loss to the best family in hindsight, mean", 0.5, by_set["mean"].mean(), " points",
                       f"({low:+.2f} to {high:+.2f})")  # fmt: skip
        upper = by_set["mean"] + 1.96 * by_set["std"] / np.sqrt(by_set["count"])
        if upper.notna().all():
            result.at_most(f"{budget}: upper end of the worst set ({upper.idxmax()})", 1.5, upper.max(), " points")
        else:
            result.add(f"{budget}: upper end of the worst set", "<= 1.5 points", "needs two seeds", None)
        lucky = f"{mine.groupby('data')['loss_of_cell'].mean().mean():.2f} points"
        result.add(f"{budget}: loss to the best of each single cell, mean", "reported", lucky, None)
        result.add(f"{budget}: chosen", "reported", _counts(rows[rows["chosen"] & (rows["budget"] == budget)]), None)
        for family, share in by_family(rows[rows["budget"] == budget]).items():
            result.add(f"{budget}: agreement of {family}, mean of sets", "reported", f"{100 * share:.1f} %", None)
    for package in PACKAGES:
        _against_peer(result, frame, package)
    result.add("EBM at 20 numbers", "an opponent", "no form of 20 numbers", None)
    if timed.empty:
        result.add("time over one greedy tree, 10,000 rows", "<= 60 times", "not measured", None)
    for budget, ratios in timed.groupby("budget", sort=False)["ratio"]:
        n = int(timed["n"].median())
        result.at_most(
            f"{budget}: time over one greedy tree, {n:,} rows, median of sets", 60, ratios.median(), " times"
        )
        result.add(f"{budget}: the same, slowest set", "reported", f"{ratios.max():.0f} times", None)
    return result.finish(args)


def by_family(rows: pd.DataFrame) -> pd.Series:
    """Mean agreement over sets of each family that kept to the budget on all of them, and of what ``best`` chose.

    Of a family that competes in several forms it is the first, the plain one.
    """
    plain = rows[~rows["student"].str.contains(",")]
    table = plain.groupby(["student", "data"])["agreement"].mean().unstack()
    shares = table.dropna().mean(axis=1)
    chosen = rows[rows["chosen"]].groupby("data")["agreement"].mean().mean()
    return pd.concat([shares.sort_values(ascending=False), pd.Series({"what best chose": chosen})])


def _counts(rows: pd.DataFrame) -> str:
    counts = rows["student"].str.split(",").str[0].value_counts()
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def _against_peer(result: Bars, frame: pd.DataFrame, package: str) -> None:
    """``best`` at 20 numbers less a peer's trees, in the cells that both measured."""
    theirs = frame[frame["peer"] & (frame["package"] == package)]
    if theirs.empty:
        result.add(package, "an opponent", "not measured", None)
        return
    own = frame[frame["chosen"] & (frame["budget"] == "20 numbers")].set_index(["data", "seed"])["agreement"]
    for method, rows in theirs.groupby("student"):
        gap = 100 * (own - rows.set_index(["data", "seed"])["agreement"]).dropna().groupby("data")
        by_set = gap.agg(["mean", "std", "count"])
        result.at_least(
            f"20 numbers: best − {method}, mean of {len(by_set)} sets", 0.0, by_set["mean"].mean(), " points"
        )
        upper = by_set["mean"] + 1.96 * by_set["std"] / np.sqrt(by_set["count"])
        if upper.notna().any():
            result.at_least(f"the same, upper end of the worst set ({upper.idxmin()})", -0.2, upper.min(), " points")


def main(argv: list[str] | None = None) -> int:
    """Measure and hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=9, help="cells of each set; kinds of teacher take turns")
    parser.add_argument("--rows", type=int, default=6000, help="rows drawn of each set, a third of them to test on")
    parser.add_argument("--development", action="store_true", help="the sets that defaults are chosen on")
    parser.add_argument("--sets", nargs="+", default=None, choices=(*DEVELOPMENT, *JUDGEMENT))
    parser.add_argument("--peers", nargs="*", default=list(PACKAGES), choices=list(PACKAGES))
    parser.add_argument("--timed", nargs="*", default=list(TIMED), help="sets for the bar of time")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no cell after so long")
    args = parser.parse_args(argv)
    n = 10_000
    if args.quick:
        args.seeds, args.rows, args.peers, args.timed, n = 1, 1600, [], [], 1_000
        args.sets = args.sets or ["heloc"]
    store, end = RESULTS / code_digest(Path(__file__)), time.monotonic() + 60 * args.minutes
    frames, timed = [], []
    for name in args.timed:
        timed.append(kept(store, f"time-{name}-{n}", lambda name=name: times(name, n)))
    for seed in range(args.seeds):
        for name in args.sets or (DEVELOPMENT if args.development else JUDGEMENT):
            if time.monotonic() < end:
                frames += cell(name, seed, args, store)
    return bars(pd.concat(frames), pd.concat(timed) if timed else pd.DataFrame(columns=["budget", "n", "ratio"]), args)


def cell(name: str, seed: int, args: Namespace, store: Path) -> list[pd.DataFrame]:
    """Agreements of one set and seed; read where this very code measured them before."""
    kind, stem = TEACHERS[seed % len(TEACHERS)], f"{name}-{seed}-{args.rows}"
    made: list[Case] = []

    def case() -> Case:
        if not made:
            made.append(Case(name, kind, seed, args.rows))
        return made[0]

    frames = [kept(store, f"{stem}-ours", lambda: agreements(case())).assign(peer=False, package="")]
    for package in args.peers:
        theirs = kept(
            store, f"{stem}-{package}", lambda package=package: _named(against(case(), package, store / stem))
        )
        frames.append(theirs.assign(peer=True, package=package, chosen=False))
    return [frame.assign(data=name, seed=seed) for frame in frames if len(frame)]


def _named(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A peer's lines in the words of ours; one empty line where it measured nothing, so that it is not tried again."""
    named = [{"budget": "20 numbers", "student": line["method"], "agreement": line["agreement"]} for line in lines]
    return named or [{"budget": "20 numbers", "student": None, "agreement": np.nan}]


if __name__ == "__main__":
    sys.exit(main())
