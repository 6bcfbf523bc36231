"""One column at a time: where student and teacher decide alike."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError

FAMILIES = {
    "tree": xd.TreeClassifier(max_leaf_nodes=8),
    "model tree": xd.ModelTreeClassifier(max_leaf_nodes=3, n_folds=0),
    "rules": xd.RuleListClassifier(max_rules=4),
    "gam": xd.GAMClassifier(n_pairs=0),
    "linear": xd.LinearClassifier(),
    "scorecard": xd.ScorecardClassifier(),
}


def people(n=300, seed=0):
    rng = np.random.default_rng(seed)
    sex = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 70, n),
            "debt": rng.gamma(2, 1, n),
            "home": rng.choice(["own", "rent", "free"], n),
            "years": rng.choice([1.0, 2.0, 3.0, np.nan], n),
            "sex_f": sex,
            "sex_m": 1 - sex,
            "member": rng.random(n) < 0.5,
        }
    )


def score(X):
    z = 0.1 * (X["age"].astype(float) - 45) - X["debt"] + (X["home"] == "own") + X["years"].fillna(0.0) / 2
    return np.asarray(z + 0.5 * X["sex_f"] + 0.3 * X["member"].astype(float), dtype=float)


class Teacher:
    classes_ = np.array(["yes", "no"])  # not sorted: columns go by name

    def __init__(self):
        self.n = 0

    def predict_proba(self, X):
        self.n += len(X)
        p = 1 / (1 + np.exp(-score(X)))
        return np.column_stack([p, 1 - p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture(scope="module")
def students():
    X, P = people(), pd.DataFrame(Teacher().predict_proba(people()), columns=Teacher.classes_)
    return {name: student.fit(X, P) for name, student in FAMILIES.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_of_categories_flags_and_whole_numbers_by_brute_force(students, family):
    student, teacher, X = students[family], Teacher(), people(seed=5)
    for i in range(3):
        row = X.iloc[[i]].reset_index(drop=True)
        table = student.agreement_intervals(row, teacher)
        low, high = (int(getattr(student.schema_["age"], end)) for end in ("minimum", "maximum"))
        ages = sorted({*range(low, high + 1), int(row["age"][0])})
        trials = {
            "age": [row.assign(age=v) for v in ages],
            "home": [row.assign(home=v) for v in ("free", "own", "rent")],
            "member": [row.assign(member=v) for v in (False, True)],
            "sex": [row.assign(sex_f=v, sex_m=1 - v) for v in (1, 0)],
        }
        for column, frames in trials.items():
            lines = table[table["column"] == column]
            rows = pd.concat(frames, ignore_index=True)
            alike = student.predict(rows) == teacher.predict(rows)
            assert lines["n"].sum() == len(rows)
            assert lines.loc[lines["alike"], "n"].sum() == alike.sum()
            assert lines["now"].sum() == 1
            assert set(lines["method"]) == {"every value"}
            for line in lines.to_dict("records"):
                if column == "age":
                    inside = rows["age"].between(line["low"], line["high"])
                    assert (alike[inside] == line["alike"]).all()
                    assert set(teacher.predict(rows[inside])) == {line["teacher"]}
                    assert set(student.predict(rows[inside])) == {line["student"]}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_number_is_bisected_to_its_changes(students, family):
    student, teacher = students[family], Teacher()
    row = people(seed=5).iloc[[1]].reset_index(drop=True)
    table = student.agreement_intervals(row, teacher, change=["debt"])
    assert set(table["method"]) == {"grid, changes bisected"}
    width = student.schema_["debt"].maximum - student.schema_["debt"].minimum
    fine = np.unique([*np.linspace(student.schema_["debt"].minimum, student.schema_["debt"].maximum, 4_000)])
    rows = row.loc[np.zeros(len(fine), dtype=int)].assign(debt=fine)
    alike = student.predict(rows) == teacher.predict(rows)
    for line in table.to_dict("records"):
        inside = (fine >= line["low"]) & (fine <= line["high"])
        assert (alike[inside] == line["alike"]).all()
    gaps = table["low"].to_numpy()[1:] - table["high"].to_numpy()[:-1]
    assert (gaps > 0).all()
    assert (gaps <= width * 2.0**-20).all()
    border = float(row["debt"].iloc[0] + score(row)[0])  # where the teacher's odds are even
    if student.schema_["debt"].minimum < border < student.schema_["debt"].maximum:
        changes = [h for h, a, b in zip(table["high"], table["teacher"], table["teacher"][1:], strict=False) if a != b]
        assert min(abs(h - border) for h in changes) <= 2 * width * 2.0**-20


def test_questions_are_counted_missing_is_a_value_and_quantiles_may_be_the_grid(students):
    teacher, X = Teacher(), people()
    row = X.iloc[[3]].assign(years=np.nan)
    table = students["tree"].agreement_intervals(row, teacher, reference=X, n_grid=8)
    assert table.attrs["n_questions"] == teacher.n
    years = table[table["column"] == "years"]
    assert years.loc[years["values"] == "missing", "now"].tolist() == [True]
    assert np.isnan(years.loc[years["values"] == "missing", "low"].iloc[0])
    few = students["tree"].agreement_intervals(row, teacher, n_grid=2, change=["debt"])
    assert few.attrs["n_questions"] < table.attrs["n_questions"]


def test_a_threshold_decides_instead_of_the_likeliest_class(students):
    row = people(seed=5).iloc[[1]].assign(debt=1.0)
    table = students["tree"].agreement_intervals(row, Teacher(), favorable="yes", threshold=0.8, change=["age"])
    ages = table.loc[table["teacher"] == "yes", "low"].min()
    rows = pd.concat([row.assign(age=v) for v in range(18, 70)])
    p = Teacher().predict_proba(rows)[:, 0]
    assert ages == rows["age"][p >= 0.8].min() > rows["age"][p >= 0.5].min()


def test_regression_needs_a_tolerance():
    X = people()
    student = xd.TreeRegressor(max_leaf_nodes=8).fit(X, score(X))
    with pytest.raises(InvalidInputError, match="tolerance must be a finite number of at least 0, got None"):
        student.agreement_intervals(X.iloc[[0]], score)
    table = student.agreement_intervals(X.iloc[[0]], score, tolerance=0.5, change=["age"])
    rows = pd.concat([X.iloc[[0]].assign(age=v) for v in range(int(table["low"].min()), int(table["high"].max()) + 1)])
    near = np.abs(student.predict(rows) - score(rows)) <= 0.5
    assert table.loc[table["alike"], "n"].sum() == near.sum()
    assert table["student"].isna().all()


def test_dates_and_large_whole_numbers_end_at_neighbours():
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 3_000, 300), unit="D")
    X = pd.DataFrame({"since": day, "income": rng.integers(0, 100_000, 300)})

    def teacher(X):
        yes = (X["since"] >= pd.Timestamp("2023-05-17")) | (X["income"] >= 65_432)
        return np.column_stack([~yes, yes]).astype(float)

    student = xd.TreeClassifier(max_leaf_nodes=4, classes=["no", "yes"]).fit(X, teacher(X))
    row = pd.DataFrame({"since": [pd.Timestamp("2021-01-01")], "income": [1_000]})
    table = student.agreement_intervals(row, teacher)
    by_teacher = table[table["teacher"] == "yes"].groupby("column")["low"].min()
    assert by_teacher["income"] == 65_432
    assert pd.Timestamp(by_teacher["since"], unit="s") == pd.Timestamp("2023-05-17")


def test_a_distiller_asks_its_own_teacher_with_the_columns_that_the_student_does_not_see():
    X = people()
    distiller = xd.Distiller(Teacher(), xd.TreeClassifier(max_leaf_nodes=4), features=["age", "debt"], random_state=0)
    distiller.fit(X)
    row = X.iloc[[0]]
    table = distiller.agreement_intervals(row, change=["age"])
    rows = pd.concat([row.assign(age=v) for v in range(int(table["low"].min()), int(table["high"].max()) + 1)])
    alike = distiller.predict(rows) == Teacher().predict(rows)
    assert table.loc[table["alike"], "n"].sum() == alike.sum()
    assert "agreement intervals" in distiller.teacher_.rows_sent_.by_purpose
    record = xd.Distiller((X, pd.DataFrame(Teacher().predict_proba(X), columns=["yes", "no"])), xd.TreeClassifier())
    with pytest.raises(InvalidInputError, match="this teacher has only records"):
        record.fit(X).agreement_intervals(row)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"change": ["rooms"]}, "change names 'rooms', the columns are: age"),
        ({"n_grid": 1}, "n_grid must be a whole number of at least 2, got 1"),
        ({"tolerance": 0.1}, "tolerance is for regression"),
        ({"threshold": 0.5}, "favorable and threshold go together"),
        ({"threshold": 0.5, "favorable": "maybe"}, "favorable must be one of two classes, got 'maybe'"),
    ],
)
def test_what_cannot_be_asked_is_refused(students, more, words):
    with pytest.raises(InvalidInputError, match=words):
        students["tree"].agreement_intervals(people().iloc[[0]], Teacher(), **more)
