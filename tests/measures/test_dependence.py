"""Curves of effects on teachers whose truth is known, and what they must not depend on or give away."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.dependence import CurveOptions, dependence
from explaindistill.measures.effect_places import NoPlacesError

N = 600
GRADES = ["low", "mid", "top"]
QUICK = CurveOptions(n_local=200, n_partial=60)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    a = rng.gamma(2.0, 3.0, N)
    return pd.DataFrame(
        {
            "a": a,
            "twin": a,
            "home": rng.choice(["own", "rent", "boat"], N, p=[0.6, 0.39, 0.01]),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, N), "D"),
            "gone": np.where(rng.random(N) < 0.2, np.nan, rng.normal(size=N)),
            "grade": pd.Categorical(
                rng.choice(["low", "mid", "top"], N), categories=["low", "mid", "top"], ordered=True
            ),
        }
    )


def linear(frame):
    return 0.02 * frame["a"].to_numpy() + 0.3 * (frame["home"] == "own").to_numpy()


def blind(frame):
    return np.full(len(frame), 0.5)


def curve_of(rows, column, models=None, metric="accumulated_effect", **more):
    feature = Schema.infer(rows)[column]
    curves, areas = dependence(
        models or {"teacher": linear, "blind": blind}, rows, feature, **{"options": QUICK} | more
    )
    return curves[curves["metric"] == metric], areas.set_index(["metric", "subject"])


def test_a_line_is_found_and_the_blind_student_is_level(rows):
    line, areas = curve_of(rows, "a")
    teacher, student = (line[line["subject"] == s] for s in ("teacher", "blind"))
    slope = np.diff(teacher["estimate"]) / np.diff(teacher["value"])
    np.testing.assert_allclose(slope, 0.02, rtol=1e-9)
    np.testing.assert_allclose(student["estimate"], 0.5)
    assert (teacher["low"] < teacher["estimate"]).all()
    area = areas.loc[("accumulated_effect_area", "blind")]
    assert 0 < area["low"] < area["estimate"] < area["high"]
    assert area["reference"] == "teacher"
    # a mean distance of about .02 · E|a - E a|, a shape of 2 and a scale of 3 give 3.25
    assert area["estimate"] == pytest.approx(0.02 * 3.25, rel=0.15)


def test_columns_that_go_together_are_told_apart(rows):
    of_twin, _ = curve_of(rows, "twin")
    np.testing.assert_allclose(np.ptp(of_twin.loc[of_twin["subject"] == "teacher", "estimate"]), 0, atol=1e-12)


def test_levels_have_partial_dependence_alone_and_rare_ones_are_not_named(rows):
    nothing, areas = curve_of(rows, "home")
    assert nothing.empty
    levels, _ = curve_of(rows, "home", metric="partial_dependence")
    teacher = levels[levels["subject"] == "teacher"].set_index("place")["estimate"]
    assert set(teacher.index) == {"own", "rent"}
    assert teacher["own"] - teacher["rent"] == pytest.approx(0.3)
    assert areas.index.tolist() == [("partial_dependence_area", "blind")]
    counted, _ = curve_of(rows, "home", metric="share_of_rows")
    assert counted.empty  # six people live on boats: counts of the others would tell


def test_dates_grades_and_missing_values_have_places(rows):
    dates, _ = curve_of(rows, "since")
    assert dates["value"].between(2020, 2026).all()
    assert dates["place"].str.fullmatch(r"20\d\d-\d\d-\d\d").all()
    grades, _ = curve_of(rows, "grade")
    assert grades["place"].unique().tolist() == ["low", "mid", "top"]
    counted, _ = curve_of(rows, "grade", metric="share_of_rows")
    shares = rows["grade"].value_counts(normalize=True)
    assert counted.set_index("place")["estimate"].to_dict() == pytest.approx(shares.to_dict())
    by_gone = {"teacher": lambda frame: frame["gone"].isna().to_numpy(dtype=float)}
    partial, _ = curve_of(rows, "gone", by_gone, metric="partial_dependence")
    assert partial["place"].iloc[-1] == "missing"
    assert partial["estimate"].iloc[-1] == pytest.approx(1.0)
    assert (partial["estimate"].iloc[:-1] == 0).all()


def test_no_number_of_a_curve_is_a_persons(rows):
    feature = Schema.infer(rows)["a"]
    curves, _ = dependence({"teacher": linear}, rows, feature)
    places = curves["value"].dropna().unique()
    assert not np.isin(places, rows["a"]).any()
    assert places.max() < rows["a"].nlargest(10).min()
    assert curves.loc[curves["metric"] == "share_of_rows", "k"].min() >= 10


def test_texts_and_thin_columns_are_refused_without_a_value(rows):
    named = rows.assign(name=[f"person {i}" for i in range(N)], one=1)
    schema = Schema.infer(named)
    with pytest.raises(NoPlacesError, match=r"^name has values that look like text or keys of people"):
        dependence({"teacher": blind}, named, schema["name"])
    with pytest.raises(NoPlacesError, match=r"^one has fewer than two places with 10 rows each$"):
        dependence({"teacher": blind}, named, schema["one"])
    with pytest.raises(InvalidInputError, match="feature must be a column of X, got 'name'"):
        dependence({"teacher": blind}, rows, schema["name"])


def test_the_order_of_rows_is_nothing_and_rows_stay_as_they_are(rows):
    few, before = rows.head(150), rows.head(150).copy()
    options = {"options": CurveOptions(n_local=150, n_partial=150)}
    first, _ = curve_of(few, "a", **options)
    pd.testing.assert_frame_equal(few, before)
    turned, _ = curve_of(few.iloc[::-1].reset_index(drop=True), "a", **options)
    np.testing.assert_allclose(first["estimate"], turned["estimate"], atol=1e-12)


def test_a_weight_of_two_is_the_row_twice(rows):
    few = rows.head(120)
    twice = pd.concat([few, few.head(40)], ignore_index=True)
    models = {"teacher": lambda frame: 0.01 * frame["a"].to_numpy() ** 2, "blind": blind}
    feature = Schema.infer(few)["gone"]
    weight = np.where(np.arange(120) < 40, 2.0, 1.0)
    options = CurveOptions(n_local=1000, n_partial=1000, n_cells=1)
    weighted, _ = dependence(models, few, feature, sample_weight=weight, options=options)
    doubled, _ = dependence(models, twice, feature, options=options)
    for metric in ("accumulated_effect", "partial_dependence"):
        sides = [t.loc[t["metric"] == metric, "estimate"] for t in (weighted, doubled)]
        np.testing.assert_allclose(*sides, atol=1e-12)


def test_rows_of_weight_nothing_are_not_there(rows):
    far = pd.concat([rows, rows.head(30).assign(a=1e6)], ignore_index=True)
    weight = np.append(np.ones(N), np.zeros(30))
    feature = Schema.infer(rows)["a"]
    bare, _ = dependence({"teacher": linear}, rows, feature, sample_weight=np.ones(N))
    weighted, _ = dependence({"teacher": linear}, far, feature, sample_weight=weight)
    pd.testing.assert_frame_equal(bare, weighted)


def test_copies_in_clusters_do_not_narrow_and_four_clusters_say_nothing(rows):
    few = pd.concat([rows.head(100)] * 3, ignore_index=True)
    models = {"teacher": lambda frame: np.sin(frame["a"].to_numpy()), "blind": blind}
    options = {"options": CurveOptions(n_local=400, n_partial=400)}
    persons = np.tile(np.arange(100), 3)
    once, area = curve_of(rows.head(100), "a", models, "partial_dependence", **options)
    copied, copied_area = curve_of(few, "a", models, "partial_dependence", clusters=persons, **options)
    assert copied["estimate"].notna().all()
    widths = [(t["high"] - t["low"])[t["subject"] == "teacher"].median() for t in (once, copied)]
    assert widths[0] == pytest.approx(widths[1], rel=0.25)
    few_clusters, areas = curve_of(few, "a", models, clusters=np.arange(300) % 4)
    assert few_clusters["low"].isna().all()
    assert areas["low"].isna().all()
    assert few_clusters["reason"].eq("cannot say: 4 clusters, fewer than 5").all()
    assert area["low"].notna().all()
    assert copied_area["low"].notna().all()


def test_options_out_of_range_are_refused():
    with pytest.raises(InvalidInputError, match="n_partial must be a whole number of at least 20, got 5"):
        CurveOptions(n_partial=5)


def test_a_model_is_asked_about_as_many_rows_as_promised(rows):
    asked = []
    model = {"teacher": lambda frame: (asked.append(len(frame)), blind(frame))[1]}
    curve_of(rows, "a", model)
    line, _ = curve_of(rows, "a")
    m = line["place"].nunique()
    assert sum(asked) == N + 2 * QUICK.n_local + m * QUICK.n_partial


def test_a_sample_of_rows_says_what_all_rows_say():
    rng = np.random.default_rng(3)
    many = pd.DataFrame({"a": rng.normal(size=4_000), "b": rng.normal(size=4_000)})
    models = {"teacher": lambda f: np.tanh(f["a"].to_numpy() * (1 + 0.5 * f["b"].to_numpy()))}
    feature = Schema.infer(many)["a"]
    whole, _ = dependence(models, many, feature, options=CurveOptions(n_local=4_000, n_partial=4_000))
    few, _ = dependence(models, many, feature)
    assert set(few["n"]) == {500, 200, 4_000}
    inside = (few["low"] <= whole["estimate"]) & (whole["estimate"] <= few["high"])
    assert inside.mean() > 0.85
