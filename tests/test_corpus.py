"""What a corpus weighs, row by row: known parents, known leaves."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.case import aligned
from explaindistill.corpus import compose
from explaindistill.protocols import Draw
from explaindistill.schema import Schema
from explaindistill.targets import SoftTargets
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.topping import top_up

FRAME = pd.DataFrame({"a": np.arange(40) / 8})


class Known:
    """Makes rows above those given, each from two parents that the test knows; the last from none."""

    def fit(self, X, schema=None):
        self.n = len(X)
        return self

    def draw(self, n, rng):
        parents = np.stack([np.arange(n), np.arange(n) + 1], axis=1)
        parents[-1] = -1
        return Draw(pd.DataFrame({"a": 100 + np.arange(n) / 8}), parents, np.zeros(n, dtype=bool))

    def sample(self, n, rng):
        return self.draw(n, rng).rows


class Inside:
    """Makes rows spread over the range of the rows it was fitted to."""

    def fit(self, X, schema=None):
        self.low, self.high = X["a"].min(), X["a"].max()
        return self

    def sample(self, n, rng):
        return pd.DataFrame({"a": rng.uniform(self.low, self.high, n)})


def test_made_up_rows_inherit_the_mean_weight_of_their_parents():
    weight = np.arange(1.0, 41.0) ** 2
    teacher = CallableTeacher(lambda X: X["a"].to_numpy())
    schema = Schema.infer(FRAME)
    targets, corpus = compose(teacher, schema, FRAME, weight, sampler=Known(), n_queries=50, seed=0)
    np.testing.assert_array_equal(targets.weight[:40], weight)
    expected = np.r_[(weight[:9] + weight[1:10]) / 2, weight.mean()]
    np.testing.assert_allclose(targets.weight[40:], expected)
    assert corpus.synthetic_weight == pytest.approx(expected.sum() / (expected.sum() + weight.sum()))


def test_top_up_leaves_every_leaf_the_weight_it_had():
    def route(rows):
        return (rows["a"].to_numpy() >= 4).astype(np.intp)

    def ask(rows):
        return rows["a"].to_numpy()

    weight = np.linspace(1, 3, 40)
    before = SoftTargets(FRAME, ask(FRAME), weight, np.full(40, "observed"), None, 40)
    schema = Schema.infer(FRAME)
    after = top_up(before, route, ask, Inside(), schema, 60, np.random.default_rng(0), leaf_rows=30)
    leaf = route(after.X)
    assert np.bincount(leaf).tolist() == [32, 30]
    np.testing.assert_allclose(np.bincount(leaf, after.weight), np.bincount(route(FRAME), weight))
    np.testing.assert_array_equal(after.P, ask(after.X))
    assert after.n_queries == len(after) == 62


def test_columns_stand_under_their_classes():
    P = aligned(np.array([[0.3, 0.7]]), np.array(["b", "d"]), np.array(["a", "b", "c", "d"]))
    assert P.tolist() == [[0.0, 0.3, 0.0, 0.7]]
