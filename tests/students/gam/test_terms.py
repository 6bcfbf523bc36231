import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax

from explaindistill import plots
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.students.gam.design import _costs
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.gam.shapes import TermGrid


def soft(f):
    p = expit(np.asarray(f, dtype=float))
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(18, 80, 600), "income": rng.lognormal(10, 1, 600)})
    X["city"] = rng.choice(["Aarau", "Bern", "Chur"], 600)
    X.loc[rng.random(600) < 0.1, "income"] = np.nan
    f = 0.05 * (X.age - 45) + X.city.map({"Aarau": -1.0, "Bern": 0.5, "Chur": 0.0}).astype(float) + X.income.isna()
    return GAMClassifier(n_pairs=1, n_jobs=1).fit(X, soft(f)), X


def test_a_pair_is_found_and_pure():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(3000, 6)), columns=list("abcdef"))
    X["b"] += 0.7 * X.a
    gam = GAMRegressor(n_pairs=1, n_jobs=1).fit(X, X.a + X.b * X.c)
    assert [s.name for s in gam.shapes_][-1] == "b × c"
    assert gam.score(X, X.a + X.b * X.c) > 0.99
    surface = gam.shape("b × c")
    assert list(surface.columns) == ["value", "label", "value_2", "label_2", "effect", "low", "high", "n"]
    pure = gam.shapes_[-1].contribution({i: X.iloc[:, i].to_numpy() for i in range(6)})[:, 0]
    assert abs(pure.mean()) < 0.01
    near = np.histogram_bin_edges(X.b, 6)
    means = [pure[(X.b > lo) & (X.b <= hi)].mean() for lo, hi in pairwise(near[1:5])]
    assert np.abs(means).max() < 0.05


def test_auto_finds_as_many_pairs_as_there_are():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(2000, 5)), columns=list("abcde"))
    gam = GAMClassifier(n_pairs="auto", n_jobs=1, random_state=0).fit(X, soft(X.a + 2 * X.b * X.c))
    assert "b × c" in {s.name for s in gam.shapes_}
    assert gam.pair_trials_.loss.iloc[1] < gam.pair_trials_.loss.iloc[0] / 5
    none = GAMRegressor(n_pairs="auto", n_jobs=1, random_state=0).fit(X, X.a + rng.normal(size=2000))
    assert all(len(s.grids) == 1 for s in none.shapes_)


def test_auto_needs_rows_to_hold_out():
    X = np.random.default_rng(0).normal(size=(30, 2))
    gam = GAMRegressor(n_pairs="auto", n_jobs=1, random_state=0).fit(X, X[:, 0])
    assert len(gam.pair_trials_) == 0
    assert len(gam.shapes_) == 2


def test_auto_and_cuts_work_for_three_classes():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(900, 3)), columns=list("abc"))
    P = np.exp(np.column_stack([X.a * X.b, X.c, -X.c]))
    gam = GAMClassifier(n_pairs="auto", max_terms=2, n_jobs=1, random_state=0).fit(X, P / P.sum(axis=1, keepdims=True))
    assert {s.name for s in gam.shapes_} == {"c", "a × b"}
    surface = gam.shape("a × b")
    assert set(surface.output) == {0, 1, 2}


@pytest.mark.parametrize("heredity", [False, True])
def test_max_terms_keeps_what_matters(heredity):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(1500, 8)), columns=list("abcdefgh"))
    y = np.sin(X.a) + X.b + 2 * X.c * X.d + 0.1 * rng.normal(size=1500)
    gam = GAMRegressor(n_pairs=2, max_terms=5 if heredity else 3, heredity=heredity, n_jobs=1).fit(X, y)
    expected = {"a", "b", "c × d"} | ({"c", "d"} if heredity else set())
    assert {s.name for s in gam.shapes_} == expected
    assert gam.score(X, y) > 0.98
    assert gam.term_path_.n_terms.iloc[-1] == len(expected)
    assert (gam.term_path_.deviance_rise >= 0).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_monotone_means_monotone_everywhere(sign):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=800), "b": rng.normal(size=800)})
    f = sign * np.sin(3 * X.a) + X.b**2
    gam = GAMClassifier(monotone={"a": sign}, n_pairs=1, n_jobs=1).fit(X, soft(f))
    probes = np.sort(np.concatenate([rng.normal(scale=3, size=50_000), rng.uniform(-10, 10, 50_000)]))
    effect = gam.shapes_[0].contribution({0: probes})[:, 0]
    assert (np.diff(effect) * sign >= -1e-12).all()
    assert (np.diff(gam.shapes_[0].values[0]) * sign >= 0).all()
    assert len(gam.shapes_) == 2


@pytest.mark.parametrize("sign", [1, -1])
def test_convex_means_convex_everywhere(sign):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.uniform(-3, 3, 800)})
    gam = GAMRegressor(convex={"a": sign}, n_jobs=1).fit(X, np.cos(X.a) * -sign)
    probes = np.linspace(-6, 6, 20_001)
    effect = gam.shapes_[0].contribution({0: probes})[:, 0]
    assert (np.diff(effect, 2) * sign >= -1e-9).all()


@pytest.mark.parametrize("monotone", [None, {"a": 1}])
def test_zero_at_a_point_is_zero_there(monotone):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.uniform(-3, 3, 500), "b": rng.normal(size=500)})
    X.loc[::7, "a"] = np.nan
    gam = GAMRegressor(zero_at={"a": 1.25}, monotone=monotone, n_jobs=1).fit(X, X.a.fillna(1) ** 2 + X.b)
    assert abs(gam.shapes_[0].contribution({0: np.array([1.25])})[0, 0]) < 1e-10


@pytest.mark.parametrize("point", [-9.0, 9.0])
def test_zero_at_a_point_beyond_the_values_seen(point):
    X = pd.DataFrame({"a": np.linspace(-3, 3, 300)})
    gam = GAMRegressor(zero_at={"a": point}, n_jobs=1).fit(X, X.a)
    effect = gam.shapes_[0].contribution({0: np.array([point, 2 * point, -3.0])})[:, 0]
    assert np.abs(effect[:2]).max() < 1e-9
    assert effect[2] == pytest.approx(-3 - point, abs=0.01)


def test_a_shape_asked_of_a_column_with_one_value_and_missing_ones():
    X = pd.DataFrame({"a": [1.0, np.nan] * 30})
    gam = GAMRegressor(monotone={"a": 1}, n_jobs=1).fit(X, X.a.isna() * 2.0)
    assert np.allclose(gam.predict(X.iloc[:2]), [0.0, 2.0], atol=0.02)


def test_counts_and_positive_values_have_their_own_losses():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.uniform(-2, 2, 4000)})
    mean = np.exp(np.sin(2 * X.a))
    for loss, y in (("poisson", rng.poisson(mean)), ("gamma", mean * rng.gamma(4, 0.25, 4000))):
        gam = GAMRegressor(loss=loss, labels="outcomes", n_jobs=1).fit(X, y)
        assert np.abs(gam.predict(X) / mean - 1).mean() < 0.06
        assert gam.explain(X.iloc[:3], as_frame=True).attrs["scale"] == "log"
        assert gam.dispersion_ == pytest.approx(1.0 if loss == "poisson" else 0.25, rel=0.25)


def test_posterior_intervals_cover_the_function():
    covered = []
    grid = np.linspace(-1.5, 1.5, 31)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.uniform(-2, 2, 1500)
        f = np.sin(2 * x)
        gam = GAMClassifier(n_jobs=1).fit(x[:, None], (rng.random(1500) < expit(f)).astype(int))
        frame = gam.shape("x0")
        truth = np.sin(2 * grid) - f.mean()
        low, high = (np.interp(grid, frame.value, frame[c]) for c in ("low", "high"))
        covered.append(np.mean((low <= truth) & (truth <= high)))
    assert 0.85 < np.mean(covered) <= 1.0


def test_edits_are_made_on_a_copy_and_recorded(fitted):
    gam, X = fitted
    flat = gam.edit("city", flatten=True, why="not allowed by law")
    assert not flat.shape("city").effect.any()
    assert gam.shape("city").effect.any()
    assert flat.edits_ == [{"term": "city", "what": "flat at 0", "why": " (not allowed by law)"}]
    assert "Edited: city: flat at 0 (not allowed by law)" in flat.describe()
    assert "edited" in flat.shape("city").attrs["interval"]
    shares = [g.importance().set_index("feature").estimate["city"] for g in (flat, gam)]
    assert shares[0] < shares[1]
    back = GAMClassifier.from_dict(json.loads(json.dumps(flat.to_dict())))
    assert np.array_equal(back.predict_proba(X), flat.predict_proba(X))


def test_a_cap_holds_everywhere_and_changes_nothing_below_it(fitted):
    gam, _ = fitted
    capped = gam.edit("age", cap=(-0.8, 0.5))
    probes = np.linspace(-100, 300, 4001)
    before, after = (g.shapes_[0].contribution({0: probes})[:, 0] for g in (gam, capped))
    assert after.min() >= -0.8 - 1e-9
    assert after.max() <= 0.5 + 1e-9
    inside = (probes > 18) & (probes < 79)
    assert np.allclose(after[inside], np.clip(before, -0.8, 0.5)[inside], atol=1e-9)
    pair = capped.shapes_[-1].name
    assert np.abs(gam.edit(pair, cap=(-0.001, 0.001)).shapes_[-1].values).max() <= 0.001
    assert gam.edit("city", cap=(-0.1, 0.1)).shape("city").effect.abs().max() <= 0.1
    assert gam.edit("income", cap=(-0.1, 0.1)).shape("income").effect.abs().max() <= 0.1


def test_flat_between_two_values(fitted):
    gam, _ = fitted
    flat = gam.edit("age", flatten=(30, 40))
    probes = np.linspace(30, 40, 101)
    assert np.ptp(flat.shapes_[0].contribution({0: probes})) < 1e-12
    same = np.array([20.0, 29.9, 40.1, 60.0])
    assert np.allclose(*(g.shapes_[0].contribution({0: same}) for g in (gam, flat)), atol=1e-6)
    gap = gam.edit("income", flatten=(30_000.0, 90_000.0))
    assert gap.shape("income").effect.notna().all()


def test_bad_edits(fitted):
    gam, _ = fitted
    with pytest.raises(InvalidInputError, match="give either flatten= or cap=, got neither"):
        gam.edit("age")
    with pytest.raises(InvalidInputError, match="got both"):
        gam.edit("age", flatten=True, cap=(0, 1))
    with pytest.raises(InvalidInputError, match="cap must be"):
        gam.edit("age", cap=(1, 0))
    with pytest.raises(InvalidInputError, match="needs the term of one numeric column"):
        gam.edit("city", flatten=(0, 1))
    with pytest.raises(InvalidInputError, match="holds no value"):
        gam.edit("age", flatten=(500, 600))


def test_many_categories_share_the_last_place():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"code": [f"c{i:03d}" for i in rng.integers(0, 400, 3000)], "a": rng.normal(size=3000)})
    gam = GAMRegressor(n_pairs=1, n_jobs=1).fit(X, X.a)
    assert gam.shapes_[0].grids[0].size == 254
    assert gam.score(X, X.a) > 0.99


def test_a_large_corpus_measures_curvature_on_some_rows():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40_000, 3)), columns=list("abc"))
    eta = np.sin(X.a) + X.b * X.c
    gam = GAMClassifier(n_pairs=1, n_jobs=2).fit(X, soft(eta))
    assert np.abs(gam.predict_proba(X)[:, 1] - expit(eta)).mean() < 0.01
    assert (gam.shape("a").high >= gam.shape("a").low).all()


def test_all_terms_are_drawn_the_strongest_first(fitted):
    gam, _ = fitted
    panels = gam.plot()
    assert len(panels) == len(gam.shapes_)
    strongest = plots.figure().subplots()
    assert gam.plot(ax=strongest) is strongest
    assert strongest.get_xlabel() == panels[0].get_xlabel()
    panels[0].figure.clear()


@pytest.mark.parametrize("term", ["age", "city", "pair"])
def test_a_term_is_drawn_with_its_density(fitted, term):
    gam, _ = fitted
    name = gam.shapes_[-1].name if term == "pair" else term
    ax = gam.plot(name)
    assert ax.get_xlabel() or ax.get_title()
    ax.figure.clear()


def test_a_pair_stays_level_beyond_the_values_seen():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(0, 1, size=(1500, 2)), columns=["a", "b"])
    X.loc[::9, "b"] = np.nan
    gam = GAMRegressor(n_pairs=1, n_jobs=1).fit(X, X.a * X.b.fillna(2))
    pair = gam.shapes_[-1]
    far = pair.contribution({0: np.array([2.0, 50.0, 2.0]), 1: np.array([3.0, 900.0, np.nan])})[:, 0]
    assert far[0] == pytest.approx(far[1], abs=1e-9)
    assert np.abs(far).max() <= np.abs(pair.values).max() + 1e-12
    assert pair.n.sum() == pytest.approx(1500)


def test_a_pair_has_nothing_in_common_with_either_of_its_columns():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(900, 2)), columns=["a", "b"])
    X["b"] += 0.7 * X.a
    pair = GAMRegressor(n_pairs=1, n_jobs=1).fit(X, X.a + X.a * X.b).shapes_[-1]
    pure = pair.contribution({i: X.iloc[:, i].to_numpy() for i in range(2)})[:, 0]
    for i, grid in enumerate(pair.grids):
        # beyond its bounds a pair is level: people there are answered as those at the bound, and counted with them
        lo, hi, share, _ = grid.weights(X.iloc[:, i].clip(*grid.range_seen()).to_numpy())
        along = np.bincount(lo, (1 - share) * pure, grid.size) + np.bincount(hi, share * pure, grid.size)
        assert np.abs(along).max() < 1e-6 * np.abs(pure).sum()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_fidelity_per_number_of_terms_is_told(n_classes):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-2, 2, (600, 4)), columns=list("abcd"))
    eta = np.column_stack([np.sin(X.a) + X.b, 0.4 * X.c, 0 * X.d])[:, :n_classes]
    P = softmax(eta, axis=1)
    gam = GAMClassifier(n_jobs=1, max_terms=1).fit(X, P)
    path = gam.term_path_
    assert path.n_terms.tolist() == [3, 2, 1]
    assert path.dropped[0] == "d"
    assert (np.diff(path.explained) < 0).all()
    assert path.explained[0] > 0.99
    share = np.average(P, axis=0)
    divergence = np.sum(P * np.log(P / gam.predict_proba(X))) / np.sum(P * np.log(P / share))
    assert path.explained.iloc[-1] == pytest.approx(1 - divergence, abs=1e-4)


def test_heredity_keeps_the_terms_of_a_pair_that_is_kept():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(900, 4)), columns=list("abcd"))
    y = np.sin(X.a) + X.b + 3 * X.c * X.d
    kept = [
        {s.name for s in GAMRegressor(n_pairs=1, max_terms=3, heredity=h, n_jobs=1).fit(X, y).shapes_}
        for h in (False, True)
    ]
    assert kept == [{"a", "b", "c × d"}, {"c", "d", "c × d"}]


def test_the_band_of_a_teacher_is_wide_where_the_misfit_is_and_that_of_outcomes_where_rows_are_few():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.uniform(-2, 2, 2000)})
    y = np.sin(4 * X.a) + 0.3 * (X.a > 0) * rng.normal(size=2000)
    widths = []
    for labels in ("teacher", "outcomes"):
        frame = GAMRegressor(labels=labels, n_jobs=1).fit(X, y).shape("a")
        width = np.interp([-1.0, 1.0], frame.value, frame.high - frame.low)
        widths.append(width[1] / width[0])
    assert widths[0] > 1.5
    assert widths[1] < 1.25


@pytest.mark.parametrize("labels", ["outcomes", "teacher"])
def test_bands_are_in_the_unit_of_the_answers(labels):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-2, 2, (400, 2)), columns=list("ab"))
    y = np.sin(X.a) + X.a * X.b + rng.normal(scale=0.2, size=400)
    wide = [np.ptp(gam.shape("a")[["low", "high"]], axis=1) for gam in (
        GAMRegressor(n_jobs=1, labels=labels).fit(X, factor * y) for factor in (1.0, 10.0)
    )]  # fmt: skip
    assert np.allclose(wide[1], 10 * wide[0], rtol=0.02)


def test_a_pair_counts_half_for_each_of_its_columns_and_reasons_come_largest_first():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-2, 2, (500, 3)), columns=list("abc"))
    gam = GAMRegressor(n_jobs=1, n_pairs=1).fit(X, X.a * X.b + 0.5 * X.c)
    told = gam.explain(X, as_frame=True)
    size = told.assign(size=told.contribution.abs()).query("step > 0")
    assert (size.groupby("row")["size"].diff().dropna() <= 0).all()
    mean = size.groupby("term")["size"].mean()
    share = gam.importance().set_index("feature").estimate
    assert share["a"] == pytest.approx((mean["a"] + mean["a × b"] / 2) / mean.sum(), abs=1e-6)
    flat = gam.edit("c", flatten=True).importance().set_index("feature").estimate
    assert flat["c"] == 0.0
    assert flat.sum() == pytest.approx(1.0)


def test_the_effect_of_missing_values_is_shrunk_to_the_others():
    schema = Schema.infer(pd.DataFrame({"a": [0.0, 1.0, 2.0, np.nan]}))
    grid = TermGrid("a", 0, np.array([0.0, 1.0, 2.0]), np.empty(0, dtype=np.int64), True)
    _, slope = _costs(grid, schema[0])
    assert slope[-1, -1] == pytest.approx(1.0)
    assert np.abs(slope @ np.ones(4)).max() < 1e-12
