"""Every sampler keeps bounds, integers, categories, groups and rules; and each is what it says it is."""

from __future__ import annotations

import functools
import inspect

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.base import clone

from explaindistill import plugins
from explaindistill.data.neighbours import nearest, positions
from explaindistill.data.row_keys import row_keys
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Sampler
from explaindistill.samplers.boundary import BoundarySampler
from explaindistill.samplers.copula import CopulaSampler
from explaindistill.samplers.munge import MungeSampler, _snap
from explaindistill.samplers.observed import ObservedSampler
from explaindistill.samplers.uniform import UniformSampler
from explaindistill.teachers.callable import CallableTeacher

YOUNG = CallableTeacher(lambda X: np.where(X["age"] < 45, "young", "old"), classes=["young", "old"], output="labels")


def in_the_folder():
    """Samplers by the names of their files; one that asks a teacher gets one."""
    samplers = {}
    for name in plugins.names("samplers"):
        kind = next(thing for thing in plugins.public("samplers", name).values() if isinstance(thing, type))
        needs_teacher = "teacher" in inspect.signature(kind).parameters
        samplers[name] = functools.partial(kind, teacher=YOUNG) if needs_teacher else kind
    return samplers


EVERY = in_the_folder()
MAKERS = [name for name, make in EVERY.items() if "constraints" in inspect.signature(make).parameters]


def mixed(n=400, seed=0):
    rng = np.random.default_rng(seed)
    income = rng.lognormal(8, 0.6, n).round(2)
    home = rng.integers(0, 3, n)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": income,
            "loan": (income * rng.uniform(0.5, 9.5, n)).round(2),
            "job": rng.choice(["clerk", "cook", "smith"], n),
            "grade": pd.Categorical(rng.choice(["A", "B", "C"], n), ["A", "B", "C"], ordered=True),
            "member": rng.random(n) < 0.3,
            "since": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, n), unit="D"),
            "home_own": (home == 0).astype(int),
            "home_rent": (home == 1).astype(int),
            "home_other": (home == 2).astype(int),
        }
    )
    frame.loc[rng.random(n) < 0.1, "job"] = None
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    return frame


def test_every_sampler_is_in_the_contract():
    assert sorted(EVERY) == plugins.names("samplers")
    assert {"boundary", "copula", "marginal", "munge", "uniform"} <= set(MAKERS) < set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_the_contract(name):
    X = mixed()
    before = X.copy(deep=True)
    sampler = EVERY[name]()
    assert sampler.fit(X) is sampler
    assert isinstance(sampler, Sampler)
    draw = sampler.draw(700, np.random.default_rng(1))
    rows = draw.rows
    assert list(rows.index) == list(range(700))
    assert rows.dtypes.astype(str).tolist() == X.dtypes.astype(str).tolist()
    assert rows.columns.tolist() == X.columns.tolist()
    schema = sampler.schema_
    Z = schema.encode(rows)
    for i, f in enumerate(schema.features):
        z = Z[~np.isnan(Z[:, i]), i]
        assert np.isnan(Z[:, i]).any() <= f.nullable
        if f.is_category:
            assert set(z) <= set(range(len(f.categories)))
        else:
            assert z.min() >= f.minimum
            assert z.max() <= f.maximum
        if f.kind in ("integer", "boolean"):
            assert (z == np.rint(z)).all()
    assert (rows[["home_own", "home_rent", "home_other"]].sum(axis=1) == 1).all()
    assert draw.parents.dtype == np.int64
    assert len(draw.parents) == len(draw.observed) == 700
    assert draw.observed.all() == (name not in MAKERS), "rows that are made keep constraints= and private="
    assert draw.parents.max() < len(X)
    assert draw.parents.min() >= -1
    again = clone(EVERY[name](), safe=False).fit(X, Schema.infer(X)).sample(700, np.random.default_rng(1))
    pd.testing.assert_frame_equal(again, rows)
    pd.testing.assert_frame_equal(X, before)
    assert len(sampler.sample(1, np.random.default_rng(0))) == 1
    with pytest.raises(InvalidInputError, match="n must be at least 1, got 0"):
        sampler.draw(0, np.random.default_rng(0))


@pytest.mark.parametrize("name", MAKERS)
def test_rules_are_kept(name):
    X = mixed()
    rules = ["loan <= income * 10", "not (member and grade == 'C')", "job in ['clerk', 'cook'] or age < 60"]
    sampler = EVERY[name](constraints=rules).fit(X)
    draw = sampler.draw(1500, np.random.default_rng(0))
    rows = draw.rows
    assert not (rows["loan"] > rows["income"] * 10).any()
    assert not (rows["member"] & (rows["grade"] == "C")).any()
    assert not ((rows["job"] == "smith") & (rows["age"] >= 60)).any()
    parents = X.iloc[draw.parents[draw.parents >= 0]]
    assert not (parents["member"] & (parents["grade"] == "C")).any()


@pytest.mark.parametrize("name", MAKERS)
def test_private_rows_are_no_copies(name):
    X = mixed()
    rows = EVERY[name](private=True).fit(X).sample(1500, np.random.default_rng(0))
    assert not np.isin(row_keys(rows)[:, 0], row_keys(X)[:, 0]).any()


def test_what_cannot_be_kept_is_told():
    X = pd.DataFrame({"a": [0, 1] * 10, "b": [1, 0] * 10})
    with pytest.raises(InvalidInputError, match="private=True could not be kept"):
        MungeSampler(private=True).fit(X).sample(5, np.random.default_rng(0))
    X = pd.DataFrame({"a": np.arange(10.0) + 0.5, "b": np.arange(10.0) + 0.5})
    with pytest.raises(InvalidInputError, match="constraint 'a == b' could not be kept in 50 rounds"):
        UniformSampler(constraints=["a == b"]).fit(X).sample(50, np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="kept by none of the 10 rows"):
        UniformSampler(constraints=["a > b"]).fit(X)
    with pytest.raises(InvalidInputError, match="must be a list of texts, got one text"):
        UniformSampler(constraints="a > b").fit(X)


def test_observed_rows_come_in_rounds():
    X = mixed(50)
    draw = ObservedSampler().fit(X).draw(120, np.random.default_rng(0))
    assert sorted(draw.parents[:50, 0]) == list(range(50))
    assert np.bincount(draw.parents[:, 0]).max() == 3
    assert draw.observed.all()
    pd.testing.assert_frame_equal(draw.rows, X.iloc[draw.parents[:, 0]].reset_index(drop=True))


def known(n=4000, seed=0):
    """Rows of a generator whose mean, correlation and shares are known."""
    rng = np.random.default_rng(seed)
    z = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], n)
    return pd.DataFrame(
        {"a": z[:, 0], "b": np.exp(z[:, 1]), "c": np.where(z[:, 0] + rng.normal(size=n) > 0.5, "x", "y")}
    )


@pytest.mark.parametrize(("name", "correlated"), [("munge", True), ("copula", True), ("marginal", False)])
def test_a_known_generator_is_reproduced(name, correlated):
    X = known()
    rows = EVERY[name]().fit(X).sample(8000, np.random.default_rng(1))
    assert abs(rows["a"].mean()) < 0.06
    assert abs(rows["a"].std() - 1) < 0.06
    assert abs((rows["c"] == "x").mean() - (X["c"] == "x").mean()) < 0.03
    rho = rows[["a", "b"]].corr("spearman").iloc[0, 1]
    assert abs(rho - (0.786 if correlated else 0.0)) < 0.05
    gap = rows.groupby("c")["a"].mean().diff().iloc[-1] - X.groupby("c")["a"].mean().diff().iloc[-1]
    assert (abs(gap) < 0.1) == correlated


def test_one_copula_is_the_gaussian_copula():
    X = known()
    rows = CopulaSampler(n_groups=1).fit(X).sample(8000, np.random.default_rng(1))
    assert abs(rows[["a", "b"]].corr("spearman").iloc[0, 1] - X[["a", "b"]].corr("spearman").iloc[0, 1]) < 0.02
    assert set(CopulaSampler().fit(X.assign(k=1.0)).sample(9, np.random.default_rng(0))["k"]) == {1.0}


def test_a_copula_keeps_what_is_tied_together():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 5, 1000)
    names = np.array(["e", "b", "d", "a", "c"])
    X = pd.DataFrame({"level": level, "name": names[level]})
    rows = CopulaSampler(n_groups=1).fit(X).sample(3000, rng)
    assert (names[rows["level"]] == rows["name"]).mean() > 0.99


def test_a_copula_correlates_the_normal_scores_of_mid_ranks():
    X = known(60)[["a", "b"]]
    copula = CopulaSampler(n_groups=1).fit(X)._copulas[0]
    scores = norm.ppf((X.rank() - 0.5) / len(X))
    np.testing.assert_allclose(copula.root @ copula.root, np.corrcoef(scores.T), atol=1e-12)


def test_a_copula_keeps_the_share_of_missing_categories():
    X = mixed(2000)
    made = CopulaSampler(n_groups=1).fit(X).sample(4000, np.random.default_rng(0))
    assert abs(made["job"].isna().mean() - X["job"].isna().mean()) < 0.02
    assert abs(made["income"].isna().mean() - X["income"].isna().mean()) < 0.02
    first, last = (made[f"home_{kind}"].mean() for kind in ("own", "other"))
    assert abs(first - X["home_own"].mean()) < 0.1
    assert abs(last - X["home_other"].mean()) < 0.1


def test_copula_without_numbers_and_with_wrong_groups():
    X = pd.DataFrame({"c": ["x", "y", None] * 100, "d": ["p", "q", "q"] * 100})
    rows = CopulaSampler().fit(X).sample(300, np.random.default_rng(0))
    assert set(rows["d"]) == {"p", "q"}
    for wrong in (0, "many", 1.5):
        with pytest.raises(InvalidInputError, match="n_groups must be at least 1"):
            CopulaSampler(n_groups=wrong).fit(X)


def test_uniform_is_uniform():
    X = pd.DataFrame({"a": [0, 1, 9], "c": ["x", "x", "y"], "f": [0.0, 1.0, np.nan]})
    rows = UniformSampler().fit(X).sample(20_000, np.random.default_rng(0))
    assert np.abs(np.bincount(rows["a"]) / 20_000 - 0.1).max() < 0.01
    assert abs((rows["c"] == "x").mean() - 0.5) < 0.02
    assert abs(rows["f"].isna().mean() - 1 / 3) < 0.02


def test_munge_the_slow_way():
    """Each column of a new row is the base's, or near the neighbour's as the formula says."""
    X = known(300)
    sampler = MungeSampler(p=0.4, s=3.0, n_neighbours=2, support="free").fit(X)
    draw = sampler.draw(6000, np.random.default_rng(0))
    base, other = X.iloc[draw.parents[:, 0]], X.iloc[draw.parents[:, 1]]
    a, ea, oa = draw.rows["a"].to_numpy(), base["a"].to_numpy(), other["a"].to_numpy()
    changed = a != ea
    assert abs(changed.mean() - 0.4) < 0.02
    inside = (np.abs(oa) < 2) & changed
    score = ((a - oa) / (np.abs(ea - oa) / 3.0))[inside]
    assert abs(score.mean()) < 0.05
    assert abs(score.std() - 1) < 0.05
    c = draw.rows["c"].to_numpy()
    assert ((c == base["c"].to_numpy()) | (c == other["c"].to_numpy())).all()


def test_rows_that_are_drawn_again_tell_their_own_parents():
    X = mixed().dropna().reset_index(drop=True)
    draw = MungeSampler(constraints=["loan <= income * 2"]).fit(X).draw(1500, np.random.default_rng(0))
    base, other = (X.iloc[draw.parents[:, i]].reset_index(drop=True) for i in (0, 1))
    for name in ("job", "grade", "member"):
        mine = draw.rows[name].astype(object).to_numpy()
        assert ((mine == base[name].astype(object)) | (mine == other[name].astype(object))).all(), name


def test_a_number_in_the_middle_goes_to_the_lower_value():
    assert _snap(np.array([1.5, 1.6, 9.0, -3.0]), np.array([1.0, 2.0, 4.0])).tolist() == [1.0, 2.0, 4.0, 1.0]


def test_munge_stays_on_observed_values_where_they_repeat():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"gain": np.where(rng.random(500) < 0.9, 0.0, rng.integers(1, 9, 500) * 100.5), "x": rng.normal(size=500)}
    )
    rows = MungeSampler().fit(X).sample(2000, rng)
    assert set(rows["gain"]) <= set(X["gain"])
    assert not set(rows["x"]) <= set(X["x"])
    rows = MungeSampler(support="observed").fit(X).sample(2000, rng)
    assert set(rows["x"]) <= set(X["x"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": 0}, "p must lie above 0"),
        ({"s": 0}, "s must be above 0"),
        ({"n_neighbours": 0}, "n_neighbours must be at least 1"),
        ({"support": "none"}, "support must be"),
    ],
)
def test_wrong_munge(options, message):
    with pytest.raises(InvalidInputError, match=message):
        MungeSampler(**options).fit(mixed(20))


def test_a_single_row():
    X = mixed(1)
    X["income"] = 100.0
    X["job"] = "cook"
    rows = MungeSampler().fit(X).sample(3, np.random.default_rng(0))
    assert len(rows.drop_duplicates()) == 1


def test_boundary_rows_lie_between_two_decisions():
    X = mixed()
    sampler = BoundarySampler(YOUNG, n_steps=8).fit(X)
    asked = sampler.n_questions_
    assert asked == len(X)
    draw = sampler.draw(200, np.random.default_rng(0))
    assert sampler.n_questions_ == asked + 200 * 8
    assert draw.rows["age"].between(43, 46).all()
    sides = X["age"].to_numpy()[draw.parents] < 45
    assert (sides[:, 0] != sides[:, 1]).all()


def test_boundary_rows_begin_between_near_rows():
    X = mixed()
    sampler = BoundarySampler(YOUNG).fit(X)
    parents = sampler.draw(300, np.random.default_rng(0)).parents
    points = positions(sampler.ground_.Z, sampler.schema_)
    gap = ((points[parents[:, 0]] - points[parents[:, 1]]) ** 2).sum(axis=1)
    chance = ((points[parents[:, 0]] - points[np.roll(parents[:, 1], 1)]) ** 2).sum(axis=1)
    assert gap.mean() < 0.6 * chance.mean()


def test_boundary_takes_no_more_steps_than_its_teacher_may_still_answer():
    class Purse:
        classes_, remaining, asked = YOUNG.classes_, 10_000, 0

        def predict(self, X):
            self.asked += len(X)
            return YOUNG.predict(X)

    purse = Purse()
    sampler = BoundarySampler(purse, n_steps=8).fit(mixed())
    purse.remaining, purse.asked = 70, 0
    assert len(sampler.sample(20, np.random.default_rng(0))) == 20
    assert purse.asked == 60


def test_boundary_needs_a_boundary():
    X = mixed(50)
    with pytest.raises(InvalidInputError, match="must be a classifier"):
        BoundarySampler(CallableTeacher(np.sum)).fit(X)
    with pytest.raises(InvalidInputError, match="decides all 50 rows alike"):
        BoundarySampler(YOUNG).fit(X.assign(age=np.arange(50) % 10 + 20))
    with pytest.raises(InvalidInputError, match="n_steps must be at least 1"):
        BoundarySampler(YOUNG, n_steps=0).fit(X)


def test_neighbours_are_the_slow_ones_when_few():
    points = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    slow = np.argsort(((points[:, None] - points) ** 2).sum(axis=2) + np.diag([np.inf] * 60), axis=1)[:, :4]
    assert (np.sort(nearest(points, 4), axis=1) == np.sort(slow, axis=1)).all()
    assert nearest(points[:1], 3).tolist() == [[0]]
    assert nearest(points[:2], 3).tolist() == [[1], [0]]


def test_neighbours_are_near_when_many(monkeypatch):
    monkeypatch.setattr("explaindistill.data.neighbours.EXACT_ROWS", 100)
    monkeypatch.setattr("explaindistill.data.neighbours.LEAF_ROWS", 64)
    points = np.random.default_rng(0).normal(size=(1500, 3)).astype(np.float32)
    found = nearest(points, 3)
    gaps = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert (found != np.arange(1500)[:, None]).all()
    assert (np.diff(np.sort(found, axis=1), axis=1) > 0).all()
    rank = (gaps < np.take_along_axis(gaps, found, axis=1).max(axis=1, keepdims=True)).sum(axis=1)
    assert np.median(rank) <= 8


def test_positions_weigh_columns_alike():
    X = mixed(500)
    schema = Schema.infer(X)
    points = positions(schema.encode(X), schema)
    assert np.isfinite(points).all()
    job = pd.DataFrame({"job": [f"j{i % 40}" for i in range(400)]})
    s = Schema.infer(job)
    assert positions(s.encode(job), s).shape == (400, 32)
    constant = pd.DataFrame({"a": [1.0, 1.0]})
    s = Schema.infer(constant)
    assert positions(s.encode(constant), s).shape == (2, 1)
