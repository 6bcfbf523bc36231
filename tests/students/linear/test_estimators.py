"""Truths, laws and messages of the linear students; the contract itself is asked in tests/test_contract.py."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.linear import penalty_choice
from explaindistill.students.linear.compression import smaller
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor


def rows(n: int = 600, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": rng.normal(50, 10, n),
            "city": rng.choice(["Bern", "Chur", "Genf"], n, p=[0.5, 0.3, 0.2]),
            "noise": rng.normal(size=n),
            "member": rng.random(n) < 0.4,
        }
    )


def both(p: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - p, p])


def coefficient(student: LinearClassifier | LinearRegressor, term: str, output: object = None) -> float:
    table = student.coefficients()
    found = table[(table["term"] == term) & ((table["output"] == output) | (output is None))]
    return float(found["coefficient"].iloc[0]) if len(found) else 0.0


def test_finds_the_coefficients_of_a_linear_teacher() -> None:
    X = rows()
    z = -3 + 0.05 * X["age"] + 1.2 * (X["city"] == "Chur") - 0.7 * X["member"]
    student = LinearClassifier(tolerance=0, digits=None).fit(X, both(expit(z.to_numpy())))
    assert coefficient(student, "age") == pytest.approx(0.05, abs=1e-4)
    assert coefficient(student, 'city = "Chur"') == pytest.approx(1.2, abs=1e-3)
    assert coefficient(student, "member = yes") == pytest.approx(-0.7, abs=1e-3)
    age = student.coefficients().set_index("term").loc["age", "centre"]
    assert 50 < age < 60  # a short number near the middle: ages count from there, and the intercept is the answer there
    assert age == round(age)
    assert coefficient(student, "(intercept)") == pytest.approx(-3 + 0.05 * age, abs=5e-3)
    assert coefficient(student, "noise") == pytest.approx(0, abs=1e-4)


def test_a_feature_the_teacher_ignores_has_no_importance() -> None:
    X = rows()
    student = LinearClassifier().fit(X, both(expit(0.1 * (X["age"] - 50).to_numpy())))
    table = student.importance().set_index("feature")["estimate"]
    assert table["age"] == pytest.approx(1)
    assert table["noise"] == 0
    assert student.complexity().n_features == 1


def test_softmax_recovers_differences_of_scores() -> None:
    X = rows(1500)
    Z = np.column_stack([0.04 * X["age"], 0.1 * X["income"] - 3, np.zeros(len(X))])
    student = LinearClassifier(tolerance=0, digits=None, classes=["a", "b", "c"]).fit(X, softmax(Z, axis=1))
    difference = coefficient(student, "age", "a") - coefficient(student, "age", "c")
    assert difference == pytest.approx(0.04, abs=1e-3)
    np.testing.assert_allclose(student.predict_proba(X), softmax(Z, axis=1), atol=5e-3)
    assert student.decision_function(X).shape == (1500, 3)
    assert "score of a =" in student.describe()


def test_regression_finds_two_outputs_with_their_own_terms() -> None:
    X = rows()
    Y = np.column_stack([2 + 3 * X["age"], 100 - 2.5 * X["income"] + 20 * X["member"]])
    student = LinearRegressor(tolerance=1e-4).fit(X, Y)
    assert coefficient(student, "age", 0) == pytest.approx(3, abs=1e-3)
    assert coefficient(student, "income", 1) == pytest.approx(-2.5, abs=1e-3)
    assert coefficient(student, "income", 0) == 0
    assert student.predict(X).shape == Y.shape
    assert student.n_outputs_ == 2
    assert student.score(X, Y) > 0.9999
    assert "value 1 =" in student.describe()


def test_what_is_described_is_what_is_applied() -> None:
    X = rows()
    z = -3 + 0.0523456 * X["age"] + 1.2 * (X["city"] == "Chur") - 0.7 * X["member"]
    student = LinearClassifier(digits=3).fit(X, both(expit(z.to_numpy())))
    total = np.zeros(len(X))
    for line in student.describe().splitlines()[1:]:
        words = line.split()
        if line.startswith("note") or line.startswith("probability"):
            continue
        if len(words) == 1:
            total += float(words[0])
            continue
        size = float(words[1]) * (1 if words[0] == "+" else -1)
        if words[2] == "×":
            name, sign, centre = words[3].strip("("), words[4], float(words[5].strip(")"))
            total += size * (X[name] - centre if sign == "-" else X[name] + centre)
        else:
            wanted = True if words[5] == "yes" else words[5].strip('"')
            total += size * (X[words[3]] == wanted)
    np.testing.assert_allclose(student.decision_function(X), total, atol=1e-12)
    digits = [len(repr(abs(c)).replace(".", "").strip("0")) for c in student.coefficients()["coefficient"][1:]]
    assert max(digits) <= 3


def test_standardised_coefficients_are_per_standard_deviation() -> None:
    X = rows()
    student = LinearRegressor(digits=None, tolerance=0).fit(X, 2.0 * X["income"])
    row = student.coefficients().set_index("term").loc["income"]
    assert row["standardised"] == pytest.approx(row["coefficient"] * X["income"].std(ddof=0))


@pytest.mark.parametrize("max_terms", [0, 1, 2, 4])
def test_at_most_so_many_terms(max_terms: int) -> None:
    X = rows()
    z = 0.05 * X["age"] - 0.1 * X["income"] + 1.2 * (X["city"] == "Chur") - 0.7 * X["member"] + 0.3 * X["noise"]
    student = LinearClassifier(max_terms=max_terms, tolerance=0).fit(X, both(expit(z.to_numpy() + 2)))
    assert student.complexity().n_terms == max_terms
    if max_terms == 2:
        assert {"age", "income"} == set(student.coefficients()["feature"]) - {""}


def test_tolerance_buys_fewer_terms_for_less_fidelity() -> None:
    X = rows(2000)
    z = 0.1 * X["age"] - 5 + 0.05 * X["noise"] + 0.2 * X["member"]
    P = both(expit(z.to_numpy()))
    loose, tight = LinearClassifier(tolerance=0.1).fit(X, P), LinearClassifier(tolerance=0).fit(X, P)
    assert loose.complexity().n_terms < tight.complexity().n_terms
    assert loose.path_["explained"].max() >= 0.99


def test_dates_count_as_days_and_missing_values_have_a_term() -> None:
    rng = np.random.default_rng(0)
    day = rng.integers(0, 3000, 800)
    X = pd.DataFrame({"since": pd.Timestamp("2015-01-01") + pd.to_timedelta(day, unit="D"), "x": rng.normal(size=800)})
    y = 0.01 * day + X["x"]
    X.loc[::10, "since"] = pd.NaT
    y[::10] = 100.0
    student = LinearRegressor(tolerance=0, digits=6).fit(X, y)
    assert coefficient(student, "since (days since 1970)") == pytest.approx(0.01, rel=1e-3)
    assert coefficient(student, "since is missing") == pytest.approx(100 - 15, abs=1.5)
    assert student.score(X, y) > 0.999
    assert "note: a missing since adds nothing else" in student.describe()  # but what "since is missing" adds
    reasons = student.explain(X.head(1), as_frame=True)
    assert reasons["reason"].str.contains("since = missing").any()


def test_unseen_and_rare_levels_count_as_the_base() -> None:
    X = pd.DataFrame({"city": ["a"] * 60 + ["b"] * 40 + ["c"] * 20})
    y = np.r_[np.zeros(60), np.ones(40), np.full(20, 5.0)]
    every = LinearRegressor(tolerance=0).fit(X, y)
    few = LinearRegressor(tolerance=0, max_levels=1).fit(X, y)
    new = pd.DataFrame({"city": ["z", None, "a", "c"]})
    np.testing.assert_allclose(every.predict(new), [0, 0, 0, 5], atol=1e-3)
    assert len(set(few.predict(new).tolist())) == 1


def test_separable_classes_and_certain_soft_labels_converge() -> None:
    X = pd.DataFrame({"x": np.linspace(-1, 1, 200), "z": np.linspace(-1, 1, 200) ** 2})
    y = (X["x"] > 0).to_numpy()
    student = LinearClassifier().fit(X, y)
    assert student.score(X, y) == 1.0
    assert np.isfinite(student.predict_proba(X)).all()
    assert np.isfinite(student.coefficients()["coefficient"]).all()


def test_collinear_and_constant_columns() -> None:
    x = np.random.default_rng(0).normal(size=300)
    X = pd.DataFrame({"a": x, "b": 2 * x, "c": np.ones(300)})
    for relax in (True, False):
        student = LinearRegressor(l1_ratio=0.5, tolerance=0, relax=relax, penalty=1e-3).fit(X, 4 * x)
        assert student.score(X, 4 * x) > 0.999
        assert coefficient(student, "c") == 0
    logistic = LinearClassifier(l1_ratio=0.5, penalty=1e-4).fit(X, both(expit(x)))
    np.testing.assert_allclose(logistic.predict_proba(X)[:, 1], expit(x), atol=1e-3)


def test_a_constant_target_needs_no_term() -> None:
    X = rows(100)
    student = LinearRegressor().fit(X, np.full(100, 7.25))
    assert student.predict(X).tolist() == [7.25] * 100
    assert student.importance()["estimate"].tolist() == [0.0] * X.shape[1]
    assert student.complexity().n_terms == 0


def test_a_fixed_penalty_is_kept_and_ridge_keeps_all_terms() -> None:
    X = rows()
    P = both(expit(0.05 * (X["age"] - 50).to_numpy()))
    ridge = LinearClassifier(l1_ratio=0, penalty=0.01, relax=False).fit(X, P)
    assert ridge.penalty_ == 0.01
    assert not ridge.relaxed_
    assert ridge.complexity().n_terms == 6
    free = LinearClassifier(penalty=0.0, digits=None).fit(X, P)
    assert coefficient(free, "age") == pytest.approx(0.05, abs=1e-4)
    assert LinearClassifier(relax=False).fit(X, P).relaxed_ is False


def test_only_some_distinct_rows_decide_the_penalty_of_large_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explaindistill.students.linear.fit.MOST_ROWS", 300)
    monkeypatch.setattr("explaindistill.students.linear.fit.LEAST_ROWS", 300)
    monkeypatch.setattr("explaindistill.students.linear.fit.ONE_FOLD_FROM", 250)
    X = rows(2000)
    P = both(expit(0.05 * (X["age"] - 50).to_numpy()))
    student = LinearClassifier(random_state=3).fit(X, P)
    assert coefficient(student, "age") == pytest.approx(0.05, abs=1e-3)
    assert student.path_["explained_relaxed"].max() > 0.99


def test_contributions_of_two_classes_sum_to_the_log_odds() -> None:
    X = rows()
    z = -3 + 0.05 * X["age"] + 1.2 * (X["city"] == "Chur")
    student = LinearClassifier().fit(X, both(expit(z.to_numpy())))
    reasons = student.explain(X.head(3), as_frame=True)
    assert reasons.attrs["scale"] == "logit"
    assert reasons["term"].head(3).tolist() == ["(base)", "age", "city"]
    assert reasons["reason"][1] == f"age = {X['age'][0]}"
    total = reasons.groupby("row")["contribution"].sum()
    np.testing.assert_allclose(total, student.decision_function(X.head(3)), atol=1e-12)
    assert student.score(X, both(expit(z.to_numpy()))) > 0.99
    assert student.score(X, z > 0) > 0.99


def test_json_keeps_regression_and_names() -> None:
    X = rows(200)
    student = LinearRegressor().fit(X, np.column_stack([X["age"], X["income"]]))
    again = LinearRegressor.from_dict(student.to_dict())
    np.testing.assert_array_equal(again.predict(X), student.predict(X))
    assert again.n_outputs_ == 2
    assert again.feature_names_in_.tolist() == X.columns.tolist()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"l1_ratio": 2}, "l1_ratio must be a number between 0 and 1, got 2"),
        ({"penalty": -1.0}, "penalty must be"),
        ({"penalty": "best"}, "penalty must be"),
        ({"max_terms": -1}, "max_terms must be a whole number of at least 0 or None, got -1"),
        ({"n_penalties": 0}, "n_penalties must be a whole number of at least 1"),
        ({"digits": 0}, "digits must be a whole number of at least 1 or None"),
        ({"tolerance": -0.1}, "tolerance must be a finite number of at least 0"),
    ],
)
def test_bad_parameters_are_named(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        LinearRegressor(**parameters).fit(rows(50), np.arange(50.0))


def test_another_format_is_refused() -> None:
    form = LinearRegressor().fit(rows(50), np.arange(50.0)).to_dict()
    with pytest.raises(InvalidInputError, match=r"format 'explaindistill.linear', version 1"):
        LinearRegressor.from_dict(form | {"version": 9})


@pytest.mark.parametrize("estimator", [LinearClassifier, LinearRegressor])
@pytest.mark.parametrize(("seed", "max_terms"), [(0, 1), (3, 3), (19, 3), (5, 2)])
def test_paths_that_end_early_lead_to_the_same_student(estimator, seed, max_terms, monkeypatch):
    """With few terms allowed paths are cut short: what is chosen must be what whole paths choose."""
    rng = np.random.default_rng(seed)
    p, n = int(rng.integers(3, 12)), int(rng.integers(60, 400))
    X = pd.DataFrame(rng.normal(size=(n, p)), columns=[f"c{i}" for i in range(p)])
    z = X.to_numpy() @ (rng.normal(size=p) * rng.choice([0, 1, 1, 3], p))
    y = z + rng.logistic(size=n) * 0.3 > 0 if estimator is LinearClassifier else z + rng.normal(size=n)
    short = estimator(max_terms=max_terms).fit(X, y)
    monkeypatch.setattr(penalty_choice, "ROOM", 10**6)
    whole = estimator(max_terms=max_terms).fit(X, y)
    assert len(short.path_) <= len(whole.path_)
    assert short.to_dict() == whole.to_dict()


def test_a_form_without_centres_is_read_as_it_was() -> None:
    X = rows()
    student = LinearRegressor(tolerance=0, digits=None).fit(X, 2.0 * X["income"].to_numpy() + 0.5 * X["age"].to_numpy())
    form = student.to_dict()
    coefficients, centre = np.array(form["coefficients"]), np.array(form.pop("centre"))
    form["intercept"] = (np.array(form["intercept"]) - centre @ coefficients).tolist()
    np.testing.assert_allclose(LinearRegressor.from_dict(form).predict(X), student.predict(X), rtol=1e-9)


def test_a_copy_without_its_weakest_term_keeps_the_mean_answer() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"income": rng.gamma(2, 1000, 500), "age": rng.integers(18, 80, 500), "lift": rng.random(500) < 0.3}
    )
    student = LinearRegressor(tolerance=0).fit(X, X["income"] / 100 + X["age"] + 3 * X["lift"])
    fewer = [copy for words, copy in smaller(student) if len(copy.model_.columns) < len(student.model_.columns)]
    assert fewer
    for copy in fewer:
        assert copy.predict(X).mean() == pytest.approx(student.predict(X).mean(), abs=1e-6)
