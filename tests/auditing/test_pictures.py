"""Pictures of an audit and its Shapley values: painted from frames, with no person in any file."""

import pickle

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill import plots
from explaindistill.auditing.pictures import PICTURES
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.teachers.callable import CallableTeacher

CLASSES = ["no", "yes"]


def rows(n=300, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"age": rng.integers(18, 80, n), "pay": rng.gamma(2, 500, n), "sex": rng.choice(["f", "m"], n)}
    )
    return frame.set_index(np.arange(1_000, 1_000 + n))


def chance(X):
    p = 1 / (1 + np.exp(2 - 0.03 * X["age"] - 0.8 * (X["sex"] == "m") - 0.0004 * X["pay"]))
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def audited():
    X = rows()
    P = pd.DataFrame(chance(X), columns=CLASSES)
    students = {"line": xd.LinearClassifier().fit(X, P), "tree": xd.TreeClassifier(max_leaf_nodes=4).fit(X, P)}
    held = rows(seed=1)
    y = np.where(np.random.default_rng(2).random(300) < chance(held)[:, 1], "yes", "no")
    curve = pd.DataFrame({"subject": "tree", "metric": "agreement", "n_queries": [50, 100], "n": 300, "n_repeats": 3,
                          "estimate": [0.8, 0.9], "low": [0.7, 0.8], "high": [0.9, 0.95]})  # fmt: skip
    report = xd.audit(CallableTeacher(chance, classes=CLASSES), students, held, y, sensitive=["sex"], favorable="yes",
                      n_explained=60, dependence=["age", "sex"], query_curve=curve)  # fmt: skip
    return held, report


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_painted_into_the_axes_that_are_given(audited, name):
    figure = plots.figure(7, 5)
    ax = figure.subplots()
    assert audited[1].plot(name, ax=ax) is ax
    assert ax.get_xlabel()
    text = plots.svg(figure, "fig", name, "what it shows")
    assert "nan" not in text
    assert len(text) < 60_000


def test_choices_choose_and_what_is_none_is_refused(audited):
    report = audited[1]
    ax = plots.figure().subplots()
    assert report.plot("dependence", ax, feature="sex").get_ylabel() == "sex"
    assert report.plot("confusion", plots.figure().subplots(), student="tree").get_xlabel() == "tree decides"
    with pytest.raises(InvalidInputError, match="student must be one of line, tree, got 'oak'"):
        report.plot("answers", ax, student="oak")
    with pytest.raises(InvalidInputError, match="feature must have a curve in the frame, got 'pay'; there are: age"):
        report.plot("dependence", ax, feature="pay")
    with pytest.raises(InvalidInputError, match="name must be one of agreement, answers"):
        report.plot("pie", ax)
    with pytest.raises(InvalidInputError, match=r"plot knows the choices student, feature, .*, got colour"):
        report.plot("roc", ax, colour="red")


def test_counts_of_pictures_are_those_of_the_rows(audited):
    held, report = audited
    counted = report.frames["decided_as"].query("subject == 'tree'")
    teacher, tree = chance(held)[:, 1] >= 0.5, report.students["tree"].predict_proba(held)[:, 1] >= 0.5
    expected = [int(((teacher == a) & (tree == b)).sum()) for a in (False, True) for b in (False, True)]
    assert counted["k"].tolist() == expected
    pairs = report.frames["answer_pairs"]
    assert pairs["k"].min() >= 10
    spread = report.frames["score_shares"].query("subject == 'teacher'")
    assert spread.groupby("group")["k"].sum().to_dict() == {"": 300, **held["sex"].value_counts().to_dict()}
    scores = set(chance(held)[:, 1].tolist())
    assert not scores & set(spread["value_from"]) | (scores & set(report.frames["roc"]["threshold"]))
    cut = report.frames["roc"].query("subject == 'teacher'").iloc[0]
    assert cut["k"] == ((chance(held)[:, 1] >= cut["threshold"]) & (report_truth(report, held))).sum()


def report_truth(report, held):
    y = np.where(np.random.default_rng(2).random(300) < chance(held)[:, 1], "yes", "no")
    assert report.favorable == "yes"
    return y == "yes"


def test_explanations_add_up_to_answers_of_the_favourable_class(audited):
    pytest.importorskip("shap")
    held, report = audited
    for name, answers in (("teacher", chance), ("line", report.students["line"].predict_proba)):
        values = report.explanation(name, held)
        assert values.shape == (60, 3)
        assert values.output_names == "log-odds of yes"
        p = answers(held.loc[report.row_values[0].labels])[:, 1]
        total = values.base_values + values.values.sum(axis=1)
        np.testing.assert_allclose(total, np.log(p / (1 - p)), atol=2e-2 if name == "teacher" else 1e-9)
        assert np.ptp(values.base_values) < 1e-8
    label = report.row_values[0].labels[5]
    one = report.explanation("line", held, show=[label])
    assert one.data.tolist() == [held.loc[label].tolist()]
    assert report.explanation("line", show=[label]).data is None
    swarm = report.explanation("teacher")
    assert swarm.data is None


def test_explanations_of_rows_and_models_that_are_not_there_are_refused(audited):
    pytest.importorskip("shap")
    held, report = audited
    with pytest.raises(InvalidInputError, match="show names rows that were not explained: 7; 60 rows drawn"):
        report.explanation("line", show=[7])
    with pytest.raises(InvalidInputError, match=r"show must be a list of labels .*, got 3"):
        report.explanation("line", show=3)
    with pytest.raises(InvalidInputError, match="X must be the audited rows"):
        report.explanation("line", held.reset_index(drop=True))
    with pytest.raises(InvalidInputError, match="scale must be one of logit for line, got 'probability'"):
        report.explanation("line", scale="probability")


def test_nothing_about_rows_is_in_a_pickle_or_a_file(audited, tmp_path):
    report = audited[1]
    assert {v.subject for v in report.row_values} == {"teacher", "line", "tree"}
    again = pickle.loads(pickle.dumps(report))
    assert again.row_values == ()
    with pytest.raises(InvalidInputError, match=r"are not kept in files: call audit\(\) again"):
        again.explanation("teacher")
    text = report.save(tmp_path / "audit.json").read_text("utf-8")
    assert "row_values" not in text


def test_shap_is_optional(audited, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "shap", None)
    with pytest.raises(MissingExtraError, match=r"shap is not installed; run: pip install 'explaindistill\[shap\]'"):
        audited[1].explanation("teacher")


def test_counts_of_rows_that_belong_together_have_no_interval_that_supposes_the_contrary(audited):
    held, report = audited
    line = {"line": report.students["line"]}
    groups = np.arange(len(held)) % 30
    clustered = xd.audit(
        CallableTeacher(chance, classes=CLASSES), line, held, favorable="yes", n_explained=0, groups=groups
    )
    for name in ("score_shares", "answer_pairs"):
        assert clustered.frames[name]["low"].isna().all()
        assert clustered.frames[name]["estimate"].notna().all()
    assert clustered.frames["decided_as"]["low"].notna().all()
