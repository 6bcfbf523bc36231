"""A teacher whose rule is known, two students of it, and one audit of them, shared by the tests of this room."""

import numpy as np
import pytest

import explaindistill as xd
from explaindistill.data import datasets

REQUIREMENTS = {"fidelity.agreement": ">= 0.9", "bias.worst_impact_ratio": ">= 0.8"}


class KnownRule:
    """A teacher whose rule is known: approve where debt is low, and for men a little more."""

    classes_ = np.array(["approved", "declined"])

    def predict_proba(self, X):
        z = 2.0 - 6.0 * X["debt_ratio"].fillna(0.3).to_numpy(dtype=float) + 1.5 * (X["sex"] == "male").to_numpy()
        p = 1 / (1 + np.exp(-3 * z))
        return np.c_[p, 1 - p]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return "rule"

    def __sklearn_clone__(self):
        return self


@pytest.fixture(scope="session", name="Rule")
def _rule():
    """The class of the teacher."""
    return KnownRule


@pytest.fixture(scope="session", name="pick")
def _pick():
    """Lines of a frame that have the wanted values."""
    return pick


@pytest.fixture(scope="session")
def lending():
    return datasets.lending(6000, random_state=1)


@pytest.fixture(scope="session")
def pair(lending):
    X, y = lending.X, lending.y
    train, test = X.iloc[:3000], X.iloc[3000:]
    tree = xd.Distiller(KnownRule(), xd.TreeClassifier(max_leaf_nodes=16), n_queries=6000, random_state=0).fit(train)
    linear = xd.Distiller(KnownRule(), xd.LinearClassifier(), n_queries=3000, random_state=0).fit(train)
    return tree, linear, (train, y.iloc[:3000]), (test, y.iloc[3000:])


@pytest.fixture(scope="session")
def report(pair, lending):
    tree, linear, train, (test, y) = pair
    return xd.audit(
        KnownRule(), {"tree": tree, "linear": linear}, test, y, train=train, sensitive=list(lending.sensitive),
        favorable="approved", date="2026-11-23", requirements=REQUIREMENTS,
    )  # fmt: skip


def pick(frame, **where):
    for key, value in where.items():
        frame = frame[frame[key] == value]
    return frame
