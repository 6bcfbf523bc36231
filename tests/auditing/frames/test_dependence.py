"""Curves in an audit: what was asked for and no more, counted and forecast, with a reason where there is none."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.frames import groups
from explaindistill.errors import InvalidInputError
from explaindistill.teachers.callable import CallableTeacher

CLASSES = ["no", "yes"]


def rows(n=260, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"age": rng.integers(18, 80, n), "pay": rng.gamma(2, 500, n), "sex": rng.choice(["f", "m"], n)})


def chance(X):
    p = np.clip(0.1 + 0.004 * X["age"] + 0.1 * (X["sex"] == "m") + np.where(X["pay"] > 900, 0.2, 0.0), 0, 1)
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def asked():
    teacher = CallableTeacher(chance, classes=CLASSES)
    X = rows()
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, pd.DataFrame(chance(X), columns=CLASSES))
    options = {"favorable": "yes", "n_explained": 0}
    return teacher, tree, xd.audit(teacher, {"tree": tree}, rows(seed=1), dependence=True, **options)


def test_the_line_of_the_teacher_and_where_the_tree_differs(asked):
    _, _, report = asked
    curves, areas = report.frames["dependence"], report.frames["dependence_comparison"]
    line = curves.query("metric == 'accumulated_effect' and feature == 'age' and subject == 'teacher'")
    np.testing.assert_allclose(np.diff(line["estimate"]) / np.diff(line["value"]), 0.004)
    assert set(curves["unit"]) == {"probability of yes", "share"}
    judged = areas[areas["rank"].notna()]
    assert judged["rank"].tolist() == [1, 2, 3]
    assert judged["estimate"].is_monotonic_decreasing
    assert judged.set_index("feature").loc["sex", "metric"] == "partial_dependence_area"
    assert report.manifest["measuring"]["dependence"] is True
    verdicts = report.check({"dependence_comparison.accumulated_effect_area[feature=pay]": "<= 0.5"})
    assert verdicts["verdict"].tolist() == ["pass"]


def test_by_default_nothing_is_asked_for_curves(asked):
    teacher, tree, _ = asked
    report = xd.audit(teacher, {"tree": tree}, rows(seed=1), n_explained=0)
    assert report.frames["dependence"].empty
    assert report.frames["dependence_comparison"].empty
    assert "audit: dependence" not in xd.audit(teacher, tree, rows(seed=1), n_explained=0, dry_run=True).rows


def test_columns_that_are_named_and_a_forecast_that_holds(asked, monkeypatch):
    _, tree, _ = asked
    monkeypatch.setattr(groups, "FLIP_ROWS", 100)  # fewer than there are: chance chooses them
    teacher = CallableTeacher(chance, classes=CLASSES)
    X, options = rows(seed=1), {"favorable": "yes", "n_explained": 0, "sensitive": ["sex"], "dependence": ["pay"]}
    forecast = xd.audit(teacher, {"tree": tree}, X, dry_run=True, **options)
    report = xd.audit(teacher, {"tree": tree}, X, **options)
    assert report.manifest["rows_sent"]["by_purpose"] == forecast.rows
    assert forecast.rows["audit: dependence"] > 0
    assert set(report.frames["dependence"]["feature"]) == {"pay"}
    assert report.manifest["measuring"]["dependence"] == ["pay"]


def test_a_column_that_is_none_is_refused_before_anything_is_asked(asked):
    _, tree, _ = asked
    teacher = CallableTeacher(chance, classes=CLASSES)
    with pytest.raises(InvalidInputError, match="dependence names 'wage', which is no column of X; there are: age"):
        xd.audit(teacher, {"tree": tree}, rows(), dependence="wage")
    with pytest.raises(InvalidInputError, match="dependence must be True, False or names of columns of X, got 3"):
        xd.audit(teacher, {"tree": tree}, rows(), dependence=3)
    assert teacher.rows_sent_.total == 0


def test_a_record_has_no_curve_and_its_students_have(asked):
    _, tree, _ = asked
    X = rows(seed=1)
    report = xd.audit((X, pd.DataFrame(chance(X), columns=CLASSES)), {"one": tree, "two": tree}, X, favorable="yes",
                      n_explained=0, dependence=["age"])  # fmt: skip
    curves = report.frames["dependence"]
    teacher = curves[curves["subject"] == "teacher"]
    assert teacher["reason"].tolist() == ["only recorded answers: it cannot be asked about changed rows"]
    one, two = (curves.loc[curves["subject"] == s, "estimate"].to_numpy() for s in ("one", "two"))
    np.testing.assert_array_equal(one, two)
    assert len(curves[curves["subject"] == "rows"]) == len(one) // 2 - 1
    assert report.frames["dependence_comparison"].empty


def test_several_classes_need_a_favourable_one_and_thin_columns_say_why():
    X = rows().assign(one=1)
    P = pd.DataFrame({c: 1 / 3 for c in "abc"}, index=X.index)
    teacher = CallableTeacher(lambda frame: np.full((len(frame), 3), 1 / 3), classes=list("abc"))
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    nobody = xd.audit(teacher, {"tree": tree}, X, n_explained=0, dependence=True).frames["dependence"]
    assert nobody["reason"].str.contains("say which decision people want").all()
    named = xd.audit(teacher, {"tree": tree}, X, favorable="b", n_explained=0, dependence=["one", "pay"])
    curves = named.frames["dependence"].set_index("feature")
    assert curves.loc["one", "reason"] == "one has fewer than two places with 10 rows each"
    assert set(curves.loc["pay", "unit"]) == {"probability of b", "share"}


def test_a_model_that_fails_on_changed_rows_takes_its_column_alone(asked):
    _, tree, _ = asked

    def fragile(X):
        if X["age"].nunique() < 15 and len(X) > 100:
            raise RuntimeError("too few ages")
        return chance(X)

    teacher = CallableTeacher(fragile, classes=CLASSES)
    options = {"favorable": "yes", "n_explained": 0, "strict": False, "dependence": ["age", "pay"]}
    report = xd.audit(teacher, {"tree": tree}, rows(seed=1), **options)
    assert set(report.frames["dependence"]["feature"]) == {"pay"}
    failed = report.frames["failures"].query("module == 'dependence'")[["frame", "part"]]
    assert failed.to_numpy().tolist() == [["dependence", "age"], ["dependence_comparison", "age"]]


def test_values_have_curves_in_their_own_unit():
    X = rows()
    teacher = CallableTeacher(lambda frame: 3.0 * frame["age"].to_numpy(dtype=float))
    report = xd.audit(teacher, {"tree": xd.TreeRegressor(max_leaf_nodes=3).fit(X, 3.0 * X["age"])}, X, n_explained=0,
                      dependence=["age"])  # fmt: skip
    curves = report.frames["dependence"]
    assert set(curves["unit"]) == {"value", "share"}
    partial = curves.query("metric == 'partial_dependence' and subject == 'teacher'")
    np.testing.assert_allclose(partial["estimate"], 3 * partial["value"])


def test_the_page_ranks_the_columns_and_draws_the_first(asked):
    from explaindistill.report.sections.dependence import section

    _, _, report = asked
    table, gallery, _ = section(report).blocks
    figures = gallery.figures
    assert [f"{row[0].text}: probability of yes" for row in table.rows] == [figure.title for figure in figures]
    assert all("%" in figure.svg and "nan" not in figure.svg for figure in figures)
    assert "+" not in "".join(cell.text + cell.detail for row in table.rows for cell in row)
    assert "audit(dependence=True)" in section(xd.audit(*asked[:2], rows(seed=1), n_explained=0)).reason
