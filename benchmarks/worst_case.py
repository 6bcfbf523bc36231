"""Whether the search for the worst case finds a disagreement that was planted, and how much farther apart it comes.

Planted: a teacher that says yes in a region of two columns which 1 % of people are in, and a student that was fitted to
the teacher without it, so that it knows nothing of it. The audited rows are few: some audits may hold nobody of the
region. It is found where the widest row that the search ends with lies in it.

Raised: mean difference of the 100 rows where both differ most, before the search and after, networks and boosted trees
as teachers and default trees of 16 leaves as students, on the judgement sets.

    python benchmarks/worst_case.py --quick
    python benchmarks/worst_case.py --json bars.json
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).parent))
from _bars import Bars, options
from _data import JUDGEMENT, load
from _teachers import classifier

import explaindistill as xd
from explaindistill.measures.disagreement import SearchOptions, worst_disagreements

LEAVES = 16
AUDITED = 300
FITTED = 4_000
QUESTIONS = 200_000


def people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Ten columns, of which some hang together."""
    income = rng.lognormal(10, 0.5, n)
    frame = {
        "age": rng.integers(18, 80, n),
        "income": income.round(0),
        "debt": (income * rng.beta(2, 5, n)).round(0),
        "rooms": rng.integers(1, 8, n),
        "sector": rng.choice(list("abcdefghij"), n),
        "home": rng.choice(["own", "rent", "free"], n, p=[0.5, 0.4, 0.1]),
        "years": rng.exponential(5, n).round(1),
        "calls": rng.poisson(2, n),
        "region": rng.choice(["north", "east", "south", "west"], n),
        "score": rng.normal(size=n).round(2),
    }
    return pd.DataFrame(frame)


def plain(X: pd.DataFrame) -> np.ndarray:
    """Probability without the region: smooth, and never above .6."""
    z = 0.04 * (X["age"] - 45) + np.log(X["income"] / X["debt"]) - 1 + 0.5 * X["score"] - 0.2 * (X["calls"] - 2)
    return np.asarray(0.1 + 0.5 / (1 + np.exp(-2 * z)))


def region(X: pd.DataFrame) -> np.ndarray:
    """A sector (one in ten) and a home (one in ten): 1 % of people."""
    return np.asarray((X["sector"] == "c") & (X["home"] == "free"))


def both(p: np.ndarray) -> np.ndarray:
    """Probabilities of two classes."""
    return np.column_stack([1 - p, p])


def planted(seed: int) -> dict[str, Any]:
    """One audit of a teacher with a region and a student that was fitted without it."""
    rng = np.random.default_rng(seed)
    fitting, audited = people(FITTED, rng), people(AUDITED, rng)
    labels = pd.DataFrame(both(plain(fitting)), columns=["no", "yes"])
    tree = xd.TreeClassifier(max_leaf_nodes=LEAVES).fit(fitting, labels)

    def with_region(X: pd.DataFrame) -> np.ndarray:
        return both(np.where(region(X), 0.99, plain(X)))

    searches = [
        worst_disagreements(
            f, tree.predict_proba, audited, (f(audited), tree.predict_proba(audited)),
            options=SearchOptions(n_questions=QUESTIONS),
        )
        for f in (lambda X: both(plain(X)), with_region)
    ]  # fmt: skip
    widest = [s.after.argmax() for s in searches]
    inside = bool(region(searches[1].rows)[widest[1]])
    return {
        "there": int(region(audited).sum()),
        "inside": inside,
        "alone": float(searches[0].after.max()),
        "widest": float(searches[1].after.max()),
        "questions": searches[1].n_questions,
    }


def raised(name: str, kind: str, seed: int, n: int) -> dict[str, Any]:
    """Mean difference of the worst rows before and after one search."""
    data = load(name, n, seed)
    fitting, audited, y, _ = train_test_split(data.X, data.y, test_size=0.4, random_state=seed)
    fitting, audited = fitting.reset_index(drop=True), audited.reset_index(drop=True)
    teacher = classifier(kind, fitting, y, seed)
    labels = pd.DataFrame(teacher.predict_proba(fitting), columns=teacher.classes_)
    tree = xd.TreeClassifier(max_leaf_nodes=LEAVES).fit(fitting, labels)
    start = time.process_time()
    search = worst_disagreements(
        teacher.predict_proba, tree.predict_proba, audited,
        (teacher.predict_proba(audited), tree.predict_proba(audited)), options=SearchOptions(n_questions=QUESTIONS),
    )  # fmt: skip
    assert (search.distance <= search.limit + 1e-9).all()
    return {
        "set": name,
        "teacher": kind,
        "before": search.before.mean(),
        "after": search.after.mean(),
        "questions": search.n_questions,
        "seconds": time.process_time() - start,
    }


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(argv)
    bars = Bars("The worst case found")
    runs = pd.DataFrame([planted(seed) for seed in range(20)])
    nobody = runs["there"] == 0
    note = (
        f"({nobody.sum()} audits held nobody of it, found in {runs.loc[nobody, 'inside'].sum()} of them; widest "
        f"{runs['widest'].mean():.2f}, of the teacher without it {runs['alone'].mean():.2f})"
    )
    words = f"planted region of 1 % of people, {AUDITED} audited rows: found in so many of 20 seeds"
    bars.at_least(words, 19, int(runs["inside"].sum()), "", note)
    sets = [name for name in JUDGEMENT if load(name, 10).task == "classification"]
    sets = sets[:3] if args.quick else sets
    cells = pd.DataFrame(
        raised(name, kind, seed, 1_500 if args.quick else 5_000)
        for name in sets
        for kind in (("boosted",) if args.quick else ("network", "boosted"))
        for seed in range(1 if args.quick else 3)
    )
    cells["raised"] = cells["after"] - cells["before"]
    by_set = cells.groupby("set")["raised"].mean()
    note = f"(lowest {by_set.idxmin()} {by_set.min():.2f}, highest {by_set.idxmax()} {by_set.max():.2f})"
    bars.at_least(f"100 worst rows raised by, median over {len(by_set)} sets", 0.2, float(by_set.median()), "", note)
    bars.at_most("questions of one search, most", QUESTIONS, int(cells["questions"].max()))
    seconds = cells["seconds"]
    words = f"{seconds.median():.1f} s, at most {seconds.max():.1f}"
    bars.add("CPU time of one search, the teacher's included, median", "reported", words, None)
    print(cells.groupby(["set", "teacher"])[["before", "after", "questions", "seconds"]].mean().round(3).to_string())
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
