r"""Sparse generalised linear models in the leaves of a tree, with coefficients shared along the path.

A coefficient belongs to a node and holds for every row below it, so the model of a leaf is the sum over its path,

.. math:: \eta_k(x) = \sum_{v \in \mathrm{path}(x)} \Bigl(a_{vk} + \sum_t \beta_{vtk}\, z_t(x)\Bigr),

and the ridge penalty on what a child adds shrinks its coefficients to its parent's. All are fitted together by damped
Newton steps on the soft-label logistic (softmax) or the squared loss; a row touches only its own path, so a step costs
:math:`O(n q^2)` with :math:`q` the coefficients on one path. ``i`` runs over rows, ``k`` over the K outputs, ``v`` over
nodes, ``t`` over terms, ``j`` over the coefficients of the whole tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, logsumexp, softmax

__all__ = [
    "LinearTree",
    "LinearTreeProblem",
    "Loss",
    "curvature",
    "decrement",
    "degrees_of_freedom",
    "mean_loss",
    "refit",
    "respond",
    "row_losses",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Loss = Literal["binary", "softmax", "squared"]
FREE = 1e-8  # ridge of the root's intercept: only what makes the system definite
ARMIJO = 1e-4
"""Share of the promised fall that a step has to bring, else it is halved (Nocedal and Wright 2006, Numerical
Optimization, section 3.1, doi:10.1007/978-0-387-40065-5)."""
SMALLEST_SHARE = 1e-6  # of a step: halved so often (20 times) without enough of a fall, the fit has ended


@dataclass(frozen=True, eq=False)
class LinearTreeProblem:
    """What is fitted.

    Attributes
    ----------
    design : ndarray, shape (n, p + 1), C order
        Standardised terms, and a last column of ones.
    targets : ndarray, shape (n, K)
        Probabilities (one column for two classes), or standardised values.
    weight : ndarray, shape (n,)
        Sums to 1.
    count : ndarray, shape (n,)
        Rows that each row stands for.
    loss : "binary", "softmax" or "squared"
    ridge : float
        Penalty on each coefficient below the root's intercept, in units of the mean loss.
    """

    design: Floats
    targets: Floats
    weight: Floats
    count: Floats
    loss: Loss
    ridge: float

    @property
    def n_terms(self) -> int:
        """Terms without the intercept."""
        return self.design.shape[1] - 1

    @property
    def n_outputs(self) -> int:
        """Columns of the targets."""
        return self.targets.shape[1]


@dataclass(eq=False)
class LinearTree:
    """A tree and the coefficients of its nodes; grows in place.

    ``term[j]`` is a column of the design, ``intercept`` its last; ``members`` has the rows of each leaf; ``gap[v]`` the
    largest value on the left and the smallest on the right of a node that asks about a number; ``excess`` by how much
    the penalised loss per row could still fall, where that was asked.
    """

    members: dict[int, Ints]
    intercept: int
    parent: list[int] = field(default_factory=lambda: [-1])
    left: list[int] = field(default_factory=lambda: [-1])
    right: list[int] = field(default_factory=lambda: [-1])
    feature: list[int] = field(default_factory=lambda: [-1])
    goes_left: list[NDArray[np.bool_]] = field(default_factory=lambda: [np.zeros(256, dtype=np.bool_)])
    split_cost: list[float] = field(default_factory=lambda: [0.0])
    gap: dict[int, tuple[float, float]] = field(default_factory=dict)
    node: list[int] = field(default_factory=list)
    term: list[int] = field(default_factory=list)
    output: list[int] = field(default_factory=list)
    beta: Floats = field(default_factory=lambda: np.zeros(0))
    excess: float = np.nan

    def path(self, node: int) -> list[int]:
        """Nodes from this one up to the root."""
        out = []
        while node >= 0:
            out.append(node)
            node = self.parent[node]
        return out

    def below(self, node: int) -> list[int]:
        """Leaves below a node."""
        if self.left[node] < 0:
            return [node]
        return self.below(self.left[node]) + self.below(self.right[node])

    def coefficients(self, leaf: int) -> Ints:
        """Positions of the coefficients on the path of a leaf."""
        path = set(self.path(leaf))
        return np.array([j for j, v in enumerate(self.node) if v in path], dtype=np.int64)

    def add(self, node: int, term: int, output: int, value: float = 0.0) -> None:
        """Give a node one more coefficient."""
        self.node.append(node)
        self.term.append(term)
        self.output.append(output)
        self.beta = np.append(self.beta, value)

    def drop(self, positions: set[int]) -> None:
        """Take coefficients away."""
        keep = [j for j in range(len(self.node)) if j not in positions]
        self.node = [self.node[j] for j in keep]
        self.term = [self.term[j] for j in keep]
        self.output = [self.output[j] for j in keep]
        self.beta = self.beta[keep]

    def push_down(self) -> None:
        """Where both children have a node's own coefficient too, it is one too many: add it to theirs."""
        place = {key: j for j, key in enumerate(zip(self.node, self.term, self.output, strict=True))}
        gone: set[int] = set()
        for (v, t, k), j in sorted(place.items()):
            below = [place.get((child, t, k), -1) for child in (self.left[v], self.right[v])]
            if t != self.intercept and self.left[v] >= 0 and min(below) >= 0:
                self.beta[below] += self.beta[j]
                gone.add(j)
        if gone:
            self.drop(gone)

    def split(
        self, leaf: int, feature: int, goes_left: NDArray[np.bool_], cost: float, left: Ints, right: Ints
    ) -> None:
        """Make a leaf a node with two leaves, which hold the rows given."""
        self.feature[leaf], self.goes_left[leaf], self.split_cost[leaf] = feature, goes_left, cost
        del self.members[leaf]
        for name, rows in (("left", left), ("right", right)):
            getattr(self, name)[leaf] = len(self.parent)
            self.members[len(self.parent)] = rows
            self.parent.append(leaf)
            self.left.append(-1)
            self.right.append(-1)
            self.feature.append(-1)
            self.goes_left.append(np.zeros(256, dtype=np.bool_))
            self.split_cost.append(0.0)

    def depth(self, node: int) -> int:
        """Splits above a node."""
        return len(self.path(node)) - 1


def respond(eta: Floats, loss: Loss) -> Floats:
    """Means ``(n, K)`` of linear predictors: themselves, 1 / (1 + exp(-eta)), or the softmax over outputs."""
    if loss == "squared":
        return eta
    out: Floats = expit(eta) if loss == "binary" else softmax(eta, axis=1)
    return out


def curvature(mean: Floats, loss: Loss) -> Floats:
    """Second derivative of the loss by each linear predictor, ``(n, K)``: 1, or m (1 - m) at the mean m."""
    return np.ones_like(mean) if loss == "squared" else mean * (1.0 - mean)


def mean_loss(eta: Floats, targets: Floats, weight: Floats, loss: Loss) -> float:
    """Weighted loss: cross-entropy to soft labels in nats, or half the squared error."""
    return float(weight @ row_losses(eta, targets, loss))


def row_losses(eta: Floats, targets: Floats, loss: Loss) -> Floats:
    r"""Loss ``(n,)`` of each row, see :func:`mean_loss`.

    :math:`\frac12 \sum_k (y_k - \eta_k)^2` of values, :math:`\log(1 + e^{\eta}) - y\,\eta` of two classes and
    :math:`\log\sum_k e^{\eta_k} - \sum_k y_k \eta_k` of more.
    """
    if loss == "squared":
        return 0.5 * ((targets - eta) ** 2).sum(axis=1)
    top = np.logaddexp(0.0, eta[:, 0]) if loss == "binary" else logsumexp(eta, axis=1)
    return np.asarray(top - (targets * eta).sum(axis=1))


@dataclass(frozen=True, eq=False)
class _Block:
    """The rows of one leaf and the columns on its path.

    ``X`` is ``(n_leaf, q)``, ``at`` ``(q,)`` has the place of each column's coefficient in the tree's, ``columns[k]``
    the columns of output k.
    """

    X: Floats
    at: Ints
    columns: tuple[Ints, ...]
    targets: Floats
    weight: Floats


def _block(problem: LinearTreeProblem, model: LinearTree, leaf: int) -> _Block:
    """Rows and columns of one leaf; see :class:`_Block`."""
    rows, at = model.members[leaf], model.coefficients(leaf)
    output = np.array(model.output, dtype=np.int64)[at]
    columns = tuple(np.flatnonzero(output == k) for k in range(problem.n_outputs))
    X = problem.design[rows][:, np.array(model.term, dtype=np.int64)[at]]
    return _Block(X, at, columns, problem.targets[rows], problem.weight[rows])


def predictor(block: _Block, beta: Floats) -> Floats:
    """Linear predictors ``(n, K)`` of the rows of one leaf."""
    on_path = beta[block.at]
    return np.stack([block.X[:, c] @ on_path[c] for c in block.columns], axis=1)


def penalties(model: LinearTree, problem: LinearTreeProblem) -> Floats:
    """Ridge of each coefficient; the root's intercepts are free."""
    node, term = np.array(model.node), np.array(model.term)
    return np.where((node == 0) & (term == problem.n_terms), FREE, problem.ridge)


def _objective(problem: LinearTreeProblem, blocks: list[_Block], beta: Floats, ridge: Floats) -> float:
    """Mean loss over the rows of all leaves plus half of ``ridge[j] * beta[j] ** 2`` over all coefficients."""
    loss = sum(mean_loss(predictor(b, beta), b.targets, b.weight, problem.loss) for b in blocks)
    return float(loss + 0.5 * ridge @ beta**2)


def _derivatives(problem: LinearTreeProblem, blocks: list[_Block], beta: Floats) -> tuple[Floats, Floats]:
    r"""Gradient ``(q,)`` and Hessian ``(q, q)`` of the mean loss by all q coefficients of the tree.

    Row i brings :math:`w_i (m_{ik} - y_{ik}) x_i` to the gradient of output k and :math:`w_i (\delta_{kl} m_{ik} -
    m_{ik} m_{il}) x_i x_i^\top` to the Hessian of the outputs k and l of a softmax; outputs of the other losses do not
    meet.
    """
    slope, bend = np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    for b in blocks:
        mean = respond(predictor(b, beta), problem.loss)
        residual = (mean - b.targets) * b.weight[:, None]
        h = curvature(mean, problem.loss) * b.weight[:, None]
        for k, c in enumerate(b.columns):
            Xk, at = b.X[:, c], b.at[c]
            slope[at] += Xk.T @ residual[:, k]
            bend[np.ix_(at, at)] += Xk.T @ (Xk * h[:, k : k + 1])
            for j in range(k) if problem.loss == "softmax" else ():
                cross = Xk.T @ (b.X[:, b.columns[j]] * (b.weight * mean[:, k] * mean[:, j])[:, None])
                bend[np.ix_(at, b.at[b.columns[j]])] -= cross
                bend[np.ix_(b.at[b.columns[j]], at)] -= cross.T
    return slope, bend


def refit(problem: LinearTreeProblem, model: LinearTree, max_steps: int = 3, tolerance: float = 1e-6) -> float:
    """Fit all coefficients together by damped Newton steps; returns the mean loss with its penalty.

    Parameters
    ----------
    problem, model : LinearTreeProblem, LinearTree
        ``model.beta`` is changed.
    max_steps : int
    tolerance : float
        Stops when a full step promises less than this share of the loss: the gradient times the step, twice what the
        quadratic would fall.
    """
    blocks = [_block(problem, model, leaf) for leaf in sorted(model.members)]
    ridge = penalties(model, problem)
    beta, value = model.beta, _objective(problem, blocks, model.beta, ridge)
    for _ in range(max_steps):
        slope, bend = _derivatives(problem, blocks, beta)
        slope = slope + ridge * beta
        bend[np.diag_indices_from(bend)] += ridge
        step = cho_solve(cho_factor(bend, check_finite=False), slope, check_finite=False)
        promised = float(slope @ step)
        if promised <= tolerance * max(abs(value), 1e-12):
            break
        size = 1.0
        while (new := _objective(problem, blocks, beta - size * step, ridge)) > value - ARMIJO * size * promised:
            size /= 2.0
            if size < SMALLEST_SHARE:
                break
        if size < SMALLEST_SHARE:
            break
        beta, value = beta - size * step, new
    model.beta = beta
    return value


def degrees_of_freedom(problem: LinearTreeProblem, model: LinearTree) -> float:
    r"""What the coefficients count after shrinkage: :math:`\operatorname{tr} H (H + R)^{-1}`, of q at most q."""
    blocks = [_block(problem, model, leaf) for leaf in sorted(model.members)]
    _, bend = _derivatives(problem, blocks, model.beta)
    ridged = cho_factor(bend + np.diag(penalties(model, problem)), check_finite=False)
    return float(np.trace(cho_solve(ridged, bend, check_finite=False)))


def decrement(problem: LinearTreeProblem, model: LinearTree) -> float:
    """By how much one more of Newton's steps would lower the penalised loss per row, on the rows of all leaves."""
    blocks = [_block(problem, model, leaf) for leaf in sorted(model.members)]
    ridge = penalties(model, problem)
    slope, bend = _derivatives(problem, blocks, model.beta)
    slope = slope + ridge * model.beta
    bend[np.diag_indices_from(bend)] += ridge
    return 0.5 * float(slope @ cho_solve(cho_factor(bend, check_finite=False), slope, check_finite=False))
