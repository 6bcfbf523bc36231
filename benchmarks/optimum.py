"""Students that iterate against a slow reference at their own smoothing: is each at its optimum, and says so.

Twenty tables of our own making (rare levels, heavy tails, labels that columns tell apart, collinear columns, weights
over six decades, sizes on both sides of every limit) are given to each student. The excess is what a slow fit, on all
rows in float64 with dense columns and from the student's own numbers, still takes off the penalised loss per row; the
student's numbers count as they are applied, rounded. Structure (terms, splits, points, smoothing) is the student's.
Loss is in nats, of values in half variances. A table is well posed unless its labels can be told apart or its columns
are collinear. Then the memory of a linear fit, and what an additive student loses to a linear one on held-out rows.
"""

from __future__ import annotations

import sys
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from _bars import Bars, kept, options, storing
from _odd_tables import QUICK, QUICK_ROWS, TABLES, Table, odd_table
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax, xlogy
from sklearn.exceptions import ConvergenceWarning

from explaindistill import (
    GAMClassifier,
    GAMRegressor,
    LinearClassifier,
    LinearRegressor,
    ScorecardClassifier,
)
from explaindistill.data.design import matrix
from explaindistill.numerics.additive.gram import predictor
from explaindistill.numerics.additive.reml import Smoothing
from explaindistill.numerics.linear.penalty_choice import PenalisedFits
from explaindistill.numerics.linear.relaxed import LEAST_SQUARES_RIDGE, RIDGE
from explaindistill.numerics.linear.scorecard import TOTALS_RIDGE
from explaindistill.numerics.model_trees.leaf_models import penalties
from explaindistill.students.gam import problem as additive
from explaindistill.students.model_tree import ModelTreeClassifier, ModelTreeRegressor
from explaindistill.students.model_tree import fit as model_tree

Array = np.ndarray


def newton(X: Array, y: Array, w: Array, S: Array, beta: Array, binary: bool) -> tuple[float, float]:
    """Objective ``sum w loss + b' S b / 2`` at ``beta`` and at its minimum, by dense Newton steps with halving."""

    def objective(b: Array) -> float:
        eta = X @ b
        loss = np.logaddexp(0.0, eta) - y * eta if binary else 0.5 * (y - eta) ** 2
        return float(w @ loss + 0.5 * b @ S @ b)

    first = value = objective(beta)
    for _ in range(200):
        eta = X @ beta
        mean, bend = (expit(eta), w * expit(eta) * expit(-eta)) if binary else (eta, w)
        gradient = X.T @ (w * (y - mean)) - S @ beta
        H = (X * bend[:, None]).T @ X + S
        step = np.linalg.lstsq(H, gradient, rcond=1e-14)[0]
        share = 1.0
        while share > 1e-9 and (new := objective(beta + share * step)) >= value:
            share /= 2
        if share <= 1e-9 or value - new < 1e-15 * max(1.0, abs(value)):
            break
        beta, value = beta + share * step, new
    return first, value


def descent(objective: Callable[[Array], tuple[float, Array]], start: Array, bounds: Any = None) -> tuple[float, float]:
    """Objective at a start, and the least that L-BFGS finds from there."""
    limits = {"maxiter": 3_000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 30}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=limits)
    return objective(start)[0], min(float(found.fun), objective(start)[0])


def softmax_loss(X: Array, P: Array, w: Array) -> Callable[[Array], tuple[float, Array]]:
    """Mean cross-entropy of coefficients ``(q * k,)``, and its gradient."""

    def loss(theta: Array) -> tuple[float, Array]:
        eta = X @ theta.reshape(X.shape[1], P.shape[1])
        value = float(w @ (logsumexp(eta, axis=1) - (P * eta).sum(axis=1)))
        return value, (X.T @ (w[:, None] * (softmax(eta, axis=1) - P))).ravel()

    return loss


class Recorder:
    """Keeps what a function was last called with, and what it gave back."""

    def __init__(self, original: Callable[..., Any]) -> None:
        self.original = original
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any], Any]] = []

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call, and note it."""
        result = self.original(*args, **keywords)
        self.calls.append((args, keywords, result))
        return result


def linear_excess(student: Any, table: Table, y: Array) -> tuple[Any, float]:
    """Excess of a linear student: relaxed fits by Newton on their support, others by L-BFGS on split coefficients."""
    original, settled = PenalisedFits.settled, []

    def recorded(self: Any, fit: Any, penalty: float | None) -> Any:
        settled.append((self, penalty, original(self, fit, penalty)[0]))
        return original(self, fit, penalty)

    with mock.patch.object(PenalisedFits, "settled", recorded):
        student.fit(table.X, y, table.weight)
    problem, penalty, fit = settled[-1]
    rows = problem.sums.parts.part.opened()  # rows in memory are one part
    model, w, k = student.model_, rows.w, fit.coef.shape[1]
    if not len(model.columns) and penalty is None and problem.classification:
        mean = w @ rows.Y
        q = student.predict_proba(table.X.iloc[:1])[0]
        return student, float((xlogy(mean, mean) - xlogy(mean, q)).sum())
    values = matrix(model.columns, model.schema, table.X)
    size = np.ones(k) if problem.classification else linear_size(y, w)
    A = (values - model.mean) / np.where(model.scale > 0, model.scale, 1.0)
    coef, level = model.coef * model.scale[:, None] / size, (model.intercept + model.at_mean.sum(axis=0)) / size
    A = np.column_stack([np.ones(len(A)), A])
    theta = np.vstack([level, coef])
    if penalty is None and k == 1:
        S = np.diag(np.r_[0.0, np.full(len(coef), RIDGE if problem.classification else LEAST_SQUARES_RIDGE)])
        target = rows.Y[:, -1] if problem.classification else rows.Y[:, 0]
        first, least = newton(A, target, w, S, theta[:, 0], problem.classification)
        return student, first - least
    if penalty is not None:  # a column without a coefficient may deserve one
        A = np.column_stack([np.ones(len(A)), np.vstack([lines for _, lines in rows.Z])])
        whole = np.zeros((A.shape[1], k))
        whole[np.r_[0, 1 + np.flatnonzero((fit.coef != 0).any(axis=1))]] = theta
        theta = whole
    return student, first_less_least(problem, rows, penalty, A, theta)


def linear_size(y: Array, w: Array) -> Array:
    """Standard deviation of the values, the unit in which a linear regressor is fitted."""
    return np.array([np.sqrt(w @ (y - w @ y) ** 2) or 1.0])


def first_less_least(problem: Any, rows: Any, penalty: float | None, A: Array, theta: Array) -> float:
    """Excess of penalised fits: coefficients as differences of two parts that are not negative."""
    l1 = 0.0 if penalty is None else penalty * problem.l1_ratio
    relaxed = RIDGE if problem.classification else LEAST_SQUARES_RIDGE
    l2 = relaxed if penalty is None else penalty * (1 - problem.l1_ratio)
    q, k = theta.shape
    two = problem.classification and k == 1
    P, w = rows.Y, rows.w
    smooth = softmax_loss(A, P, w)

    def loss(theta: Array) -> tuple[float, Array]:
        if not problem.classification:
            r = A @ theta.reshape(q, k) - P
            return 0.5 * float(w @ (r**2).sum(axis=1)), (A.T @ (w[:, None] * r)).ravel()
        if not two:
            return smooth(theta)
        eta = A @ theta
        value = float(w @ (np.logaddexp(0.0, eta) - P[:, 1] * eta))
        return value, A.T @ (w * (expit(eta) - P[:, 1]))

    def objective(split: Array) -> tuple[float, Array]:
        level, plus, minus = split[:k], split[k : k + (q - 1) * k], split[k + (q - 1) * k :]
        beta = plus - minus
        value, slope = loss(np.r_[level, beta])
        pull = slope[k:] + l2 * beta
        penalised = value + l1 * float((plus + minus).sum()) + 0.5 * l2 * float((beta**2).sum())
        return penalised, np.r_[slope[:k], pull + l1, l1 - pull]

    beta = theta[1:].ravel()
    start = np.r_[theta[0], np.maximum(beta, 0), np.maximum(-beta, 0)]
    # without a penalty the student fits the coefficients that its path left, class by class, and no others
    free = [(0, None) if penalty is not None or b else (0, 0) for b in beta]
    bounds = [(None, None)] * k + free + free
    first, least = descent(objective, start, bounds)
    return first - least


def additive_excess(student: Any, table: Table, y: Array) -> tuple[Any, float]:
    """Excess of an additive student at the smoothing and with the curves of its last fit that was checked."""
    one, many = Recorder(additive.fit_additive), Recorder(additive.fit_softmax)
    with mock.patch.object(additive, "fit_additive", one), mock.patch.object(additive, "fit_softmax", many):
        student.fit(table.X, y, table.weight)
    calls = [c for c in one.calls + many.calls if np.isfinite(c[2].optimality)]
    arguments, _, fit = calls[-1]
    design, rows = arguments[0], arguments[1].parts.part  # rows in memory are one part
    B = np.column_stack([predictor(design, rows.codes, unit) for unit in np.eye(design.size)])
    S = Smoothing(design, np.ones(design.size), fit.smoothing).matrix()
    w = rows.weight / rows.weight.sum()
    S = S / rows.weight.sum()
    if len(fit.beta) > 1:
        P = rows.y
        smooth, k = softmax_loss(B, P, w), P.shape[1]

        def objective(theta: Array) -> tuple[float, Array]:
            value, slope = smooth(theta)
            beta = theta.reshape(design.size, k)
            return value + 0.5 * float((beta * (S @ beta)).sum()), slope + (S @ beta).ravel()

        first, least = descent(objective, fit.beta.T.ravel())
        return student, first - least
    binary = isinstance(student, GAMClassifier)
    unit = 1.0 if binary else float(w @ (rows.y - w @ rows.y) ** 2) or 1.0
    first, least = newton(B, rows.y, w, S, fit.beta[0], binary)
    return student, (first - least) / unit


def model_tree_excess(student: Any, table: Table, y: Array) -> tuple[Any, float]:
    """Excess of a model tree's numbers, rounded as applied, with its splits and terms as they are."""
    recorder = Recorder(model_tree.decrement)
    with mock.patch.object(model_tree, "decrement", recorder):
        student.fit(table.X, y, table.weight)
    problem, model = recorder.calls[-1][0]
    k = problem.n_outputs
    B = np.zeros((len(problem.design), len(model.node)))
    for leaf, rows in model.members.items():
        at = model.coefficients(leaf)
        B[np.ix_(rows, at)] = problem.design[np.ix_(rows, np.array(model.term)[at])]
    S, output = penalties(model, problem), np.array(model.output)
    if problem.loss == "softmax":
        spread = (np.arange(k) == output[:, None]).astype(float)

        def objective(beta: Array) -> tuple[float, Array]:
            eta = B @ (beta[:, None] * spread)
            value = float(problem.weight @ (logsumexp(eta, axis=1) - (problem.targets * eta).sum(axis=1)))
            slope = B.T @ (problem.weight[:, None] * (softmax(eta, axis=1) - problem.targets))
            return value + 0.5 * float(S @ beta**2), (slope * spread).sum(axis=1) + S * beta

        first, least = descent(objective, model.beta)
    else:
        binary = problem.loss == "binary"
        first, least = newton(B, problem.targets[:, 0], problem.weight, np.diag(S), model.beta, binary)
    return student, first - least + rounding(student, table, problem, B, model)


def rounding(student: Any, table: Table, problem: Any, B: Array, model: Any) -> float:
    """Penalised loss that is added by rounding the numbers to what is shown.

    At the optimum the slopes of loss and penalty cancel; what rounding adds is what the loss adds beyond its slope.
    """
    if problem.loss == "softmax":
        return 0.0
    exact = B @ model.beta
    w = problem.weight
    if problem.loss == "binary":
        shown = student.decision_function(table.X)
        beyond = np.logaddexp(0, shown) - np.logaddexp(0, exact) - expit(exact) * (shown - exact)
        return float(w @ beyond)
    centre, spread = w @ table.value, np.sqrt(w @ (table.value - w @ table.value) ** 2) or 1.0
    return 0.5 * float(w @ ((student.predict(table.X) - centre) / spread - exact) ** 2)


def card_excess(student: Any, table: Table, y: Array) -> tuple[Any, float]:
    """What another offset and slope, or any one change of points with both fitted anew, takes off the loss per row."""
    student.fit(table.X, y, table.weight)
    model = student.model_
    B = matrix(model.columns, model.schema, table.X)
    w = table.weight / table.weight.sum()
    ridge = np.diag([0.0, TOTALS_RIDGE])

    def best(points: Array) -> tuple[float, float]:
        total = B @ points
        levels, inverse = np.unique(total, return_inverse=True)
        mass, ones = np.bincount(inverse, w), np.bincount(inverse, w * y[:, 1])
        A = np.column_stack([np.ones(len(levels)), levels])
        return newton(A, ones / mass, mass, ridge, np.array([student.offset_, student.slope_]), True)

    first, least = best(model.points)
    for j in range(len(model.points)):
        for value in range(-student.max_points, student.max_points + 1):
            points = model.points.copy()
            points[j] = value
            least = min(least, best(points)[1])
    return student, first - least


STUDENTS: dict[str, tuple[Callable[[], Any], Callable[[Any, Table, Array], tuple[Any, float]], str]] = {
    "LinearClassifier": (LinearClassifier, linear_excess, "P"),
    "LinearClassifier, penalty=.001": (lambda: LinearClassifier(penalty=1e-3, relax=False), linear_excess, "P"),
    "LinearRegressor": (LinearRegressor, linear_excess, "value"),
    "GAMClassifier": (lambda: GAMClassifier(n_pairs=0, random_state=0), additive_excess, "P"),
    "GAMRegressor": (lambda: GAMRegressor(n_pairs=0, random_state=0), additive_excess, "value"),
    "ModelTreeClassifier": (lambda: ModelTreeClassifier(max_leaf_nodes=4, n_folds=0), model_tree_excess, "P"),
    "ModelTreeRegressor": (lambda: ModelTreeRegressor(max_leaf_nodes=4, n_folds=0), model_tree_excess, "value"),
    "ScorecardClassifier": (lambda: ScorecardClassifier(max_terms=5), card_excess, "P"),
}


def cell(name: str, table: Table) -> list[dict[str, Any]]:
    """Excess of one student on one table, and whether it warned."""
    make, excess, target = STUDENTS[name]
    y = getattr(table, target)
    if (name.startswith("Scorecard") and table.P.shape[1] > 2) or (target == "value" and np.ptp(y) == 0):
        return []
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        student, over = excess(make(), table, y)
    warned = any(issubclass(one.category, ConvergenceWarning) for one in raised)
    says = student.optimality_
    line = {"student": name, "table": f"{table.name}, {len(table.X)}", "excess": over, "says": says, "warned": warned}
    return [line | {"posed": table.posed}]


def judge(bars: Bars, frame: pd.DataFrame) -> None:
    """Worst excess of each student over the cells without a warning, and the bars on warnings."""
    for name, cells in frame.groupby("student", sort=False):
        silent = cells[~cells["warned"]]
        worst = silent.loc[silent["excess"].idxmax()]
        note = f"({worst['table']}; {len(cells)} tables)"
        bars.at_most(f"worst excess of the penalised loss per row, {name}", 1e-6, worst["excess"], "", note)
    note = ", ".join(f"{r.student} on {r.table}" for r in frame[frame["warned"]].itertuples())
    bars.at_most(
        f"share of {len(frame)} cells with a warning", 0.05, frame["warned"].mean(), "", f"({note})" * bool(note)
    )
    bars.at_most("warnings where the table is well posed", 0, float((frame["warned"] & frame["posed"]).sum()))


def memory(bars: Bars, n: int) -> None:
    """Extra memory of a linear fit over its frame: 16 numbers and 4 categories of 5 to 20 levels."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 16))).rename(columns=lambda j: f"x{j}")
    for levels in (5, 10, 15, 20):
        X[f"c{levels}"] = pd.Categorical(rng.integers(0, levels, n).astype(str))
    p = expit(X["x0"] - X["x1"] + (X["c20"] == "3")).to_numpy()
    P = np.column_stack([1 - p, p])
    LinearClassifier().fit(X[:300], P[:300])  # compiles
    tracemalloc.start()
    LinearClassifier().fit(X, P)
    ratio = tracemalloc.get_traced_memory()[1] / X.memory_usage().sum()
    tracemalloc.stop()
    bars.at_most(f"extra memory of LinearClassifier over its frame, {n:,} rows x 20", 2, ratio)


def explained(student: Any, X: pd.DataFrame, y: Array, held: Array) -> float:
    """Held-out R2."""
    answer = student.fit(X[~held], y[~held]).predict(X[held])
    return 1 - float(((y[held] - answer) ** 2).sum() / ((y[held] - y[held].mean()) ** 2).sum())


def nested(name: str, n: int, seed: int) -> float:
    """Held-out R2 of an additive student less that of a linear one, on a table whose truth is a sum of both kinds."""
    total = n + max(n, 5_000)  # so many held-out rows that chance among them does not decide
    table = odd_table(name, total, seed + 100)
    rng = np.random.default_rng(seed)
    y = table.value + rng.normal(size=total) * table.value.std()
    held = np.arange(total) >= n
    additive_student = GAMRegressor(n_pairs=0, labels="outcomes", random_state=0)
    return explained(additive_student, table.X, y, held) - explained(LinearRegressor(tolerance=0.0), table.X, y, held)


def over_linear(bars: Bars, quick: bool) -> None:
    """Bars on the additive student against the linear one that it holds."""
    names = ["plain"] if quick else ["plain", "rare levels", "rare tail", "t tails", "log-normal", "collinear"]
    for n in [10_000] if quick else [10_000, 30_000]:
        cells = {name: nested(name, n, 0) for name in names}
        worst = min(cells, key=lambda name: cells[name])
        bars.at_least(f"GAM over linear, held-out R2, {n:,} rows, each", -0.001, cells[worst], "", f"({worst})")
    for n in [300] if quick else [200, 500, 2_000]:
        cells = {name: float(np.mean([nested(name, n, seed) for seed in range(5)])) for name in names}
        worst = min(cells, key=lambda name: cells[name])
        bars.at_least(f"GAM over linear, held-out R2, {n:,} rows, mean of 5", -0.005, cells[worst], "", f"({worst})")


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__.splitlines()[0])
    storing(parser)
    args = parser.parse_args(argv)
    bars = Bars("students at their optimum")
    lines = []
    for name, n in [(name, QUICK_ROWS) for name in QUICK] if args.quick else TABLES:
        table = odd_table(name, n)
        for student in STUDENTS:
            key = f"{student} {name} {n}".replace(" ", "-")
            lines.append(kept(args.store, key, lambda student=student, table=table: cell(student, table)))
    judge(bars, pd.concat([line for line in lines if len(line)], ignore_index=True))
    memory(bars, 100_000 if args.quick else 1_000_000)
    over_linear(bars, args.quick)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
