"""What a corpus weighs, row by row: known parents, known leaves."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.inputs import aligned
from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.corpus import compose
from explaindistill.protocols import Draw
from explaindistill.samplers.boundary import BoundarySampler
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


def topped(route, sampler, n_more, leaf_rows, rows=FRAME):
    before = SoftTargets(rows, rows["a"].to_numpy(), np.ones(len(rows)), np.full(len(rows), "observed"), None, 0)
    return top_up(
        before,
        route,
        lambda X: X["a"].to_numpy(),
        sampler,
        Schema.infer(rows),
        n_more,
        np.random.default_rng(0),
        leaf_rows,
    )


@pytest.mark.parametrize(("n_inside", "fitted"), [(7, 40), (8, 8)])
def test_rows_are_drawn_near_the_leaf_and_kept_inside(n_inside, fitted):
    seen = []

    class Watched(Inside):
        def fit(self, X, schema=None):
            seen.append(len(X))
            return super().fit(X)

    def route(rows):
        return (rows["a"].to_numpy() < n_inside / 8).astype(np.intp)

    after = topped(route, Watched(), 100, 20)
    assert seen == [fitted]
    assert np.bincount(route(after.X)).tolist() == [40 - n_inside, 20]


def test_the_emptiest_leaf_is_filled_first():
    def route(rows):
        return np.digitize(rows["a"].to_numpy(), [10 / 8, 22 / 8])

    after = topped(route, Inside(), 9, 30)
    assert np.bincount(route(after.X)).tolist() == [19, 12, 18]


def test_rows_that_are_known_are_not_asked_again():
    class Old(Inside):
        def sample(self, n, rng):
            return pd.DataFrame({"a": np.resize([0.0, 0.125, 0.0625, 0.0625, 0.03], n)})

    after = topped(lambda rows: np.zeros(len(rows), dtype=np.intp), Old(), 10, 50)
    assert after.X["a"].tolist()[40:] == [0.0625, 0.03]
    assert after.n_queries == 2


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
    [{}, {"query_strategy": "committee"}, {"query_strategy": "boundary", "proxy": "gam"}, {"top_up": True}],
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
