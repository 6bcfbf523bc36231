"""Units of probability and the order of classes are never guessed: by name, refused, or asked about."""

import sys

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.answers import answer_of
from explaindistill.auditing.notes import turned_around
from explaindistill.cli import main
from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView
from explaindistill.errors import TeacherError
from explaindistill.measures.decision import DecisionRule

CLASSES = np.array(["no", "yes"])
X = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 2)), columns=["a", "b"])
OTHERS = pd.DataFrame(np.random.default_rng(5).normal(size=(300, 2)), columns=["a", "b"], index=range(1000, 1300))
CHANCE = 1 / (1 + np.exp(-2 * X["a"].to_numpy()))
Y = np.where(np.random.default_rng(1).random(300) < CHANCE, "yes", "no")


def both(rows):
    p = 1 / (1 + np.exp(-2 * rows["a"].to_numpy(dtype=float)))
    return np.column_stack([1 - p, p])


class Written:
    """A teacher that a user wrote against the protocol; nobody checks what it answers but us."""

    def __init__(self, form, classes=CLASSES):
        self.form, self.classes_ = form, np.asarray(classes)

    def predict_proba(self, rows):
        return self.form(both(rows))

    def predict(self, rows):
        return CLASSES[both(rows).argmax(axis=1)]

    def fingerprint(self):
        return "written"

    def __sklearn_clone__(self):
        return self


WRONG = {
    "per cent": (lambda P: 100 * P, "divide per cent by 100"),
    "log-odds": (lambda P: np.log(P / P[:, ::-1]), "no probabilities.*say output='logits'"),
    "one column": (lambda P: P[:, 1], r"shape \(300,\); its 2 classes need as many columns"),
    "half named": (lambda P: pd.DataFrame(P, columns=["no", "other"]), "name all columns after the classes"),
}


@pytest.mark.parametrize(("form", "message"), WRONG.values(), ids=WRONG)
def test_another_unit_is_refused_by_distiller_and_audit(form, message):
    with pytest.raises(TeacherError, match=message):
        xd.Distiller(Written(form), xd.TreeClassifier(), n_queries=300).fit(X)
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, Y)
    with pytest.raises(TeacherError, match=message):
        xd.audit(Written(form), {"tree": tree}, X, Y, n_explained=0)


@pytest.mark.parametrize(
    "teacher",
    [
        Written(lambda P: pd.DataFrame(P, columns=CLASSES)[["yes", "no"]]),
        Written(lambda P: P[:, ::-1], ["yes", "no"]),
    ],
    ids=["columns in another order than classes_, by name", "classes_ that are not sorted"],
)
def test_another_order_is_followed_where_it_is_said(teacher):
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=8), n_queries=600, random_state=0).fit(OTHERS)
    assert np.mean(student.predict(X) == CLASSES[both(X).argmax(axis=1)]) > 0.95
    performance = xd.audit(teacher, {"tree": student}, X, Y, n_explained=0).frames["performance"]
    accuracy = performance.query("subject == 'teacher' and metric == 'accuracy'")["estimate"].iloc[0]
    assert accuracy == np.mean(CLASSES[both(X).argmax(axis=1)] == Y)


def test_an_order_that_nobody_says_is_asked_about_in_front_of_everything():
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, Y)
    audit = xd.audit(Written(lambda P: P[:, ::-1]), {"tree": tree}, X, Y, n_explained=0)
    assert "less often to those whose true label it is" in audit.notes[0]
    assert "Are its columns in the order no, yes" in audit.notes[0]
    right = xd.audit(Written(lambda P: P), {"tree": tree}, X, Y, n_explained=0)
    assert not any("less often" in note for note in right.notes)


def test_three_classes_that_are_moved_by_one_are_asked_about_and_chance_is_not():
    rng, classes = np.random.default_rng(2), np.array(["a", "b", "c"])
    P = rng.dirichlet([0.5, 0.5, 0.5], 600)
    y = classes[(P.cumsum(axis=1) > rng.random((600, 1))).argmax(axis=1)]
    assert turned_around(P, y, classes, None) == ()
    assert len(turned_around(P[:, [1, 2, 0]], y, classes, None)) == 1
    notes = [turned_around(rng.dirichlet([1, 1, 1], 60), rng.choice(classes, 60), classes, None) for _ in range(100)]
    assert sum(map(len, notes)) <= 2, "one in a thousand of teachers that know nothing"


def test_few_labels_of_one_kind_and_rows_without_weight_ask_nothing():
    y = np.array(["no"] * 295 + ["yes"] * 5, dtype=object)
    P = np.column_stack([np.arange(300) / 300, 1 - np.arange(300) / 300])
    assert turned_around(P, y, CLASSES, None) == ()
    half = np.where(np.arange(300) < 150, "no", "yes")
    assert len(turned_around(P, half, CLASSES, None)) == 1
    assert turned_around(P, half, CLASSES, (np.arange(300) < 150).astype(float)) == ()


def test_a_student_of_other_packages_is_held_to_the_same():
    class Odd:
        classes_ = CLASSES

        def __init__(self, form):
            self.form = form

        def predict_proba(self, rows):
            return self.form(both(rows))

    view, rule = StudentView(Schema.infer(X)), DecisionRule(CLASSES)
    with pytest.raises(
        TeacherError, match=r"a student \(Odd\) answered rows that are no probabilities.*divide per cent"
    ):
        answer_of(Odd(lambda P: 100 * P), view, rule)(X)
    turned = answer_of(Odd(lambda P: pd.DataFrame(P, columns=CLASSES)[["yes", "no"]]), view, rule)(X)
    assert np.array_equal(turned, both(X))


def test_the_command_line_says_it_in_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "percent_teacher.py").write_text(
        "import numpy as np\n"
        "from explaindistill.teachers import as_teacher\n"
        "def score(X):\n"
        "    p = 100 / (1 + np.exp(-np.asarray(X['a'], dtype=float)))\n"
        "    return np.column_stack([100 - p, p])\n"
        "teacher = as_teacher(score, classes=['no', 'yes'])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    X.assign(word=Y).to_csv(tmp_path / "rows.csv", index=False)
    words = ["audit", "--teacher", "percent_teacher:teacher", "--trust"]
    words += [
        "--data",
        str(tmp_path / "rows.csv"),
        "--target",
        "word",
        "--student",
        "tree",
        "--out",
        str(tmp_path / "a"),
    ]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "divide per cent by 100" in said
    assert "Traceback" not in said
    assert not (tmp_path / "a" / "audit.html").exists()
    sys.modules.pop("percent_teacher", None)
