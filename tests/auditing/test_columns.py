"""Labels, attributes, weights and groups named as columns: no model sees them that was not fitted with them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import explaindistill as xd
from explaindistill.errors import InvalidInputError

ROLES = {"y": "hired", "sensitive": "sex", "sample_weight": "w", "groups": "branch", "strata": "job"}


class Watching:
    """A teacher that keeps the columns it was asked with, and does without all but one."""

    classes_ = np.array(["no", "yes"])

    def __init__(self) -> None:
        self.seen: set[tuple[str, ...]] = set()

    def predict_proba(self, X):
        self.seen.add(tuple(map(str, X.columns)))
        p = np.clip(X["age"].to_numpy(dtype=float) / 80, 0, 1)
        return np.c_[1 - p, p]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


# one column of whole numbers has no new row, and a distiller says so
pytestmark = pytest.mark.filterwarnings("ignore:MungeSampler made")


def people(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n)
    return pd.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["f", "m"], n),
            "hired": np.where(rng.random(n) < age / 80, "yes", "no"),
            "w": rng.integers(1, 4, n).astype(float),
            "branch": rng.integers(0, 80, n),
            "job": rng.choice(["a", "b"], n),
        }
    )


def distilled(teacher, rows, columns):
    return xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), n_queries=300, random_state=0).fit(rows[columns])


@pytest.mark.parametrize("role", ROLES)
def test_a_named_column_gives_the_audit_that_its_values_give(role):
    rows, teacher = people(), Watching()
    student = distilled(teacher, people(seed=1), ["age"])
    others = {r: rows[c] for r, c in ROLES.items() if r != role}
    shared = {"favorable": "yes", "n_explained": 0}
    named = xd.audit(teacher, student, rows[["age", ROLES[role]]], **others, **{role: ROLES[role]}, **shared)
    given = xd.audit(teacher, student, rows[["age"]], **others, **{role: rows[ROLES[role]]}, **shared)
    assert teacher.seen == {("age",)}
    assert list(named.schema.names) == ["age"]
    for frame in ("fidelity", "rates", "performance", "strata"):
        pd.testing.assert_frame_equal(named.frames[frame], given.frames[frame])
    assert not [note for note in named.notes if "is an input of" in note]


def test_all_at_once_and_by_whole_numbers():
    teacher, rows = Watching(), people()
    student = distilled(teacher, people(seed=1), ["age"])
    report = xd.audit(teacher, student, rows, favorable="yes", n_explained=0, **ROLES)
    assert teacher.seen == {("age",)}
    assert {"sex"} == set(report.frames["rates"]["attribute"])
    numbered = rows[["age", "hired", "sex"]].set_axis([0, 1, 2], axis=1)
    network = LogisticRegression().fit(numbered[[0]], numbered[1])
    others = people(seed=1)[["age"]].set_axis([0], axis=1)
    tree = distilled(network, others, [0])  # its rows are all that the network, fitted without names, reads
    found = xd.audit(network, tree, numbered, 1, sensitive=[2], favorable="yes", n_explained=0)
    assert found.schema.names == ["0"]
    assert set(found.frames["rates"]["attribute"]) == {"2"}
    assert len(found.frames["performance"])


def test_a_model_that_was_fitted_with_it_keeps_it_and_a_word_says_so():
    rows = people()
    features = pd.get_dummies(rows[["age", "hired"]], columns=["hired"]).rename(columns={"hired_yes": "leak"})
    features = features[["age", "leak"]].astype(float)
    leaky = LogisticRegression().fit(features, rows["hired"])
    tree = xd.TreeClassifier(max_leaf_nodes=3).fit(features, rows["hired"])
    report = xd.audit(leaky, {"tree": tree}, features.assign(hired=rows["hired"]), "hired", n_explained=0)
    assert report.schema.names == ["age", "leak"]
    inner = xd.TreeClassifier(max_leaf_nodes=3).fit(rows[["age", "hired"]], rows["hired"])
    watching = Watching()
    with_label = xd.audit(watching, {"tree": inner}, rows[["age", "hired"]], "hired", n_explained=0)
    assert "The column “hired” is named as y and is an input of: tree." in with_label.notes


def test_rows_of_fitting_may_name_their_labels():
    teacher, rows = Watching(), people()
    student = distilled(teacher, people(seed=1), ["age"])
    train = people(seed=1)[["age", "hired"]]
    report = xd.audit(teacher, student, rows[["age"]], rows["hired"], train=(train, "hired"), n_explained=0)
    assert "student without teacher" in set(report.frames["performance"]["subject"])


def test_a_distiller_takes_labels_and_weights_out():
    teacher, rows = Watching(), people()[["age", "hired", "w"]]
    make = lambda: xd.Distiller(  # noqa: E731
        teacher, xd.TreeClassifier(max_leaf_nodes=4), label_weight=0.5, n_queries=300, random_state=0
    )
    named = make().fit(rows, "hired", "w")
    given = make().fit(rows[["age"]], rows["hired"], rows["w"])
    assert named.feature_names_in_.tolist() == ["age"]
    assert teacher.seen == {("age",)}
    assert named.describe() == given.describe()
    assert named.score(rows.drop(columns="w"), "hired") == given.score(rows[["age"]], rows["hired"])


def test_a_name_that_is_no_column_is_refused_before_any_work():
    teacher, rows = Watching(), people()
    student = distilled(teacher, people(seed=1), ["age"])
    asked = len(teacher.seen)
    for role in ("y", "sample_weight", "groups", "strata"):
        with pytest.raises(InvalidInputError, match=f"{role} names 'office', the columns are: age"):
            xd.audit(teacher, student, rows, favorable="yes", **{role: "office"})
    assert len(teacher.seen) == asked


CODES = {"numbers": [0, 1], "reals": [0.0, 1.0], "truths": [False, True]}


@pytest.mark.parametrize("teacher", CODES)
@pytest.mark.parametrize("labels", CODES)
@pytest.mark.parametrize("favorable", [1, 1.0, True, np.int64(1)])
def test_numbers_and_truths_that_are_equal_are_one_class(teacher, labels, favorable):
    rows = people(200)
    hired = (rows["hired"] == "yes").to_numpy()
    model = LogisticRegression().fit(rows[["age"]], np.array(CODES[teacher])[hired.astype(int)])
    tree = xd.TreeClassifier(max_leaf_nodes=3).fit(rows[["age"]], model.predict(rows[["age"]]))
    y = np.array(CODES[labels])[hired.astype(int)]
    report = xd.audit(model, tree, rows[["age"]], y, sensitive=rows["sex"], favorable=favorable, n_explained=0)
    rates = report.frames["rates"]
    base = rates[(rates["metric"] == "base_rate") & (rates["subject"] == "teacher")].set_index("group")["estimate"]
    assert base.to_dict() == pytest.approx(pd.Series(hired).groupby(rows["sex"]).mean().to_dict())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"favorable": "1"}, r"favorable must be one of the classes \[0, 1\], got '1'; did you mean 1\?"),
        ({"y": "text"}, r"y has the label '[01]', which is not among classes \[0, 1\]; did you mean [01]\?"),
        ({"student": "text"}, r"each class of student 'student' must be one of the classes \[0, 1\], got '0'; did you"),
    ],
)
def test_text_is_never_taken_for_a_number(changed, message):
    rows = people(200)
    hired = (rows["hired"] == "yes").astype(int).to_numpy()
    model = LogisticRegression().fit(rows[["age"]], hired)
    labels = hired.astype(str) if changed.pop("student", "") else hired
    tree = xd.TreeClassifier(max_leaf_nodes=3).fit(rows[["age"]], labels)
    if "y" in changed:
        changed["y"] = hired.astype(str)
    with pytest.raises(InvalidInputError, match=message):
        xd.audit(model, tree, rows[["age"]], **{"y": hired, "favorable": 1, **changed})


@pytest.mark.parametrize("role", ["sensitive", "strata"])
def test_a_column_that_the_teacher_may_or_may_not_read_is_said(role):
    rows, teacher = people(), Watching()
    tree = xd.TreeClassifier(max_leaf_nodes=3).fit(rows[["age"]], rows["hired"])
    column = ROLES[role]
    options = {"favorable": "yes", "n_explained": 0}
    unknown = xd.audit(teacher, tree, rows[["age", column, "hired"]], "hired", **{role: column}, **options)
    assert teacher.seen == {("age",)}
    note = f"The column “{column}”, named as {role}, was taken out of the rows that all models see"
    assert any(words.startswith(note) for words in unknown.notes)
    teacher.seen = set()
    beside = xd.audit(teacher, tree, rows[["age", "hired"]], "hired", **{role: rows[[column]].squeeze()}, **options)
    assert teacher.seen == {("age",)}
    assert not any("that all models see" in note for note in beside.notes)
    teacher.feature_names_in_ = ["age"]
    named = xd.audit(teacher, tree, rows[["age", column, "hired"]], "hired", **{role: column}, **options)
    assert teacher.seen == {("age",)}
    pd.testing.assert_frame_equal(named.frames["fidelity"], beside.frames["fidelity"])


def test_labels_are_taken_out_of_what_a_bare_teacher_sees():
    rows, teacher = people(), Watching()
    tree = xd.TreeClassifier(max_leaf_nodes=3).fit(rows[["age"]], rows["hired"])
    named = {"y": "hired", "sample_weight": "w", "groups": "branch"}
    xd.audit(teacher, tree, rows[["age", *named.values()]], **named, favorable="yes", n_explained=0)
    assert teacher.seen == {("age",)}
