"""What a corpus weighs, row by row: known parents, known leaves."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.answers import aligned
from explaindistill.data.schema import Schema
from explaindistill.distillation.corpus import QueryPlan, compose
from explaindistill.distillation.made_rows import FitRows
from explaindistill.protocols import Draw
from explaindistill.samplers.boundary import BoundarySampler
from explaindistill.teachers.callable import CallableTeacher

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


def test_made_up_rows_inherit_the_mean_weight_of_their_parents():
    weight = np.arange(1.0, 41.0) ** 2
    teacher = CallableTeacher(lambda X: X["a"].to_numpy())
    rows = FitRows.of(FRAME, Schema.infer(FRAME), weight)
    composed = compose(teacher, rows, QueryPlan(50, sampler=Known()))
    targets, corpus = composed.targets, composed.corpus
    np.testing.assert_array_equal(targets.weight[:40], weight)
    expected = np.r_[(weight[:9] + weight[1:10]) / 2, weight.mean()]
    np.testing.assert_allclose(targets.weight[40:], expected)
    assert corpus.synthetic_weight == pytest.approx(expected.sum() / (expected.sum() + weight.sum()))


def test_columns_stand_under_their_classes():
    P = aligned(np.array([[0.3, 0.7]]), np.array(["b", "d"]), np.array(["a", "b", "c", "d"]))
    assert P.tolist() == [[0.0, 0.3, 0.0, 0.7]]


class Counting:
    """Two classes cut at 0.5 of the first column; counts distinct rows over its whole life."""

    classes_ = np.array([0, 1])

    def __init__(self):
        self.seen = []

    def predict_proba(self, X):
        self.seen.append(np.asarray(X, dtype=float))
        p = 1 / (1 + np.exp(-9 * (np.asarray(X, dtype=float)[:, 0] - 0.5)))
        return np.c_[1 - p, p]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return None

    def __sklearn_clone__(self):
        return self

    @property
    def n(self):
        return sum(map(len, self.seen))


@pytest.mark.parametrize("n_queries", [60, 300, 301, 400, 1200])
@pytest.mark.parametrize(
    "options",
    [{}, {"query_strategy": "committee"}, {"query_strategy": "boundary", "proxy": "gam"}],
    ids=str,
)
def test_a_sampler_that_asks_keeps_the_budget(n_queries, options):
    X = pd.DataFrame(np.random.default_rng(0).random((300, 2)), columns=["a", "b"])
    teacher = Counting()
    sampler = BoundarySampler(teacher, n_steps=5, n_seeds=50)
    d = xd.Distiller(
        teacher, xd.TreeClassifier(max_leaf_nodes=4), sampler=sampler, n_queries=n_queries, random_state=0, **options
    ).fit(X)
    assert teacher.n == d.n_queries_ <= n_queries
    assert len(np.unique(np.vstack(teacher.seen), axis=0)) == teacher.n
    assert sampler.teacher is teacher
    assert (d.corpus_.n_asked, d.corpus_.n_allowed) == (teacher.n, n_queries)


def test_a_sampler_that_asks_makes_rows_at_the_boundary_within_the_budget():
    X = pd.DataFrame(np.random.default_rng(0).random((300, 2)), columns=["a", "b"])
    teacher = Counting()
    d = xd.Distiller(
        teacher, xd.TreeClassifier(), sampler=BoundarySampler(teacher, n_steps=6), n_queries=1000, random_state=0
    ).fit(X)
    assert d.corpus_.n_synthetic == 100
    last = teacher.seen[-1][:, 0]
    assert (np.abs(last - 0.5) < 0.02).mean() > 0.9


def test_the_corpus_says_who_answered():
    X = pd.DataFrame(np.random.default_rng(0).random((300, 2)), columns=["a", "b"])
    d = xd.Distiller(Counting(), xd.TreeClassifier(), n_queries=100, proxy="gam", random_state=0).fit(X)
    facts = d.corpus_.to_frame().set_index("fact")["value"]
    assert facts["real rows the teacher answered"] == "100"
    assert facts["real rows a proxy answered"] == "200"
    made = int(facts["made-up rows a proxy answered"]), int(facts["made-up rows the teacher answered"])
    # made-up rows that equal a real row that was asked have the teacher's answer
    assert made[0] > 1000
    assert sum(made) == 1200
    assert facts["proxy"] == "gam"
