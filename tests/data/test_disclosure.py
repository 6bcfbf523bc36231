"""What of people may leave: bounds that are nobody's, categories of enough people, and copies that answer alike."""

import json
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.disclosure import OTHER, common_values, disclosed, fitted_on, shown_bounds, shown_middle
from explaindistill.data.encoder import TableEncoder
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.students.scorecard.estimators import ScorecardClassifier

STUDENTS = {
    "tree": xd.TreeClassifier(max_leaf_nodes=8),
    "gam": xd.GAMClassifier(n_pairs=1),
    "linear": xd.LinearClassifier(penalty=0),
    "model tree": xd.ModelTreeClassifier(max_leaf_nodes=4, n_folds=0),
    "rules": xd.RuleListClassifier(max_rules=4),
    "scorecard": ScorecardClassifier(max_terms=6),
}


@pytest.fixture(scope="module")
def rows():
    """Rare towns matter, both as text and as codes; one order has a rare level, another a declared one of nobody."""
    rng = np.random.default_rng(3)
    n = 900
    town = rng.choice(["Bern", "Zug", "Basel"], n).astype(object)
    town[:80] = [f"hamlet {i}" for i in range(80)]
    town[80:90] = None
    X = pd.DataFrame(
        {
            "town": town,
            "code": pd.Categorical(np.where(np.arange(n) % 97 == 0, 7000 + np.arange(n), rng.integers(1, 4, n))),
            "grade": pd.Categorical(
                rng.choice(["low", "mid", "top"], n), ["low", "mid", "top", "unheard of"], ordered=True
            ),
            "age": rng.integers(20, 70, n),
        }
    )
    X.loc[100:102, "grade"] = "unheard of"
    rare = X["town"].astype(str).str.startswith("hamlet").to_numpy()
    score = 2.0 * rare - 0.04 * (X["age"] - 45.5) + 0.8 * (X["town"] == "Zug") - 1.5 * (X["code"].astype(int) > 3)
    p = 1 / (1 + np.exp(-score.to_numpy(dtype=float)))
    return X, np.c_[1 - p, p]


@pytest.fixture(scope="module", params=list(STUDENTS))
def fitted(request, rows):
    from sklearn.base import clone

    return clone(STUDENTS[request.param]).set_params(classes=["no", "yes"]).fit(*rows)


@pytest.mark.parametrize("size", [3, 5, 20])
def test_bounds_have_people_at_or_beyond_them(size):
    rng = np.random.default_rng(size)
    for values in (rng.lognormal(10, 1.5, 700), rng.normal(0, 1e-7, 50), rng.integers(0, 9, 300), -rng.pareto(1, 90)):
        low, high = shown_bounds(values, "numeric", size)
        assert low <= np.sort(values)[size - 1]
        assert high >= np.sort(values)[-size]
        span = np.sort(values)[-size] - np.sort(values)[size - 1]
        assert high - low <= span * 1.2 * (1 + 1e-9), "rounding adds a tenth of the range at each end at most"


def test_bounds_do_not_follow_one_person():
    values = np.append(np.linspace(10, 90, 300), 1e6)
    assert shown_bounds(values) == shown_bounds(np.append(values[:-1], 2e9))
    assert shown_bounds(values)[1] < 100


def test_bounds_of_dates_are_round():
    days = pd.date_range("2011-05-06 07:08:09", periods=900, freq="D").astype("datetime64[us]").astype(np.int64) / 1e6
    moments = np.append(np.asarray(days, dtype=float), pd.Timestamp("1901-03-07").timestamp())
    low, high = (pd.Timestamp(v, unit="s") for v in shown_bounds(moments, "datetime"))
    assert (low, high) == (pd.Timestamp("2011-05-01"), pd.Timestamp("2013-11-01"))
    before = shown_bounds([-86_400.0 * k - 0.5 for k in range(40)], "datetime")
    assert [v % 86_400 for v in before] == [0.0, 0.0]
    assert before[0] <= -86_400.0 * 35 - 0.5


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 11])
def test_bounds_of_few_people(n):
    low, high = shown_bounds(np.arange(n) * 1.37 + 3.3)
    assert low <= high
    assert np.isfinite([low, high]).all()


@pytest.mark.parametrize(
    ("values", "kind", "size", "middle"),
    [
        ([*np.arange(1000.0, 3000.0, 7.3), 987654.25], "numeric", 5, 2000.0),  # the median is 2000.1, steps of 100
        ([*np.arange(1000.0, 3000.0, 7.3), 987654.25], "numeric", 1, 2000.1),
        (np.arange(20, 61) + 0.4, "numeric", 5, 40.0),  # 40.4, of one person
        ([40.4] * 5 + [20.1] * 3 + [60.2] * 3, "numeric", 5, 40.4),  # five people have it
        ([40.4] * 5 + [20.1] * 3 + [60.2] * 3, "numeric", 6, 40.0),
        (np.arange(41) / 1e6, "numeric", 5, 2e-5),
        (np.arange(0, 41_000, 999), "integer", 5, 20_000),
        ([0, 0, 1], "boolean", 5, 0.0),
        ([7.77], "numeric", 5, 7.8),
        ([1.234, 4.571], "numeric", 1, 2.9025),
        ([0, 1], "integer", 5, 0.5),  # a flag
        ([0] * 6 + [1] * 6 + [2] * 6 + [3] * 6, "integer", 5, 2.0),  # 1.5, and whole numbers stay whole
        (np.r_[50.0:50.5:0.1, 0:50, 60:110, 50.5:51:0.1], "numeric", 5, 50.0),  # 50.45, whatever the order of rows
        ([np.nan], "numeric", 5, np.nan),
        ([], "numeric", 5, np.nan),
    ],
)
def test_a_median_that_is_shown_is_nobodys(values, kind, size, middle):
    np.testing.assert_allclose(shown_middle(values, kind, size), middle, rtol=1e-12)


def test_a_median_of_dates_is_the_start_of_a_part_of_the_calendar():
    days = pd.date_range("2001-03-07 11:17", periods=401, freq="7D").to_numpy().astype("datetime64[s]")
    assert np.datetime64("2005-01-05T11:17:00") == np.sort(days)[200]
    middle = shown_middle(days.astype(np.int64), "datetime")
    assert np.datetime64(int(middle), "s") == np.datetime64("2005-01-01")


@pytest.mark.parametrize("seed", range(30))
def test_a_median_that_is_shown_lies_between_the_bounds(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=rng.integers(1, 40)) * 10.0 ** rng.integers(-5, 6)
    low, high = shown_bounds(values)
    assert low <= shown_middle(values) <= high


def test_nothing_and_everything():
    assert np.isnan(shown_bounds([np.nan, np.nan])).all()
    assert shown_bounds([3.25, 99.5], min_size=1) == (3.25, 99.5)
    X = pd.DataFrame({"town": ["a", "b"], "x": [1.5, 2.5]})
    assert disclosed(Schema.infer(X), X, 1) == Schema.infer(X)


@pytest.mark.parametrize("size", [0, 2.5, True, None])
def test_sizes_that_are_none(size):
    X = pd.DataFrame({"town": ["a", "b"]})
    with pytest.raises(InvalidInputError, match="min_category_size must be a whole number of at least 1"):
        disclosed(Schema.infer(X), X, size)


def test_text_names_nothing_even_where_it_repeats():
    X = pd.DataFrame({"note": ["the same"] * 8 + [f"text {i}" for i in range(30)]})
    assert disclosed(Schema.infer(X), X)["note"].categories == (OTHER,)
    assert set(common_values(X["note"])) == {OTHER}


def test_a_declared_category_of_nobody_is_no_other():
    X = pd.DataFrame({"grade": pd.Categorical(["a", "b"] * 9, ["a", "b", "c"], ordered=True)})
    (feature,) = disclosed(Schema.infer(X), X)
    assert (feature.kind, feature.categories, feature.other) == ("ordered", ("a", "b"), False)


def test_the_schema_of_a_copy_is_the_same(rows):
    schema = disclosed(Schema.infer(rows[0]), rows[0])
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    assert schema["town"].categories == ("Basel", "Bern", "Zug", OTHER)
    assert schema["grade"].kind == "categorical", "an order has no place for what is not named"
    again = schema.decode(schema.encode(rows[0]))
    assert (again["town"][:80] == OTHER).all()


def test_rare_unseen_and_literal_others_are_one(fitted, rows):
    X = pd.concat([rows[0][:1]] * 4, ignore_index=True)
    X["town"] = ["hamlet 7", "never heard of", OTHER, "hamlet 8"]
    X["code"] = pd.Series([7000, 123_456, 7097, 0])
    P = fitted.predict_proba(X)
    assert (P[0] == P).all()


def test_the_other_category_is_learned(fitted, rows):
    X, P = rows
    gap = fitted.predict_proba(X)[:, 1] - P[:, 1]
    assert abs(gap[:80].mean()) < 0.15, "80 people of 80 towns are one category, whose mean is known"


@pytest.mark.parametrize("ending", ["json", "py", "sql", "onnx", "c", "js"])
def test_copies_answer_alike(fitted, rows, tmp_path, ending):
    tool = {"c": "cc", "js": "node"}.get(ending)
    if tool is not None and shutil.which(tool) is None:
        pytest.skip(f"{tool} is not there")
    # the trial rows hold every category, missing values and unseen ones; another answer is refused
    path = fitted.export(tmp_path / f"student.{ending}", verify="inprocess" if tool is None else "target")
    assert "hamlet" not in path.read_bytes().decode("latin1")


def test_copies_in_python_answer_alike(fitted, rows):
    X = rows[0].copy()
    X.loc[200:, "town"] = [f"new {i}" for i in range(700)]
    P = fitted.predict_proba(X)
    for copy in (pickle.loads(pickle.dumps(fitted)), type(fitted).from_dict(json.loads(json.dumps(fitted.to_dict())))):
        assert (copy.predict_proba(X) == P).all()
    assert b"hamlet" not in pickle.dumps(fitted)
    if hasattr(fitted, "compile"):
        one = fitted.compile()
        answers = [list(one.one(row).values()) for row in X.iloc[::29].to_dict("records")]
        assert answers == P[::29].tolist()


def test_made_up_rows_make_nobody_common():
    X = pd.DataFrame({"town": ["Bern"] * 30 + ["Zug"] * 30 + ["Only Me"], "x": [*np.linspace(0, 9, 60), 555.5]})

    class Teacher:
        classes_ = np.array(["no", "yes"])

        def predict_proba(self, rows):
            p = np.where(rows["town"] == "Bern", 0.9, 0.2) - 0.01 * np.minimum(rows["x"], 10)
            return np.c_[1 - p, p]

    student = xd.Distiller(Teacher(), xd.TreeClassifier(), n_queries=3000, random_state=0).fit(X).student_
    assert student.schema_["town"].categories == ("Bern", "Zug", OTHER)
    assert student.schema_["x"].maximum < 12
    inside = xd.TreeClassifier()
    with fitted_on(X):
        inside.fit(pd.concat([X] * 9), ["no", "yes"] * 274 + ["no"])
    assert inside.schema_["town"].categories == ("Bern", "Zug", OTHER)


def test_an_encoder_that_is_saved_names_nobody():
    X = pd.DataFrame({"town": ["Bern"] * 9 + ["Zug"] * 8 + ["Only Me"], "x": [*np.arange(17.0), 555.5]})
    encoder = TableEncoder().fit(X)
    text = json.dumps(encoder.to_dict())
    assert "Only Me" not in text
    assert "555" not in text
    again = TableEncoder.from_dict(json.loads(text))
    assert (again.transform(X) == encoder.transform(X)).all()
    assert (encoder.transform(X)[-1, :3] == [0, 0, 1]).all()


def test_one_shows_everything(rows):
    X, P = rows
    tree = xd.TreeClassifier(min_category_size=1).fit(X, P)
    assert "hamlet 7" in tree.schema_["town"].categories
    assert tree.schema_["age"].minimum == X["age"].min()
    assert tree.schema_["grade"].kind == "ordered"


@pytest.mark.parametrize("kind", ["numeric", "integer", "datetime"])
def test_what_a_row_stands_for_counts_as_that_row_again(kind):
    rng = np.random.default_rng(5)
    for n in (3, 9, 40):
        values, count = np.rint(rng.normal(0, 30, n)), rng.integers(1, 9, n)
        assert shown_bounds(values, kind, count=count) == shown_bounds(np.repeat(values, count), kind)


def test_weighted_categories_are_those_of_the_repeated_rows():
    X = pd.DataFrame({"city": ["Bern", "Zug", "Aarau"], "key": ["a", "b", "c"], "age": [20.0, np.nan, 51.0]})
    count = np.array([5, 4, 9])
    again = X.loc[np.repeat(X.index, count)]
    schema = disclosed(Schema.infer(X), X, count=count)
    assert schema == disclosed(Schema.infer(again), again)
    assert schema["city"].categories == ("Aarau", "Bern", "(other)")
