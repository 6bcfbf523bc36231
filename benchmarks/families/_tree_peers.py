"""Runs in an opponent's own environment: fit to ``in.npz`` (X, P, T), write ``out-*.npz`` (method, size, Q, leaves)."""

import sys
from pathlib import Path

import numpy as np


def main(package, folder, *sizes):
    given = np.load(Path(folder) / "in.npz")
    X, P, T = given["X"], given["P"], given["T"]
    for size in map(int, sizes):
        for method, Q, leaves in PACKAGES[package](X, P, T, size):
            name = f"out-{method.replace(' ', '_')}-{size}.npz"
            np.savez(Path(folder) / name, method=method, size=size, Q=Q, leaves=leaves)


def wide(Q, classes, k):
    out = np.zeros((len(Q), k))
    out[:, np.asarray(classes, dtype=int)] = Q
    return out


def trustee(X, P, T, size):
    """The settings of its README: samples_size 0.3, 10 inner and 3 outer iterations, no top-k pruning."""
    from trustee import ClassificationTrustee

    known = {row.tobytes(): i for i, row in enumerate(np.ascontiguousarray(X))}
    labels = P.argmax(axis=1)

    class Expert:
        def predict(self, rows):
            rows = np.ascontiguousarray(np.asarray(rows, dtype=X.dtype))
            return np.array([labels[known[row.tobytes()]] for row in rows])

    np.random.seed(0)  # noqa: NPY002 - its sampling has no other seed
    student = ClassificationTrustee(expert=Expert())
    options = {"num_iter": 10, "num_stability_iter": 3, "samples_size": 0.3, "max_leaf_nodes": size, "verbose": False}
    student.fit(X, labels, **options)
    tree = student.explain()[0]
    yield "trustee", wide(tree.predict_proba(T), tree.classes_, P.shape[1]), tree.get_n_leaves()


def interpret(X, P, T, size):
    from interpret_community.mimic.models.tree_model import DecisionTreeExplainableModel

    labels = P.argmax(axis=1)
    student = DecisionTreeExplainableModel(multiclass=True, random_state=0, max_leaf_nodes=size)
    student.fit(X, labels)
    yield "interpret-community", wide(student.predict_proba(T), np.unique(labels), P.shape[1]), size


def imodels(X, P, T, size):
    from imodels import GreedyTreeClassifier, HSTreeClassifier

    labels = P.argmax(axis=1)
    classes, codes = np.unique(labels, return_inverse=True)
    kinds = {
        "imodels HSTree": lambda: HSTreeClassifier(max_leaf_nodes=size, random_state=0),
        "imodels greedy": lambda: GreedyTreeClassifier(max_leaf_nodes=size, random_state=0),
    }
    for name, make in kinds.items():
        try:
            student = make()
            student.fit(X, codes)
            Q = student.predict_proba(T)
        except Exception as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        if Q.shape[1] == len(classes):
            yield name, wide(Q, classes, P.shape[1]), size


def figs(X, P, T, size):
    """As many rules in all as a tree of ``size`` leaves has splits; a sum of trees, and for two classes only."""
    from imodels import FIGSClassifier

    labels = P.argmax(axis=1)
    if P.shape[1] > 2:
        raise ValueError("FIGSClassifier knows two classes only")
    classes, codes = np.unique(labels, return_inverse=True)
    student = FIGSClassifier(max_rules=size - 1, random_state=0).fit(X, codes)
    yield "imodels FIGS", wide(student.predict_proba(T), classes, P.shape[1]), sum(map(_figs_leaves, student.trees_))


def _figs_leaves(node):
    return 1 if node.left is None else _figs_leaves(node.left) + _figs_leaves(node.right)


def pystreed(X, P, T, size):
    """Depth 3 for 8 leaves, 4 for 16; per-row costs of each class; six cuts a column, at most 60; 20 seconds."""
    from pystreed import STreeDInstanceCostSensitiveClassifier

    depth = {8: 3, 16: 4}.get(size)
    if depth is None:
        return
    bits = {"n_thresholds": 6, "max_num_binary_features": 60}
    student = STreeDInstanceCostSensitiveClassifier(max_depth=depth, time_limit=20, **bits)
    student.fit(X, 1 - P)
    yield "pystreed", np.eye(P.shape[1])[np.asarray(student.predict(T), dtype=int)], student.get_n_leaves()


PACKAGES = {
    "trustee": trustee,
    "interpret-community": interpret,
    "imodels": imodels,
    "figs": figs,
    "pystreed": pystreed,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
