"""The drawing of a linear student says what its coefficients say."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill import plots
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor


def rows(n: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(18, 80, n).astype(float), "city": rng.choice(list("abc"), n)})
    frame["owner"] = rng.random(n) < 0.5
    frame.loc[:40, "age"] = np.nan
    return frame, (frame["age"].fillna(90) / 20 + frame["owner"] + (frame["city"] == "b")).to_numpy()


@pytest.mark.parametrize(
    ("student", "cuts", "unit"),
    [
        (LinearRegressor(), [], "value"),
        (LinearClassifier(), [0.5], "log-odds of 1"),
        (LinearClassifier(), [0.3, 0.6], "score"),
    ],
)
def test_bars_are_the_coefficients(student, cuts, unit):
    frame, z = rows()
    drawn = student.fit(frame, np.digitize(z, np.quantile(z, cuts)) if cuts else z).drawing()
    table = student.coefficients().query("term != '(intercept)'")
    bars = drawn.frame[drawn.frame["coefficient"] != 0]
    assert sorted(bars["coefficient"]) == sorted(table["coefficient"])
    assert sorted(bars["estimate"]) == pytest.approx(sorted(table["standardised"]))
    assert {"age is missing", "city = b", "owner"} <= {term.split(" → ")[0] for term in bars["term"]}
    assert drawn.unit == unit
    ax = plots.draw(drawn, plots.figure().subplots())
    assert ax.get_xlabel() == f"coefficient ({unit} per standard deviation)"


def test_means_of_terms_and_the_intercept_are_the_mean_score():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(40, 9, 200), "home": rng.choice(["own", "rent"], 200)})
    student = xd.LinearRegressor(penalty=0).fit(X, 0.2 * X["age"] + (X["home"] == "own"))
    means = student.drawing().frame["mean"]
    np.testing.assert_allclose(student.to_dict()["intercept"][0] + means.sum(), student.predict(X).mean())


def test_numbers_count_from_one_centre_in_words_reasons_and_table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(40, 9, 200), "home": rng.choice(["own", "rent"], 200)})
    student = xd.LinearRegressor(penalty=0).fit(X, 0.2 * X["age"].to_numpy() + (X["home"] == "own"))
    line = student.coefficients().set_index("term").loc["age"]
    assert f"+ {float(line['coefficient'])!r} × (age - {line['centre']:g})" in student.describe()
    reasons = student.explain(X.head(1), as_frame=True).set_index("term")["contribution"]
    np.testing.assert_allclose(reasons["age"], line["coefficient"] * (X["age"].iloc[0] - line["centre"]))
