"""Constant-leaf trees of equal size against scikit-learn's CART and the published tree distillers.

Every method fits the same rows with the same answers of the teacher, and is measured on test rows that no method saw.
Seeds take a network and a forest as teacher in turn. Ours sees the raw frame; the others, which know no categories and
no missing values, see it one-hot with imputed numbers. Agreement is at the most probable class. R² of probabilities is
over all classes together; KL clips at 1e-4. Figures of a data set are means over seeds and sizes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from _bars import Bars, environment, options
from _data import load
from _teachers import Network, encoder, forest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from explaindistill.students.tree.estimators import TreeClassifier

SETS = ("adult", "compas", "german", "heloc", "acs", "breast_cancer", "digits", "california", "bike")
SIZES = (8, 16, 32, 64)
RESULTS = Path(__file__).parents[1] / "results"
PEERS = Path(__file__).with_name("_tree_peers.py")
PACKAGES = {
    "trustee": ["trustee==1.2.0"],
    "interpret-community": ["interpret-community==0.32.0", "setuptools<81"],
    "imodels": ["imodels==3.0.4", "six"],
    "pystreed": ["pystreed==1.4.0"],
    "figs": ["imodels==3.0.4", "six"],
}
SUMS = ("imodels FIGS",)  # shown beside the bar for single trees
SHARED = {"figs": "imodels"}  # opponents that live in the environment of another


class Case:
    """One data set and seed: rows to fit and to measure on, raw and encoded, and the teacher's answers."""

    def __init__(self, name: str, seed: int, validation: bool = False, n: int = 8000) -> None:
        loaded = load(name, n, seed)
        y = loaded.y.to_numpy()
        if loaded.task == "regression":
            y = np.where(y > np.median(y), "high", "low")
        order = np.random.default_rng(seed).permutation(len(y))
        cut = max(len(y) // 4, min(2000, len(y) // 3))
        train, test = order[cut:], order[:cut]
        self.X, self.X_test = loaded.X.iloc[train].reset_index(drop=True), loaded.X.iloc[test].reset_index(drop=True)
        self.P, self.P_test = _answers(name, seed, n, self.X, y[train], self.X_test)
        if validation:  # the test rows stay unseen while the method is worked on
            half = len(train) // 4
            self.X_test, self.P_test = self.X.iloc[:half], self.P[:half]
            self.X, self.P = self.X.iloc[half:].reset_index(drop=True), self.P[half:]
        code = encoder().fit(self.X)
        self.Z, self.Z_test = code.transform(self.X), code.transform(self.X_test)


def _answers(
    name: str, seed: int, n: int, X: pd.DataFrame, y: np.ndarray, X_test: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Answers of the teacher on both; kept on disk, since teachers take longer than trees."""
    kept = RESULTS / "answers" / f"{name}-{seed}-{n}.npz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        teacher = Network(seed=seed).fit(X, y) if seed % 2 == 0 else forest(X, y, "classification", seed)
        np.savez(kept, P=teacher.predict_proba(X), T=teacher.predict_proba(X_test))
    done = np.load(kept)
    return done["P"], done["T"]


def ours(**parameters: object) -> Callable[[Case, int], dict[str, np.ndarray]]:
    """A method: the tree student with some parameters."""

    def method(case: Case, size: int) -> dict[str, np.ndarray]:
        return {"": TreeClassifier(size, **parameters).fit(case.X, case.P).predict_proba(case.X_test)}

    return method


def cart(case: Case, size: int) -> dict[str, np.ndarray]:
    """CART on the teacher's most probable class, with its own and with refilled leaves, and CART on probabilities."""
    k, labels = case.P.shape[1], case.P.argmax(axis=1)
    hard = DecisionTreeClassifier(max_leaf_nodes=size, random_state=0).fit(case.Z, labels)
    own = np.zeros((len(case.Z_test), k))
    own[:, hard.classes_] = hard.predict_proba(case.Z_test)
    soft = DecisionTreeRegressor(max_leaf_nodes=size, random_state=0).fit(case.Z, case.P)
    leaf = hard.apply(case.Z)
    means = {i: case.P[leaf == i].mean(axis=0) for i in np.unique(leaf)}
    refilled = np.array([means[i] for i in hard.apply(case.Z_test)])
    return {"hard": own, "hard refilled": refilled, "soft": soft.predict(case.Z_test)}


METHODS = {"default": ours(), "lookahead": ours(search="lookahead"), "CART": cart}


def figures(P: np.ndarray, Q: np.ndarray) -> dict[str, float]:
    """Agreement, R² of probabilities and KL of a student's ``Q`` from the teacher's ``P``."""
    p, q = (np.clip(A, 1e-4, None) for A in (P, Q))
    p, q = (A / A.sum(axis=1, keepdims=True) for A in (p, q))
    return {
        "agreement": float((P.argmax(axis=1) == Q.argmax(axis=1)).mean()),
        "r2": 1.0 - float(((P - Q) ** 2).sum() / ((P - P.mean(axis=0)) ** 2).sum()),
        "kl": float((p * np.log(p / q)).sum(axis=1).mean()),
    }


def measure(case: Case, methods: dict[str, Callable[[Case, int], dict[str, np.ndarray]]]) -> list[dict[str, object]]:
    """Figures of each method and size."""
    rows: list[dict[str, object]] = []
    for size in SIZES:
        for name, method in methods.items():
            start = time.perf_counter()
            for kind, Q in method(case, size).items():
                rows.append({"method": f"{name} {kind}".strip(), "size": size, **figures(case.P_test, Q)})
            rows[-1]["s"] = time.perf_counter() - start
    return rows


def peers(case: Case, package: str, python: Path, folder: Path) -> list[dict[str, object]]:
    """Figures of one opponent in its own environment."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "in.npz", X=case.Z, P=case.P, T=case.Z_test)
    job = [python, PEERS, package, folder, *map(str, SIZES)]
    try:
        done = subprocess.run(job, check=False, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        print(f"{package}: longer than 600 s on {folder.name}", file=sys.stderr)
        return []
    if done.returncode:
        print(f"{package}: {done.stderr[-600:]}", file=sys.stderr)
        return []
    found = []
    for path in sorted(folder.glob("out-*.npz")):
        out = np.load(path)
        _, method, size = path.stem.split("-", 2)[0], str(out["method"]), int(out["size"])
        found.append({"method": method, "size": size, **figures(case.P_test, out["Q"]), "leaves": int(out["leaves"])})
        path.unlink()
    return found


def main(argv: list[str]) -> int:
    """Measure and hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--peers", nargs="*", default=list(PACKAGES), choices=list(PACKAGES))
    parser.add_argument("--validation", action="store_true", help="measure on held-out fitting rows, not on test rows")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this long; what is measured is kept")
    args = parser.parse_args(argv)
    if args.quick:
        args.seeds, args.sets, args.peers = 2, ["heloc", "breast_cancer", "california"], []
    end = time.monotonic() + 60 * args.minutes
    frames = []
    for seed in range(args.seeds):
        for name in args.sets:
            frames += [_kept(name, seed, "own", args, end)]
            frames += [_kept(name, seed, package, args, end) for package in args.peers]
    return bars(pd.concat([f for f in frames if f is not None]), args)


def _kept(name: str, seed: int, package: str, args: Namespace, end: float) -> pd.DataFrame | None:
    """Figures of one case, measured once: delete the folder of results to measure again."""
    kept = RESULTS / "tree" / f"{name}-{seed}-{package}{'-validation' * args.validation}.csv"
    if not kept.exists():
        if time.monotonic() > end:
            return None
        case = Case(name, seed, args.validation)
        if package == "own":
            rows = measure(case, METHODS)
        elif (python := environment(SHARED.get(package, package), PACKAGES[package])) is not None:
            rows = peers(case, package, python, RESULTS / "exchange" / f"{name}-{seed}-{package}")
        else:
            return None
        kept.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).assign(data=name, seed=seed, teacher="forest" if seed % 2 else "network").to_csv(
            kept, index=False
        )
    return pd.read_csv(kept) if kept.stat().st_size > 2 else None


def _cases(frame: pd.DataFrame, method: str) -> int:
    """Data sets and seeds that a method answered: where a peer failed or was stopped, fewer than ours."""
    return int(frame[frame.method == method].groupby(["data", "seed"]).ngroups)


def bars(frame: pd.DataFrame, args: Namespace) -> int:
    """Hold the figures against the bars and print them per data set."""
    frame = frame.assign(agreement=100 * frame.agreement)
    table = frame.groupby(["data", "method"]).agreement.mean().unstack()
    print(table.round(2).to_string(), "\n")
    print(frame.groupby(["method", "size"])[["agreement", "r2", "kl"]].mean().unstack().round(3).to_string(), "\n")
    found = Bars(f"constant-leaf trees, {frame.seed.nunique()} seeds, {table.shape[0]} data sets")
    gap = table["default"] - table["CART hard"]
    found.at_least(f"default − hard CART, worst data set ({gap.idxmin()})", -0.1, gap.min(), " points")
    found.add("default − hard CART, mean", "(shown)", f"{gap.mean():+.2f} points", None)
    single = [m for m in table if m not in ("default", "lookahead")]
    for peer in single:
        both = frame[frame.method.isin(["default", peer])].pivot_table(
            index=["data", "seed", "size"], columns="method", values="agreement"
        )
        both = both.dropna().groupby("data").mean()
        bar = f"default − {peer}, mean of {len(both)} sets, {_cases(frame, peer)} of {_cases(frame, 'default')} cases"
        ahead = (both["default"] - both[peer]).mean()
        if peer in SUMS:
            found.add(f"{bar}, a sum of trees", "(shown)", f"{ahead:+.2f} points", None)
        else:
            found.at_least(bar, 0.0, ahead, " points")
    ahead = table["lookahead"] - table["CART hard"]
    found.at_least("lookahead − hard CART, mean", 0.2, ahead.mean(), " points")
    found.add("lookahead − hard CART, worst", "(shown)", f"{ahead.min():+.2f} points ({ahead.idxmin()})", None)
    mean = frame.groupby(["data", "method"])[["r2", "kl"]].mean().groupby("method").mean()
    for model in ("default", "lookahead"):
        r2, kl = mean.loc[model, "r2"], mean.loc[model, "kl"]
        found.at_least(f"{model}: R² − hard CART refilled", 0.0, r2 - mean.loc["CART hard refilled", "r2"])
        found.at_least(f"{model}: R² − soft CART", -0.02, r2 - mean.loc["CART soft", "r2"])
        found.at_most(f"{model}: KL over hard CART refilled", 1.0, kl / mean.loc["CART hard refilled", "kl"])
        found.at_most(f"{model}: KL over soft CART", 1.0, kl / mean.loc["CART soft", "kl"])
    for package in PACKAGES:
        if not any(m.lower().startswith((package, f"{SHARED.get(package, package)} {package}")) for m in table):
            found.add(package, "an opponent", "not measured", None)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tree.json").write_text(
        json.dumps({"agreement": table.round(3).to_dict(), "mean": mean.to_dict()}, indent=1)
    )
    return found.finish(args)
