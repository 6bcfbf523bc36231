"""Corpora that grow until the student is settled."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import explaindistill as xd
from explaindistill.data.row_keys import row_keys
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.stable import _more, enlarge, half_disagreement
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.trees.stable_growth import _chance, _losses
from explaindistill.samplers.boundary import BoundarySampler
from explaindistill.samplers.munge import MungeSampler
from explaindistill.teachers.callable import CallableTeacher


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(400, 3)), columns=["b", "a", "c"])


def steps(X):
    p = np.where(X["a"] > 0.3, 0.9, np.where(X["b"] > 0, 0.6, 0.1))
    return np.c_[1 - p, p]


def smooth(X):
    p = 1 / (1 + np.exp(-(X["a"] + X["b"] + X["c"]).to_numpy()))
    return np.c_[1 - p, p]


def waves(X):
    return smooth(4 * np.sin(5 * X))


def teacher(answer):
    asked = []

    def counted(X):
        asked.append(len(X))
        return answer(X)

    return CallableTeacher(counted, classes=[0, 1]), asked


def test_a_plain_teacher_is_settled_at_once(rows):
    oracle, asked = teacher(steps)
    d = xd.Distiller(oracle, xd.TreeClassifier(max_leaf_nodes=3), n_queries="stable", random_state=0).fit(rows)
    assert len(d.enlargements_) == 1
    assert sum(asked) == d.n_queries_ == 8 * 400
    assert d.corpus_.stopped.startswith("the chance that another corpus gives another tree is 0.0")
    assert d.corpus_.to_frame()["fact"].iloc[-1] == "why no more rows were asked"
    assert d.corpus_.sampler == "CopulaSampler"
    assert d.student_.tie_tolerance == 0.15
    assert "a <= 0.3" in d.describe()
    assert "b <= 0" in d.describe()


def test_what_stays_undecided_stops_at_the_limit(rows):
    oracle, asked = teacher(smooth)
    tree = xd.TreeClassifier(max_leaf_nodes=8, tie_tolerance=0.1)  # what is set stays
    d = xd.Distiller(oracle, tree, n_queries="stable", random_state=0).fit(rows)
    assert d.student_.tie_tolerance == 0.1
    assert sum(asked) == d.n_queries_ <= 64 * 400
    assert d.enlargements_["n_queries"].is_monotonic_increasing
    assert len(d.enlargements_) == 4
    assert "64 times the rows given are reached" in d.corpus_.stopped
    assert d.corpus_.n_allowed == 64 * 400


def test_true_labels_stay_with_their_rows(rows):
    """Two equal rows with different labels keep a label each, however often the corpus grows."""
    oracle, _ = teacher(smooth)
    twice = pd.concat([rows, rows], ignore_index=True)
    y = np.repeat([0, 1], 400)
    kept = []

    class Spy(xd.TreeClassifier):
        def fit(self, X, y, sample_weight=None):
            kept.append(np.asarray(y)[:800, 1])
            return super().fit(X, y, sample_weight)

    xd.Distiller(oracle, Spy(8), n_queries="stable", label_weight=1.0, random_state=0).fit(twice, y)
    assert len(kept) > 1
    for P in kept:
        np.testing.assert_array_equal(P, y)


def test_students_without_a_test_of_their_own_are_compared_by_halves(rows):
    oracle, _ = teacher(smooth)
    d = xd.Distiller(oracle, xd.LinearClassifier(), n_queries="stable", random_state=0).fit(rows)
    assert d.enlargements_["chance"].iloc[-1] <= 0.015
    assert "two halves of the corpus is 0.0" in d.corpus_.stopped
    values = xd.Distiller(lambda X: X["a"].to_numpy() ** 2, xd.GAMRegressor(), n_queries="stable", random_state=0).fit(
        rows
    )
    assert values.enlargements_["chance"].iloc[-1] <= 0.015


def test_classes_named_by_floats_are_no_values(rows):
    found = []
    for classes in ([0, 1], [0.0, 1.0]):
        oracle = CallableTeacher(waves, classes=classes)
        student = xd.GAMClassifier(n_pairs=0, random_state=0)
        found.append(xd.Distiller(oracle, student, n_queries="stable", random_state=0).fit(rows).enlargements_)
    assert found[0]["chance"].iloc[0] > 0
    pd.testing.assert_frame_equal(*found)


def test_halves_of_a_coin_differ(rows):
    P = np.random.default_rng(0).random(400)
    targets = SoftTargets(rows, np.c_[1 - P, P], np.ones(400), np.full(400, "observed"), np.array([0, 1]), 400)

    def grow(part):
        return xd.TreeClassifier(max_leaf_nodes=16).fit(part.X, pd.DataFrame(part.P))

    assert half_disagreement(targets, grow, lambda s: s.predict(rows), 0) > 0.2


def test_refits_on_other_rows_stay_the_same_tree(rows):
    """Two columns of equal worth: the best is decided by chance, the first by name is not."""

    def trees(**options):
        found = set()
        for seed in range(6):
            X = rows.sample(400, replace=True, random_state=seed, ignore_index=True)
            P = smooth(X[["a", "b"]].assign(c=0.0))
            tree = xd.TreeClassifier(max_leaf_nodes=2, structure_temperature=0.5, **options)
            found.add(tree.fit(X, pd.DataFrame(P)).describe().splitlines()[1])
        return found

    assert trees(tie_tolerance=0.4) == {"if a <= 0:"}
    assert len(trees()) > 3


def test_no_tie_is_no_difference(rows):
    """Where one split is far ahead and its threshold is the only good one, both ways grow the same tree."""
    rows = rows.round(0)
    P = pd.DataFrame(steps(rows))
    plain = xd.TreeClassifier(max_leaf_nodes=3, structure_temperature=0.5).fit(rows, P)
    canonical = xd.TreeClassifier(max_leaf_nodes=3, tie_tolerance=0.01).fit(rows, P)
    np.testing.assert_array_equal(plain.predict_proba(rows), canonical.predict_proba(rows))
    assert canonical.chance_ < 1e-6
    assert not hasattr(plain, "chance_")
    assert not hasattr(canonical.set_params(tie_tolerance=0.0).fit(rows, P), "chance_")
    values = xd.TreeRegressor(max_leaf_nodes=3, tie_tolerance=0.05).fit(rows, steps(rows)[:, 1])
    assert values.chance_ < 1e-6


def test_the_chance_is_how_often_another_sample_decides_otherwise():
    """Two columns, the second by name slightly better: how often the first is tied, counted and as the bound says."""

    def sample(seed):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame({"a": rng.integers(0, 2, 500), "z": rng.integers(0, 2, 500)}).astype(float)
        p = 0.3 + 0.256 * X["a"] + 0.27 * X["z"] + 0.1 * rng.random(500)
        return xd.TreeRegressor(max_leaf_nodes=2, tie_tolerance=0.1).fit(X, p)

    trees = [sample(seed) for seed in range(150)]
    first = np.array([t.describe().count("if a") for t in trees]).mean()
    changes = 2 * first * (1 - first)
    assert 0.1 < first < 0.9
    assert np.mean([t.chance_ for t in trees]) > changes / 2


def test_losses_twin():
    rng = np.random.default_rng(0)
    target, weight, left = rng.random((9, 2)), rng.random(9), rng.random(9) < 0.5
    slow = [
        w * sum((t[k] - sum(weight[left == s] * target[left == s, k]) / sum(weight[left == s])) ** 2 for k in range(2))
        for t, w, s in zip(target, weight, left, strict=True)
    ]
    np.testing.assert_allclose(_losses(target, weight, left), slow)
    assert _chance(2.0, 4.0) == pytest.approx(ndtr(-1.0))
    assert _chance(1.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proxy": "gam"}, "leave query_strategy and proxy as they are"),
        ({"query_strategy": "committee"}, "leave query_strategy and proxy as they are"),
    ],
)
def test_what_stable_cannot_have(rows, options, message):
    with pytest.raises(InvalidInputError, match=message):
        xd.Distiller(teacher(steps)[0], xd.TreeClassifier(), n_queries="stable", **options).fit(rows)


def test_stable_needs_a_sampler_that_asks_nothing(rows):
    oracle, asked = teacher(steps)
    with pytest.raises(InvalidInputError, match="asks nothing itself, got BoundarySampler"):
        xd.Distiller(oracle, xd.TreeClassifier(), n_queries="stable", sampler=BoundarySampler(oracle)).fit(rows)
    assert asked == []
    d = xd.Distiller(oracle, xd.TreeClassifier(4), n_queries="stable", sampler=MungeSampler(), random_state=0).fit(rows)
    assert d.corpus_.sampler == "MungeSampler"


@pytest.mark.parametrize(("value", "search"), [(1.0, "greedy"), (-0.1, "greedy"), (0.1, "lookahead")])
def test_bad_tolerances(rows, value, search):
    with pytest.raises(InvalidInputError, match="tie_tolerance must be"):
        xd.TreeClassifier(tie_tolerance=value, search=search).fit(rows, pd.DataFrame(steps(rows)))


def test_rows_that_are_made_again_keep_their_answer_and_cost_nothing():
    X = pd.DataFrame({"a": [0.0, 1.0]})
    first = SoftTargets(X, np.array([0.3, 0.7]), np.ones(2), np.full(2, "observed"), None, 2)
    questions = []

    def ask(keyed):
        questions.append(keyed.rows["a"].tolist())
        np.testing.assert_array_equal(keyed.keys, row_keys(keyed.rows))
        return np.full(len(keyed), 9.0)

    more, keys = _more(first, row_keys(X), pd.DataFrame({"a": [1.0, 2.0, 2.0]}), np.full(3, 0.5), ask)
    assert questions == [[2.0]]
    np.testing.assert_array_equal(keys, row_keys(more.X))
    assert more.P.tolist() == [0.3, 0.7, 0.7, 9.0, 9.0]
    assert more.n_queries == 3
    assert more.weight.tolist() == [1, 1, 0.5, 0.5, 0.5]
    assert more.origin.tolist() == ["observed"] * 2 + ["synthetic"] * 3


def test_where_no_row_is_new_it_stops_and_says_so():
    X = pd.DataFrame({"a": np.repeat([0, 1], 30), "b": np.tile([0, 1], 30)})
    oracle = CallableTeacher(lambda Z: np.random.default_rng(0).random(len(Z)), classes=[0, 1])
    distiller = xd.Distiller(oracle, xd.LinearClassifier(), n_queries="stable", random_state=0)
    with pytest.warns(UserWarning, match=r"all of them are rows that were given|no row is new") as heard:
        distiller.fit(X)
    assert distiller.n_queries_ == oracle.rows_sent_.total == 4
    if "no row is new" in distiller.corpus_.stopped:
        assert any("no row is new: all that the sampler makes was asked before" in str(w.message) for w in heard)
        assert len(distiller.enlargements_) == 1


def test_enlarging_stops_where_nothing_new_is_drawn():
    X = pd.DataFrame({"a": [0.0, 1.0]})
    first = SoftTargets(X, np.array([0.3, 0.7]), np.ones(2), np.full(2, "observed"), None, 2)
    draw = lambda n, i: (pd.DataFrame({"a": np.resize([0.0, 1.0], n)}), np.ones(n))  # noqa: E731
    ask = lambda keyed: pytest.fail("there is nothing to ask")  # noqa: E731
    with pytest.warns(UserWarning, match=r"no row is new: .*; the disagreement .* is still 0\.500, above 0\.015"):
        enlarged = enlarge(first, row_keys(X), 2, draw, ask, lambda targets: object(), lambda targets: 0.5)
    assert (len(enlarged.targets), len(enlarged.path)) == (2, 1)
    assert enlarged.reason.startswith("no row is new")


def test_stable_counts_only_what_the_store_did_not_know(rows, tmp_path):
    def fitted():
        oracle = CallableTeacher(steps, classes=[0, 1], version="1")
        return xd.Distiller(
            oracle, xd.TreeClassifier(4), n_queries="stable", store=tmp_path / "l.db", random_state=0
        ).fit(rows)

    first, second = fitted().corpus_, fitted().corpus_
    assert first.n_asked == first.n_queries == second.n_queries
    assert second.n_asked == 0
