"""What fuzzing and other tools' bug reports asked: values that are read as others, or end in somebody else's error."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.labels import as_labels, as_values
from explaindistill.data.rows import as_frame
from explaindistill.data.targets import as_soft_targets
from explaindistill.errors import InvalidInputError
from explaindistill.measures.groups import groupings
from explaindistill.teachers.callable import CallableTeacher

X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0] * 10, "b": np.arange(40) % 7})
Y = np.where(X["a"] > 2, "yes", "no")
MASK = np.arange(40) % 5 == 0


def test_numbers_under_a_mask_are_missing_and_not_read():
    values = X.to_numpy(dtype=float)
    masked = np.ma.masked_array(values, mask=np.column_stack([MASK, np.zeros(40, bool)]))
    holes = np.where(masked.mask, np.nan, values)
    np.testing.assert_array_equal(as_frame(masked).to_numpy(), holes)
    one, two = (xd.TreeClassifier().fit(rows, Y) for rows in (masked, holes))
    np.testing.assert_array_equal(one.predict_proba(masked), two.predict_proba(holes))
    whole = np.ma.masked_array(np.arange(6).reshape(3, 2))
    assert as_frame(whole).dtypes.tolist() == [np.dtype(np.int64)] * 2
    text = np.ma.masked_array(np.array([["a", "b"], ["c", "d"]], dtype=object), mask=[[True, False], [False, False]])
    assert as_frame(text).isna().to_numpy().tolist() == [[True, False], [False, False]]


def test_fields_of_a_masked_structured_array_are_missing_under_the_mask():
    rows = np.array([(1.5, 3, "a"), (2.5, 4, "b")], dtype=[("x", "f8"), ("k", "i8"), ("word", "U1")])
    masked = np.ma.masked_array(rows, mask=[(True, False, False), (False, True, True)])
    frame = as_frame(masked)
    assert frame.columns.tolist() == ["x", "k", "word"]
    assert frame.isna().to_numpy().tolist() == [[True, False, False], [False, True, True]]
    assert (frame.loc[1, "x"], frame.loc[0, "k"], frame.loc[0, "word"]) == (2.5, 3, "a")


@pytest.mark.parametrize("read", [as_labels, as_values, as_soft_targets])
def test_labels_under_a_mask_are_refused(read):
    with pytest.raises(InvalidInputError, match="y must have a value in every row, 8 are masked; drop those rows"):
        read(np.ma.masked_array(np.arange(40) % 2, mask=MASK))


@pytest.mark.parametrize("arrow", [False, True])
def test_dates_without_the_zone_of_fitting_are_refused(arrow):
    days = pd.Series(pd.date_range("2020-03-28", periods=40, freq="7h"))
    if arrow:
        days = days.astype("timestamp[us][pyarrow]")
    zoned = days.astype("datetime64[us]").dt.tz_localize("Europe/Zurich", nonexistent="shift_forward")
    if arrow:
        zoned = zoned.astype("timestamp[us, tz=Europe/Zurich][pyarrow]")
    for fitted, asked, words in (
        (zoned, days, "dates of a time zone, .* got plain"),
        (days, zoned, "plain dates, as in"),
    ):
        student = xd.GAMClassifier().fit(X.assign(day=fitted), Y)
        again = type(student).from_dict(student.to_dict())
        for one in (student, again):
            one.predict(X.assign(day=fitted))
            with pytest.raises(InvalidInputError, match=rf"column 'day' must hold {words}.*; say which hour is meant"):
                one.predict(X.assign(day=asked))


def test_dates_that_pandas_cannot_hold_in_nanoseconds_are_told():
    days = pd.Series(np.array(["1066-10-14", "1500-01-01", "2999-01-01", "9999-12-31"] * 10, dtype="datetime64[s]"))
    for kind in (xd.GAMClassifier, xd.TreeClassifier, xd.LinearClassifier):
        rows = X.assign(day=days)
        student = kind().fit(rows, np.where(days > np.datetime64("2000-01-01"), "yes", "no"))
        student.describe()
        assert len(student.explain(rows, as_frame=True)) > 0


def test_durations_and_half_floats_are_groups():
    frame = pd.DataFrame({"wait": pd.to_timedelta([1, 1, 2], "h"), "half": np.array([0.5, 0.5, 1.0], dtype="float16")})
    wait, half, _ = groupings(frame)
    assert wait.names == ("3600", "7200")
    assert half.names == ("0.5", "1")
    np.testing.assert_array_equal(wait.codes, half.codes)


def test_audit_of_a_sensitive_column_of_half_floats():
    rows = X.assign(a=X["a"].astype("float16"))
    teacher = CallableTeacher(lambda frame: 1 / (1 + np.exp(2.5 - frame["a"].to_numpy(float))), classes=["no", "yes"])
    tree = xd.TreeClassifier(max_leaf_nodes=4, classes=["no", "yes"]).fit(rows, teacher.predict_proba(rows))
    report = xd.audit(teacher, {"tree": tree}, rows, sensitive=["a"], favorable="yes", n_explained=0, strict=True)
    assert set(report.frames["rates"]["group"]) == {"1", "2", "3", "4"}


def test_a_column_of_values_one_rounding_apart():
    ulp = np.finfo(float).eps
    rows = pd.DataFrame({"a": 1.0 + ulp * (np.arange(120) % 3)})
    y = np.where(np.arange(120) % 3 == 2, "yes", "no")
    gam = xd.GAMClassifier().fit(rows, y)
    assert (gam.predict(rows) == y).all()
    for shape in gam.shapes_:
        assert (np.diff(shape.grids[0].knots) > 0).all()


def test_values_of_two_hundred_decades():
    rows = pd.DataFrame({"a": 10.0 ** np.linspace(-250, 60, 200)})
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        gam = xd.GAMRegressor().fit(rows, np.linspace(0, 1, 200))
    assert np.isfinite(gam.predict(rows)).all()


@pytest.mark.parametrize("value", [-6.83258131e-09, 3e-60, 0.1 + 0.2, 7e15])
@pytest.mark.parametrize("kind", [xd.ModelTreeRegressor, xd.TreeRegressor, xd.RuleListRegressor, xd.LinearRegressor])
def test_a_constant_is_answered_as_it_is(kind, value):
    answers = kind().fit(X, np.full(40, value)).predict(X)
    np.testing.assert_allclose(answers, value, rtol=1e-14)


def test_a_constant_smaller_than_every_normal_number():
    student = xd.TreeClassifier().fit(X.assign(tiny=5e-324), Y)
    assert student.predict(X.assign(tiny=5e-324)).tolist() == Y.tolist()


def test_rules_of_one_row_can_be_written():
    student = xd.RuleListRegressor(min_gain=np.int64(0), min_category_size=np.int64(1)).fit(X.head(1), [2.5])
    form = json.loads(json.dumps(student.to_dict(), allow_nan=False))
    again = xd.RuleListRegressor.from_dict(form)
    assert again.predict(X.head(1)).tolist() == [2.5]
    pd.testing.assert_frame_equal(again.table_, student.table_, check_dtype=False)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([1e120, 0.0], r"y must lie within 1e\+100 of zero, got 1e\+120; divide it by a unit"),
        ([1e-200, 2e-200], "y must spread over at least 1e-100 or be constant, got 1e-200; multiply"),
        ([[1.0, 2.0], [3.0, 4.0]], "y must have one value per row; fit one student per column"),
        ([1.0, 2.0, 3.0], "y must have one entry per row of X, 2, got 3"),
        (7.0, "y should be a 1d array, got 7.0; give one entry for each of the 2 rows"),
    ],
)
def test_targets_that_no_regressor_can_fit(y, words):
    with pytest.raises(InvalidInputError, match=words):
        xd.GAMRegressor().fit(X.head(2), y)


@pytest.mark.parametrize(
    ("y", "classes", "words"),
    [
        ([0.5, 1.5] * 20, None, "y must be classes for a Classifier, got numbers such as 0.5; use a Regressor"),
        (Y, [0, 1], "classes must be named as the labels of y are, got 0 for labels such as 'no'"),
        (Y, [], "classes must be a list of at least 2 names"),
        (Y, 3, "classes must be a list of at least 2 names"),
        (Y, ["no", 1], "y has the label 'yes', which is not among classes"),
        (np.full((40, 2), "a"), None, "soft labels must be numbers, got could not convert"),
    ],
)
def test_labels_that_no_classifier_can_fit(y, classes, words):
    with pytest.raises(InvalidInputError, match=words):
        xd.TreeClassifier(classes=classes).fit(X, y)


def test_soft_labels_of_a_float32_are_shares():
    P = np.column_stack([np.full(40, 0.3), np.full(40, 0.7 + 5e-7)])
    read, _, _ = as_soft_targets(P)
    np.testing.assert_allclose(read.sum(axis=1), 1.0, atol=1e-15)
    exact = np.column_stack([np.full(40, 0.1), np.full(40, 0.9)])
    assert as_soft_targets(exact)[0].tobytes() == exact.tobytes()


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (3, "features must be a list of columns, a transformer or None, got 3"),
        ("a", "features must be a list of columns"),
        ([2], "features must be places of the 2 columns, got 2"),
        (["a", 0], "features must name each column once, got a, a"),
    ],
)
def test_features_are_a_list_of_columns(features, words):
    teacher = CallableTeacher(lambda frame: frame["a"].to_numpy() / 5, classes=["no", "yes"])
    with pytest.raises(InvalidInputError, match=words):
        xd.Distiller(teacher, xd.TreeClassifier(), features=features, n_queries=40).fit(X)


def test_a_student_of_one_value_is_not_held_against_a_teacher_of_several():
    rows = X.drop_duplicates().head(4)
    teacher = CallableTeacher(lambda frame: np.arange(len(frame) * 4.0).reshape(-1, 4))
    student = xd.TreeRegressor().fit(X, X["a"])
    with pytest.raises(
        InvalidInputError, match="student 's' must answer as many values per row as the teacher, 4, got 1"
    ):
        xd.audit(teacher, {"s": student}, rows)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"groups": [1, 2]}, r"groups must have one entry per row of X, 40, got shape \(2,\)"),
        ({"groups": 3}, "groups names 3, the columns are: a, b; or give one entry per row"),
        ({"sensitive": object}, "sensitive must name columns of X"),
        ({"requirements": 0.9}, "requirements must be a mapping"),
        ({"statements": ["x"]}, "statements must be a mapping"),
        ({"date": 2026}, "date must be a text"),
        ({"query_curve": [1]}, "query_curve must be the frame"),
        ({"random_state": -1}, "random_state must be a whole number of at least 0"),
    ],
)
def test_options_of_an_audit_of_another_class(options, words):
    teacher = CallableTeacher(lambda frame: frame["a"].to_numpy() / 5, classes=["no", "yes"])
    student = xd.TreeClassifier().fit(X, Y)
    with pytest.raises(InvalidInputError, match=words):
        xd.audit(teacher, {"s": student}, X, **options)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"monotone": 3}, 'monotone must be a mapping such as {"income": 1} or None, got 3'),
        ({"convex": ["a"]}, "convex must be a mapping"),
        ({"zero_at": {"a": 1e300}}, r"zero_at\['a'\] must be a number between -.* and .*, which is 100 times"),
        ({"zero_at": {"a": "x"}}, r"zero_at\['a'\] must be a number"),
        ({"n_knots": 10**6}, "n_knots must be a whole number between 2 and 1,000"),
    ],
)
def test_shapes_of_a_gam_that_are_none(settings, words):
    with pytest.raises(InvalidInputError, match=words):
        xd.GAMClassifier(**settings).fit(X, Y)
