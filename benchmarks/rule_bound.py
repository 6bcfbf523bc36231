"""Whether the limits of all rules of a student hold together, and how close they are.

A tree of 16 leaves, fitted to a network's answers on a real table of the judgement sets, is audited on rows drawn anew
1,000 times from those that no fitting saw, which stand for everybody: the agreement under each leaf is then known. An
audit counts where the limits of every leaf with a row hold it.

    python benchmarks/rule_bound.py --quick
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).parent))
from _bars import Bars, options
from _data import load
from _teachers import Network

import explaindistill as xd
from explaindistill.measures.rule_fidelity import rule_fidelity

AUDITED = 300
LEAST = 0.936
"""95 % less two errors of 1,000 simulations."""


def covered(name: str, n_audits: int) -> tuple[float, float, float]:
    """Share of audits whose limits all hold; mean lower limit and mean agreement, by rows."""
    data = load(name, 12_000)
    fitting, everybody, y, _ = train_test_split(data.X, data.y, test_size=0.5, random_state=0)
    fitting, everybody = fitting.reset_index(drop=True), everybody.reset_index(drop=True)
    teacher = Network(epochs=20).fit(fitting, y)
    tree = xd.TreeClassifier(max_leaf_nodes=16, search="greedy")
    tree.fit(fitting, pd.DataFrame(teacher.predict_proba(fitting), columns=teacher.classes_))
    region, words = tree.regions(everybody)
    same = tree.predict(everybody) == teacher.predict(everybody)
    truth = np.array([same[region == leaf].mean() if (region == leaf).any() else np.nan for leaf in words])
    rng, hits, lows = np.random.default_rng(0), 0, []
    for _ in range(n_audits):
        at = rng.integers(0, len(everybody), AUDITED)
        table = rule_fidelity(same[at], region[at], words)
        met = table["n"].to_numpy() > 0
        hits += bool(((table["low"] <= truth) & (truth <= table["high"]))[met].all())
        lows.append(np.average(table.loc[met, "low"], weights=table.loc[met, "n"]))
    return hits / n_audits, float(np.mean(lows)), float(same.mean())


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(argv)
    bars = Bars(f"Limits of each rule's agreement, {AUDITED} audited rows")
    n_audits = 200 if args.quick else 1_000
    least = LEAST if not args.quick else 0.95 - 2 * np.sqrt(0.95 * 0.05 / n_audits)
    for name in ("compas", "heloc") if args.quick else ("acs", "compas", "heloc", "credit_default"):
        share, low, mean = covered(name, n_audits)
        note = f"(agreement {mean:.3f}, mean lower limit by rows {low:.3f})"
        bars.at_least(f"{name}: audits in which the limits of all rules hold, of {n_audits}", least, share, "", note)
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
