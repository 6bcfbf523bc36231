import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone

from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Student
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.gam.fit import _directions
from explaindistill.students.linear.estimators import LinearClassifier


def mixed(n=600, seed=0):
    """Columns of every kind, and an additive logit that we know."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": rng.lognormal(10, 1, n),
            "city": rng.choice(["Aarau", "Bern", "Chur"], n),
            "member": rng.random(n) < 0.4,
            "size": pd.Categorical(rng.choice(["S", "M", "L"], n), ["S", "M", "L"], ordered=True),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
        }
    )
    X.loc[rng.random(n) < 0.1, "income"] = np.nan
    X.loc[rng.random(n) < 0.1, "city"] = None
    f = 0.013 + 0.05 * (X.age - 45) + X.city.map({"Aarau": -1.0, "Bern": 0.5}).fillna(0.0).astype(float)
    f = f + X.income.isna() * 1.5 + X.member * 0.7 + X["size"].cat.codes * 0.4
    return X, np.asarray(f, dtype=float)


def waves(frame):
    return np.sin(2 * frame.a) + frame.b**2 / 2


def soft(f):
    p = expit(f)
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def fitted():
    X, f = mixed()
    return GAMClassifier(n_pairs=1, n_jobs=1).fit(X, soft(f)), X, f


def test_is_a_student(fitted):
    assert isinstance(fitted[0], Student)


def test_an_additive_teacher_is_recovered_better_with_more_rows():
    errors = []
    grid = pd.DataFrame({"a": np.linspace(-1.5, 1.5, 50), "b": 0.0})
    for n in (200, 1000, 5000):
        rng = np.random.default_rng(1)
        X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"])
        truth = waves
        gam = GAMClassifier(n_jobs=1).fit(X, soft(truth(X)))
        errors.append(np.abs(gam.decision_function(grid) - truth(grid)).max())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02


def test_mixed_columns_are_recovered(fitted):
    gam, X, f = fitted
    assert np.abs(gam.decision_function(X) - f).max() < 0.05
    city = gam.shape("city").set_index("label").effect
    assert city["Bern"] - city["Aarau"] == pytest.approx(1.5, abs=0.01)
    assert city["missing"] - city["Aarau"] == pytest.approx(1.0, abs=0.01)


def test_a_column_that_the_teacher_ignores_is_flat():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(3000, 3)), columns=list("abc"))
    gam = GAMRegressor(n_jobs=1).fit(X, np.sin(X.a) + X.b)
    assert np.abs(gam.shape("c").effect).max() < 1e-3
    shares = gam.importance().set_index("feature").estimate
    assert shares["c"] < 1e-3
    assert shares.sum() == pytest.approx(1.0)


def test_contributions_sum_to_the_logit(fitted):
    gam, X, _ = fitted
    told = gam.explain(X.iloc[:50], as_frame=True)
    assert told.attrs["scale"] == "logit"
    total = told.groupby("row").contribution.sum().to_numpy()
    assert np.abs(total - gam.decision_function(X.iloc[:50])).max() < 1e-9
    assert list(told.columns) == ["row", "step", "term", "reason", "output", "contribution"]
    assert told.term[0] == "(base)"


def test_hard_labels_and_one_hot_labels_give_one_model():
    X, f = mixed(300)
    y = (np.random.default_rng(3).random(300) < expit(f)).astype(int)
    hard = GAMClassifier(n_jobs=1).fit(X, y)
    one_hot = GAMClassifier(n_jobs=1).fit(X, np.eye(2)[y])
    assert hard.labels_ == one_hot.labels_ == "outcomes"
    assert np.array_equal(hard.predict_proba(X), one_hot.predict_proba(X))


def test_classes_are_permuted_at_the_door():
    X, f = mixed(300)
    P = soft(f)
    a = GAMClassifier(n_jobs=1, classes=["yes", "no"]).fit(X, P)
    b = GAMClassifier(n_jobs=1).fit(X, pd.DataFrame(P[:, ::-1], columns=["no", "yes"]))
    assert a.classes_.tolist() == ["no", "yes"]
    assert np.allclose(a.predict_proba(X), b.predict_proba(X))
    assert a.score(X, P) == (a.predict(X) == np.array(["yes", "no"])[P.argmax(axis=1)]).mean()


def test_three_classes_recover_an_additive_softmax():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(3000, 2)), columns=["a", "b"])
    eta = np.column_stack([X.a**2, np.sin(2 * X.b), X.a - X.b])
    P = softmax(eta, axis=1)
    gam = GAMClassifier(n_jobs=1).fit(X, P)
    assert np.abs(gam.predict_proba(X) - P).mean() < 0.003
    assert np.abs(gam.decision_function(X).sum(axis=1)).max() < 1e-3
    assert set(gam.shape("a").output) == {0, 1, 2}
    told = gam.explain(X.iloc[:5], as_frame=True).groupby(["row", "output"]).contribution.sum().unstack().to_numpy()
    assert np.abs(told - gam.decision_function(X.iloc[:5])).max() < 1e-9


def test_ten_classes_on_few_rows_of_many_columns_do_not_go_flat():
    """Ten logits share their rows: counted as one, they had more degrees of freedom than rows, and went flat."""
    losses = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = np.round(rng.normal(size=(1200, 30)), 1)
        eta = 3 * np.hstack([X[:, :4], np.tanh(X[:, :4])]) @ rng.normal(size=(8, 10))
        P = softmax(eta, axis=1)
        student, linear = GAMClassifier(n_jobs=1).fit(X[:150], P[:150]), LinearClassifier().fit(X[:150], P[:150])
        assert student.converged_
        assert student.dispersion_ <= 1
        losses.append(linear.score(X[150:], P[150:]) - student.score(X[150:], P[150:]))
    # one sample of 150 rows in 30 columns decides little: single seeds lie between -0.02 and 0.18
    assert np.mean(losses) < 0.1


def test_many_classes_few_rows_and_columns_that_hardly_vary():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 17, size=(130, 24)).astype(float)
    X[:, :6] = 0.0
    X[np.arange(6), 6 + np.arange(6)], X[6:, 6:12] = 5.0, 0.0
    eta = 60 * rng.normal(size=(24, 10)).T @ (X - X.mean(axis=0)).T / 17
    P = GAMClassifier(n_jobs=1).fit(X, softmax(eta.T, axis=1)).predict_proba(X)
    assert np.isfinite(P).all()
    assert np.abs(P.sum(axis=1) - 1).max() < 1e-12


@pytest.mark.parametrize("seen", [0.0, 1e-20, 1.0])
def test_directions_that_no_row_sees_are_the_first_to_go(seen):
    """The curvature of a teacher that is sure may have no rank, or one that rounding makes negative."""
    S, G = np.diag([1.0, 2.0, 3.0, 4.0]), seen * np.diag([1.0, 0.5, 0.0, -1e-12])
    U, price = _directions(S, G)
    assert np.isfinite(U).all()
    assert (np.diff(price) >= 0).all()
    assert np.linalg.matrix_rank(U / np.abs(U).max(axis=0)) == 4
    if seen == 1.0:
        assert price[:2] == pytest.approx([1.0, 4.0])
        assert price[2] > 1e5


def test_weight_two_is_the_row_twice():
    X, f = mixed(400)
    w = np.random.default_rng(0).integers(0, 3, 400)
    twice = np.repeat(np.arange(400), w)
    a = GAMClassifier(n_jobs=1).fit(X, soft(f), sample_weight=w)
    b = GAMClassifier(n_jobs=1).fit(X.iloc[twice], soft(f)[twice])
    assert np.allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-9)


def test_separable_classes_converge():
    x = np.linspace(-1, 1, 400)[:, None]
    P = np.column_stack([x[:, 0] <= 0, x[:, 0] > 0]).astype(float)
    gam = GAMClassifier(n_jobs=1).fit(x, P)
    assert gam.converged_
    assert gam.score(x, P) > 0.99
    assert np.isfinite(gam.decision_function(x)).all()


def test_answers_of_a_teacher_that_is_sure_are_not_chased_into_every_corner():
    """Where p is near 0 or 1 a misfit leaves no trace in the deviance; such rows must not count as well fitted."""
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(900, 12)), columns=[f"x{i}" for i in range(12)])
    P = soft(4 * X.to_numpy() @ np.linspace(0.2, 1, 12) + 2 * X.x0 * X.x1)
    gam = GAMClassifier(n_jobs=1).fit(X[:300], P[:300])
    missed = gam.predict_proba(X[300:])[:, 1] - P[300:, 1]
    assert 1 - np.mean(missed**2) / P[300:, 1].var() > 0.89
    assert gam.terms().edf.sum() < 25


def test_constant_collinear_and_one_level_columns():
    rng = np.random.default_rng(0)
    a = rng.normal(size=500)
    X = pd.DataFrame({"a": a, "same": a, "constant": 1.0, "level": "only"})
    gam = GAMRegressor(n_jobs=1).fit(X, 2 * a)
    assert {s.name for s in gam.shapes_} == {"a", "same"}
    assert np.abs(gam.predict(X) - 2 * a).max() < 0.01


def test_only_constant_columns_give_the_mean():
    gam = GAMRegressor(n_jobs=1).fit(np.ones((10, 2)), np.arange(10.0))
    assert gam.predict(np.ones((1, 2))).tolist() == [4.5]
    assert gam.importance().estimate.tolist() == [0.0, 0.0]
    assert gam.explain(np.ones((1, 2)), as_frame=True).contribution.tolist() == [4.5]


def test_unseen_categories_and_new_missing_values_contribute_nothing(fitted):
    gam, X, _ = fitted
    row = X.iloc[:1].copy()
    row["city"] = "Genf"
    told = gam.explain(row, as_frame=True).set_index("term")
    assert told.contribution["city"] == 0.0
    assert "no contribution" in told.reason["city"]
    row = X.iloc[:1].assign(age=np.nan)
    assert gam.explain(row, as_frame=True).set_index("term").contribution["age"] == 0.0


def test_extrapolation_is_linear_for_a_tenth_of_the_range_then_level_and_announced(fitted):
    gam, X, _ = fitted
    low, high = X.age.min(), X.age.max()
    reach = 0.1 * (high - low)
    probes = high + reach * np.array([-0.01, 0.0, 0.4, 0.8, 1.0, 1.5, 40.0])
    told = gam.explain(pd.concat([X.iloc[:1]] * 7).assign(age=probes), as_frame=True)
    age = told[told.term == "age"].sort_values("row")
    told = age.contribution.to_numpy()
    line = told[1] + (probes - high) * (told[1] - told[0]) / (0.01 * reach)
    assert told[:5] == pytest.approx(line[:5], abs=1e-9)
    assert told[4] > told[1] + 0.1
    assert told[5] == told[6] == pytest.approx(told[4], abs=1e-12)
    said = age.reason.tolist()
    assert not any("beyond" in text for text in said[:2])
    assert all("continued along a straight line" in text for text in said[2:5])
    assert all(f"held at its value at {high + reach:g}" in text for text in said[5:])
    assert (
        "go on as straight lines, for the range between the bounds where rows lie beyond, else for 10%"
        in gam.describe()
    )
    below = gam.explain(pd.concat([X.iloc[:1]] * 2).assign(age=[low - reach, low - 1000 * reach]), as_frame=True)
    assert below[below.term == "age"].contribution.nunique() == 1


def test_one_value_far_out_does_not_run_away():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.lognormal(size=1000)})
    gam = GAMRegressor(n_jobs=1).fit(X, np.log(X.a))
    shape = gam.shape("a")
    assert abs(gam.predict(pd.DataFrame({"a": [1e9]}))[0] - np.log(X.a.max())) < 1
    low, high = gam.schema_["a"].minimum, gam.schema_["a"].maximum
    assert shape.n[(shape.value < low) | (shape.value > high)].eq(0).all()
    assert gam.terms().highest[0] == shape.effect[shape.value <= high].max()
    assert (shape.high - shape.low).iloc[-1] > (shape.high - shape.low)[shape.value <= high].iloc[-1]
    assert gam.complexity().n_parameters == 2 * int((shape.value.between(low, high)).sum()) + 1


def test_a_form_from_before_the_bounded_tail_goes_on_as_it_did():
    X, f = mixed(200)
    form = GAMRegressor(n_jobs=1).fit(X, f).to_dict()
    for shape in form["shapes"]:
        for grid in shape["grids"]:
            del grid["seen"]
    back = GAMRegressor.from_dict(form)
    knots = form["shapes"][0]["grids"][0]["knots"]
    assert back.shapes_[0].grids[0].range_seen() == (knots[0], knots[-1])


def test_the_form_brings_back_the_same_student(fitted):
    gam, X, _ = fitted
    back = GAMClassifier.from_dict(json.loads(json.dumps(gam.to_dict())))
    assert np.array_equal(back.predict_proba(X), gam.predict_proba(X))
    assert back.describe() == gam.describe()
    assert back.complexity() == gam.complexity()
    assert np.array_equal(pickle.loads(pickle.dumps(gam)).predict_proba(X), gam.predict_proba(X))
    with pytest.raises(InvalidInputError, match=r"version 1 and kind .GAMRegressor."):
        GAMRegressor.from_dict(gam.to_dict())


def test_a_regressor_comes_back_too():
    X, f = mixed(200)
    gam = GAMRegressor(monotone={"age": 1}, n_jobs=1).fit(X, f)
    back = GAMRegressor.from_dict(json.loads(json.dumps(gam.to_dict())))
    assert np.array_equal(back.predict(X), gam.predict(X))
    assert clone(back).monotone == {"age": 1}


def test_threads_do_not_change_the_fit():
    X, f = mixed(3000)
    one = GAMClassifier(n_pairs=2, n_jobs=1).fit(X, soft(f))
    two = GAMClassifier(n_pairs=2, n_jobs=2).fit(X, soft(f))
    assert np.allclose(one.decision_function(X), two.decision_function(X), atol=1e-8)


def test_describe_says_what_counts(fitted):
    gam, _, _ = fitted
    text = gam.describe()
    assert "GAMClassifier: logit = base + the sum of" in text
    assert "approximation: one-step bootstrap of the corpus" in text
    assert "city = Aarau" in text
    assert gam.terms().importance.is_monotonic_decreasing
    assert gam.complexity().n_terms == 7


def test_numbers_are_rounded_for_reading_and_never_in_the_form():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"income": rng.lognormal(10, 1, 300), "share": rng.random(300)})
    gam = GAMRegressor(n_jobs=1, min_category_size=1).fit(X, np.log(X.income) + X.share)
    said = gam.describe() + " ".join(gam.explain(X.iloc[:5], as_frame=True).reason) + " ".join(gam.shape("share").label)
    assert not re.search(r"\d\.\d{8}", said)
    assert f"income = {X.income[0]:.0f}" in said
    knots = gam.to_dict()["shapes"][1]["grids"][0]["knots"]
    assert X.share.min() in knots


def test_intervals_are_never_confused():
    X, f = mixed(400)
    teacher = GAMRegressor(n_jobs=1).fit(X, f).shape("age")
    outcomes = GAMRegressor(n_jobs=1, labels="outcomes").fit(X, f).shape("age")
    assert "approximation" in teacher.attrs["interval"]
    assert "posterior" in outcomes.attrs["interval"]
    assert (teacher.low <= teacher.effect).all()
    assert (outcomes.effect <= outcomes.high).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_pairs": -1}, "n_pairs must be a whole number of at least 0 or 'auto', got -1"),
        ({"n_pairs": "all"}, "n_pairs must be a whole number of at least 0 or 'auto', got 'all'"),
        ({"n_knots": 1}, "n_knots must be a whole number between 2 and 1,000, got 1"),
        ({"max_terms": 0}, "max_terms must be a whole number of at least 1 or None, got 0"),
        ({"labels": "noise"}, "labels must be one of 'auto', 'outcomes', 'teacher', got 'noise'"),
        ({"monotone": {"x9": 1}}, "no column 'x9'"),
        ({"monotone": {"x0": "up"}}, r"monotone\['x0'\] must be -1, 0 or 1, got 'up'"),
        ({"convex": {"x0": "concave"}}, r"convex\['x0'\] must be -1, 0 or 1, got 'concave'"),
        ({"n_jobs": 0}, "n_jobs must be at least 1, or -1"),
    ],
)
def test_bad_parameters(change, message):
    X = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(InvalidInputError, match=message):
        GAMRegressor(**change).fit(X, X[:, 0])


def test_bad_requests(fitted):
    gam, X, f = fitted
    with pytest.raises(InvalidInputError, match="no term 'height'; the terms are: age"):
        gam.shape("height")
    with pytest.raises(InvalidInputError, match="monotone needs a numeric column, 'city' is categorical"):
        GAMClassifier(monotone={"city": 1}).fit(X, soft(f))
    with pytest.raises(InvalidInputError, match="need two classes"):
        GAMClassifier(monotone={"age": 1}).fit(X, np.arange(len(X)) % 3)
    with pytest.raises(InvalidInputError, match="loss must be one of 'gaussian', 'poisson', 'gamma', got 'absolute'"):
        GAMRegressor(loss="absolute").fit(X, f)
    with pytest.raises(InvalidInputError, match="above 0 for loss='gamma'"):
        GAMRegressor(loss="gamma").fit(X, f)
    with pytest.raises(InvalidInputError, match="at least 0 and not 0 everywhere for loss='poisson'"):
        GAMRegressor(loss="poisson").fit(X, f)
