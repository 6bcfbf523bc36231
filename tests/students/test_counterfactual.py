"""Counterfactuals and reasons of every student: a flip within bounds, in allowed columns, at least cost."""

import inspect
from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, is_classifier
from sklearn.linear_model import LogisticRegression

from explaindistill import (
    Distiller,
    GAMClassifier,
    LinearClassifier,
    ScorecardClassifier,
    TreeClassifier,
    TreeRegressor,
    plugins,
)
from explaindistill.errors import InvalidInputError

STUDENTS = [
    value
    for name in plugins.names("students")
    for value in plugins.public("students", name).values()
    if inspect.isclass(value) and hasattr(value, "accepts_soft_targets")
]
every_student = pytest.mark.parametrize("kind", STUDENTS, ids=lambda s: s.__name__)
N_ROWS = 8
HOT = ["hot_x", "hot_y", "hot_z"]


def rows(n=400, seed=0):
    """Few values per column, so that everything a row may become can be tried."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.integers(0, 7, n),
            "b": rng.integers(0, 5, n),
            "home": rng.choice(["own", "rent", "other"], n),
            "grade": pd.Categorical(rng.choice(["A", "B", "C"], n), ["A", "B", "C"], ordered=True),
            "member": rng.random(n) < 0.5,
            "hot_x": 0,
            "hot_y": 0,
            "hot_z": 0,
        }
    )
    which = rng.integers(0, 3, n)
    for k, name in enumerate(("hot_x", "hot_y", "hot_z")):
        X[name] = (which == k).astype(int)
    z = 0.8 * (X["a"] - 3) - 0.9 * (X["b"] - 2) + 1.2 * (X["home"] == "own") + 0.7 * X["member"] + (which == 1) - 1
    z += 0.5 * X["grade"].cat.codes * (X["a"] > 3)
    X.loc[rng.random(n) < 0.05, "home"] = None
    return X, 1 / (1 + np.exp(-z.to_numpy()))


def fitted(kind):
    X, p = rows()
    return kind().fit(X, pd.DataFrame({"no": 1 - p, "yes": p}) if is_classifier(kind()) else p), X


def wish(student, row):
    """Another answer than the one that the row gets."""
    answer = student.predict(row)[0]
    if is_classifier(student):
        return "no" if answer == "yes" else "yes"
    return (0.6, 2.0) if answer < 0.6 else (-1.0, 0.4)


def answers_as(student, X, wanted):
    told = student.predict(X)
    return told == wanted if is_classifier(student) else (told >= wanted[0]) & (told <= wanted[1])


def price(row, then):
    """Cost of becoming each row of ``then``."""
    now = row.iloc[0]
    letters = {c: i for i, c in enumerate("ABC")}
    cost = (then["a"] - now["a"]).abs() / 6 + (then["b"] - now["b"]).abs() / 4
    cost += (then["grade"].astype(object).map(letters) - letters[now["grade"]]).abs() / 2
    cost += (then["member"] != now["member"]).astype(float)
    cost += (then[HOT] != now[HOT].astype(int)).any(axis=1).astype(float)
    cost += 0.0 if pd.isna(now["home"]) else (then["home"] != now["home"]).astype(float)
    return cost.to_numpy(dtype=float)


def everything(row):
    """All that a row may become, missing values staying so, with its cost."""
    now = row.iloc[0]
    homes = [None] if pd.isna(now["home"]) else ["own", "rent", "other"]
    lines = []
    for a, b, home, grade, member, hot in product(range(7), range(5), homes, "ABC", [False, True], range(3)):
        lines.append((a, b, home, grade, member, *(int(k == hot) for k in range(3))))
    out = pd.DataFrame(lines, columns=row.columns).astype({c: row[c].dtype for c in row.columns if c != "home"})
    return out, price(row, out)


@every_student
def test_flips_within_bounds_and_nothing_is_cheaper(kind):
    student, X = fitted(kind)
    found_some = 0
    for i in range(N_ROWS):
        row = X.iloc[[i]].reset_index(drop=True)
        wanted = wish(student, row)
        found = student.counterfactual(row, wanted=wanted)
        grid, cost = everything(row)
        good = np.asarray(answers_as(student, grid, wanted))
        if not good.any():
            assert found.status == "none"
            continue
        if found.status == "none":
            assert not found.exact
            continue
        found_some += 1
        assert answers_as(student, found.row, wanted)[0]
        assert found.row["a"].between(0, 6).all()
        assert found.row[["hot_x", "hot_y", "hot_z"]].sum(axis=1).item() == 1
        assert found.cost == pytest.approx(price(row, found.row)[0])
        assert found.row["home"].isna().item() == row["home"].isna().item()
        if found.exact:
            assert found.cost == pytest.approx(cost[good].min())
        else:
            assert found.cost <= 1.6 * cost[good].min() + 1e-9
    assert found_some >= N_ROWS - 2


@every_student
def test_only_allowed_columns_change_within_narrower_bounds(kind):
    student, X = fitted(kind)
    for i in range(4):
        row = X.iloc[[i]].reset_index(drop=True)
        limits = {"a": (row["a"].item(), None)}
        found = student.counterfactual(row, wanted=wish(student, row), change=["a", "b"], bounds=limits)
        if found.status == "found":
            pd.testing.assert_frame_equal(found.row.drop(columns=["a", "b"]), row.drop(columns=["a", "b"]))
            assert found.row["a"].item() >= row["a"].item()
            assert set(found.changes["column"]) <= {"a", "b"}


@every_student
def test_reasons_weigh_against_the_answer_in_order(kind):
    student, X = fitted(kind)
    found = student.reasons(X.head(30), n_reasons=3, reference=X)
    assert list(found.columns) == ["row", "rank", "term", "reason", "weight", "share"]
    assert (found["weight"] > 0).all()
    assert found["rank"].max() <= 3
    for _, part in found.groupby("row"):
        assert part["rank"].tolist() == list(range(1, len(part) + 1))
        assert (np.diff(part["weight"]) <= 1e-12).all()
        assert part["share"].sum() <= 1 + 1e-9
    if is_classifier(student):
        other = student.reasons(X.head(30), against="no", n_reasons=20)
        same = student.reasons(X.head(30), against="yes", n_reasons=20)
        both = other.merge(same, on=["row", "term"])
        assert both.empty


def test_a_missing_value_and_an_unseen_category_stay():
    student, X = fitted(TreeClassifier)
    row = X.iloc[[0]].assign(home="castle").reset_index(drop=True)
    found = student.counterfactual(row, change=["a", "b"])
    assert found.row["home"].item() == "castle"


def test_prices_move_the_change_elsewhere():
    X = pd.DataFrame({"a": [0, 1, 2, 3] * 50, "b": [0] * 100 + [3] * 100})
    student = LinearClassifier(penalty=1e-4).fit(X, np.where(X["a"] + X["b"] >= 3, "yes", "no"))
    row = {"a": 0, "b": 0}
    cheap_a, cheap_b = (student.counterfactual(row, prices={c: 0.01}) for c in "ab")
    assert cheap_a.changes["column"].iloc[-1] == "a" or cheap_a.changes["column"].tolist() == ["a"]
    assert "b" in cheap_b.changes["column"].tolist()
    assert cheap_a.row["a"].item() > cheap_b.row["a"].item()


def test_a_threshold_and_several_classes():
    student, X = fitted(LinearClassifier)
    row = X.iloc[[0]]
    strict = student.counterfactual(row, wanted="yes", threshold=0.9)
    assert strict.status in ("found", "already")
    assert student.predict_proba(strict.row)[0, 1] >= 0.9
    for kind in (TreeClassifier, LinearClassifier, GAMClassifier):
        X, p = rows()
        many = kind().fit(X, pd.DataFrame({"x": p**2, "y": 2 * p * (1 - p), "z": (1 - p) ** 2}))
        for i in range(5):
            row, now = X.iloc[[i]], many.predict(X.iloc[[i]])[0]
            found = many.counterfactual(row)
            assert many.predict(found.row)[0] != now
            named = [many.counterfactual(row, wanted=c) for c in many.classes_ if c != now]
            costs = [f.cost for f in named if f.status == "found"]
            assert found.cost == pytest.approx(min(costs))


def test_continuous_columns_and_dates():
    rng = np.random.default_rng(3)
    X = pd.DataFrame(
        {
            "x": rng.normal(size=300).round(3),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 300), unit="D"),
        }
    )
    y = np.where(X["x"] + (X["day"] > "2021-06-01") > 0.5, "yes", "no")
    for kind in (TreeClassifier, LinearClassifier, ScorecardClassifier, GAMClassifier):
        student = kind().fit(X, y)
        for i in range(6):
            row = X.iloc[[i]]
            found = student.counterfactual(row)
            assert found.status == "found"
            assert student.predict(found.row)[0] != student.predict(row)[0]
            assert X["x"].min() <= found.row["x"].item() <= X["x"].max()
            assert found.row["day"].item() == found.row["day"].item().normalize()


def test_a_linear_change_is_on_the_boundary():
    rng = np.random.default_rng(4)
    X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["u", "v"])
    student = LinearClassifier(penalty=1e-3).fit(X, X["u"] + 0.5 * X["v"] > 0)
    row = X.iloc[[0]]
    found = student.counterfactual(row)
    coefficient = student.model_.coef[:, 0] * [f.maximum - f.minimum for f in student.schema_]
    need = abs(student.decision_function(row)[0]) / np.abs(coefficient).max()
    assert found.cost == pytest.approx(need, abs=1e-5)
    assert found.changes["column"].tolist() == ["uv"[int(np.argmax(np.abs(coefficient)))]]


def test_the_teacher_is_asked_and_its_dissent_is_marked():
    X = pd.DataFrame({"a": np.arange(100.0), "b": np.tile([0.0, 1.0], 50)})
    student = TreeClassifier().fit(X, np.where(X["a"] > 50, "yes", "no"))
    yes = LogisticRegression().fit(X, np.where(X["a"] > 20, "yes", "no"))
    never = LogisticRegression().fit(X, np.where(X["a"] > 90, "yes", "no"))
    agreed, denied = (student.counterfactual({"a": 10.0, "b": 0.0}, teacher=t) for t in (yes, never))
    assert agreed.teacher_agrees is True
    assert denied.teacher_agrees is False
    assert (denied.teacher_before, denied.teacher_after) == ("no", "no")
    assert "does not agree" in str(denied)
    wide = TreeRegressor(min_samples_leaf=5).fit(X, X["a"])
    reached = wide.counterfactual(X.iloc[[3]], wanted=(60, 100), teacher=lambda rows: rows["a"])
    assert reached.teacher_agrees is True
    assert reached.after >= 60


def test_a_teacher_that_names_its_classes_in_another_order():
    X = pd.DataFrame({"a": np.arange(100.0)})
    student = TreeClassifier().fit(X, np.where(X["a"] > 50, "yes", "no"))

    class Turned:
        classes_ = np.array(["yes", "no"])

        def predict_proba(self, rows):
            p = (rows["a"] > 50).to_numpy(dtype=float)
            return np.column_stack([p, 1 - p])

    found = student.counterfactual({"a": 10.0}, teacher=Turned())
    assert (found.teacher_before, found.teacher_after, found.teacher_agrees) == ("no", "yes", True)


def test_a_group_of_columns_costs_its_dearest_and_must_be_a_choice():
    which = np.arange(90) % 3
    X = pd.DataFrame({name: (which == k).astype(int) for k, name in enumerate(HOT)})
    student = TreeClassifier(min_samples_leaf=1).fit(X, np.where(which == 1, "yes", "no"))
    found = student.counterfactual(dict(zip(HOT, (1, 0, 0), strict=True)), prices={"hot_z": 3.0})
    assert found.row.iloc[0].tolist() == [0, 1, 0]
    assert found.cost == 3.0
    neither = student.counterfactual(dict(zip(HOT, (0, 0, 0), strict=True)), wanted="yes")
    assert neither.status == "none"


def test_a_value_without_a_place_on_the_order_is_exchanged_at_full_price():
    grade = pd.Categorical(list("ABCDE") * 20, list("ABCDE"), ordered=True)
    X = pd.DataFrame({"grade": grade})
    student = TreeClassifier(min_samples_leaf=1).fit(X, np.where(grade.codes >= 2, "yes", "no"))
    now = student.predict(pd.DataFrame({"grade": ["F"]}))[0]
    found = student.counterfactual({"grade": "F"}, wanted="no" if now == "yes" else "yes")
    assert found.cost == 1.0
    assert student.counterfactual({"grade": "B"}).cost == 0.25


def test_a_linear_change_is_told_in_few_digits():
    rng = np.random.default_rng(4)
    X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["u", "v"])
    student = LinearClassifier(penalty=1e-3).fit(X, X["u"] + 0.5 * X["v"] > 0)
    for i in range(5):
        found = student.counterfactual(X.iloc[[i]])
        name = found.changes["column"].item()
        assert len(repr(found.row[name].item())) <= 10


def test_a_threshold_is_just_reached():
    X = pd.DataFrame({"u": np.random.default_rng(5).normal(size=400)})
    p = 1 / (1 + np.exp(-2 * X["u"].to_numpy()))
    student = LinearClassifier(penalty=1e-4).fit(X, pd.DataFrame({"no": 1 - p, "yes": p}))
    found = student.counterfactual({"u": -1.0}, wanted="yes", threshold=0.8)
    assert student.predict_proba(found.row)[0, 1] == pytest.approx(0.8, abs=1e-4)
    strict = student.counterfactual({"u": 1.0}, wanted="no", threshold=0.8)
    assert student.predict_proba(strict.row)[0, 0] == pytest.approx(0.8, abs=1e-4)


def test_what_cannot_be_or_need_not_be():
    X = pd.DataFrame({"a": [0, 1, 2, 3] * 5, "b": [1] * 20})
    student = TreeClassifier(min_samples_leaf=1).fit(X, np.where(X["a"] > 1, "yes", "no"))
    none = student.counterfactual({"a": 0, "b": 1}, change=["b"])
    assert none.status == "none"
    assert none.row is None
    assert "no allowed change" in str(none)
    already = student.counterfactual({"a": 3, "b": 1}, wanted="yes")
    assert (already.status, already.cost, len(already.changes)) == ("already", 0.0, 0)
    assert "nothing needs to change" in str(already)


def test_messages():
    student, X = fitted(TreeClassifier)
    row = X.iloc[[0]]
    with pytest.raises(InvalidInputError, match="row must be one row, got 2"):
        student.counterfactual(X.iloc[:2])
    with pytest.raises(InvalidInputError, match="wanted must be one of the classes"):
        student.counterfactual(row, wanted="maybe")
    with pytest.raises(InvalidInputError, match="change names 'zz'"):
        student.counterfactual(row, change=["zz"])
    with pytest.raises(InvalidInputError, match="bounds of 'home' names 'castle'"):
        student.counterfactual(row, bounds={"home": ["castle"]})
    with pytest.raises(InvalidInputError, match="bounds of 'a' must be low <= high"):
        student.counterfactual(row, bounds={"a": (5, 2)})
    with pytest.raises(InvalidInputError, match="prices must be positive"):
        student.counterfactual(row, prices={"a": 0})
    with pytest.raises(InvalidInputError, match="threshold needs wanted"):
        student.counterfactual(row, threshold=0.4)
    with pytest.raises(InvalidInputError, match="threshold must lie between 0 and 1"):
        student.counterfactual(row, wanted="yes", threshold=4)
    with pytest.raises(InvalidInputError, match="n_reasons must be at least 1"):
        student.reasons(row, n_reasons=0)
    with pytest.raises(InvalidInputError, match="against must be one of the classes"):
        student.reasons(row, against="maybe")
    regressor = TreeRegressor().fit(X, X["a"].astype(float))
    with pytest.raises(InvalidInputError, match="pair"):
        regressor.counterfactual(row)
    with pytest.raises(InvalidInputError, match="against is for classes"):
        regressor.reasons(row, against="yes")
    with pytest.raises(InvalidInputError, match="one output"):
        TreeRegressor().fit(X, X[["a", "b"]].astype(float)).counterfactual(row, wanted=(0, 1))


class Strict:
    """A teacher that looks at a column the student does not see."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        p = ((X["a"] > 3) & (X["c"] > 0)).to_numpy(dtype=float)
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_a_distiller_asks_its_teacher_about_the_whole_row():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 8, 300), "b": rng.random(300), "c": rng.choice([-1.0, 1.0, 2.0], 300)})
    made = Distiller(Strict(), TreeClassifier(), features=["b", "a"], n_queries=300, random_state=0).fit(X)
    for c, agrees in ((1.0, True), (-1.0, False)):
        found = made.counterfactual({"a": 1, "b": 0.5, "c": c}, wanted="yes")
        assert list(found.row.columns) == ["a", "b", "c"]
        assert found.row["c"].item() == c
        assert found.row["a"].item() == 4
        assert found.teacher_agrees is agrees
    assert made.reasons(X.head(), reference=X)["weight"].gt(0).all()
    assert made.shapley(X.head(), X).values.shape == (5, 2, 2)
    changed = Distiller(Strict(), TreeClassifier(), features=ColumnsA(), n_queries=300, random_state=0).fit(X)
    with pytest.raises(InvalidInputError, match="columns as they are"):
        changed.counterfactual(X.iloc[[0]])


class ColumnsA(BaseEstimator, TransformerMixin):
    """A transformer that keeps one column."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X[["a"]]
