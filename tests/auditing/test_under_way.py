"""What an audit does while it is under way: it tells how far it is, holds its threads, and can be interrupted."""

import time

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import explaindistill as xd
from explaindistill.asking.progress_display import BEAT
from explaindistill.auditing.frames import every
from explaindistill.auditing.stages import WORDS
from explaindistill.teachers.callable import CallableTeacher

X = pd.DataFrame(
    {
        "debt": np.random.default_rng(0).normal(size=240),
        "age": np.random.default_rng(1).integers(20, 60, 240),
        "sex": ["f", "m"] * 120,
    }
)


def scores(rows):
    p = 1 / (1 + np.exp(-rows["debt"] - (rows["age"] - 40) / 20))
    return np.column_stack([1 - p, p])


def tree_of(teacher):
    return xd.TreeClassifier(max_leaf_nodes=4).fit(X, pd.DataFrame(scores(X), columns=["no", "yes"]))


def test_every_module_of_frames_has_its_words_and_order():
    assert list(WORDS) == [module.__name__.rpartition(".")[2] for module in every.ORDER]


def test_stages_are_told_in_their_order_and_questions_counted():
    teacher = CallableTeacher(scores, classes=["no", "yes"])
    reports = []
    xd.audit(teacher, tree_of(teacher), X, sensitive="sex", favorable="yes", n_explained=20, progress=reports.append)
    assert reports[-1].share == 1.0
    assert reports[-1].n_asked == teacher.rows_sent_.total
    assert [r.share for r in reports] == sorted(r.share for r in reports)
    assert reports[-1].stage == "withholding figures of few people"


def test_what_an_interrupted_audit_was_told_is_in_the_store_and_asked_no_more(tmp_path):
    asked, most = [], [700]

    def counted(rows):
        if sum(asked) + len(rows) > most[0]:
            raise KeyboardInterrupt
        asked.append(len(rows))
        return scores(rows)

    teacher = CallableTeacher(counted, classes=["no", "yes"], version="1")
    options = {"sensitive": "sex", "favorable": "yes", "n_explained": 20, "store": tmp_path / "answers.db"}
    with pytest.raises(KeyboardInterrupt) as stopped:
        xd.audit(teacher, tree_of(teacher), X, **options)
    assert f"Their answers are in {tmp_path / 'answers.db'}" in stopped.value.__notes__[0]
    before, most[0] = sum(asked), np.inf
    xd.audit(teacher, tree_of(teacher), X, **options)
    whole = CallableTeacher(scores, classes=["no", "yes"])
    xd.audit(whole, tree_of(whole), X, **options | {"store": None})
    assert before > 0
    assert sum(asked) == whole.rows_sent_.total


def test_a_teacher_keeps_its_threads_and_the_audit_has_one():
    of_teacher, of_audit = set(), set()

    def told(rows):
        of_teacher.update(pool["num_threads"] for pool in threadpool_info())
        return scores(rows)

    class Student(xd.TreeClassifier):
        def predict_proba(self, rows):
            of_audit.update(pool["num_threads"] for pool in threadpool_info())
            return super().predict_proba(rows)

    teacher = CallableTeacher(told, classes=["no", "yes"])
    student = Student(max_leaf_nodes=4).fit(X, pd.DataFrame(scores(X), columns=["no", "yes"]))
    with threadpool_limits(2):
        xd.audit(teacher, student, X, n_explained=0)
    assert (of_teacher, of_audit) == ({2}, {1})


def test_n_jobs_changes_no_figure_and_is_checked():
    teacher = CallableTeacher(scores, classes=["no", "yes"])
    options = {"sensitive": "sex", "favorable": "yes", "n_explained": 20}
    one, two = (xd.audit(teacher, tree_of(teacher), X, n_jobs=n, **options) for n in (None, 2))
    for name, frame in one.frames.items():
        pd.testing.assert_frame_equal(frame, two.frames[name], obj=name)
    with pytest.raises(xd.errors.InvalidInputError, match="n_jobs must be at least 1"):
        xd.audit(teacher, tree_of(teacher), X, n_jobs=0)


def test_an_error_of_the_function_that_is_told_ends_the_audit_and_is_no_lost_frame():
    class EnoughError(Exception):
        pass

    asked = []

    def slow(rows):
        asked.append(len(rows))
        if len(asked) > 1:  # in the midst of a measure, which takes the errors of models for its own
            time.sleep(3 * BEAT)
        return scores(rows)

    def cancel(report):
        if report.stage == "measuring importance":
            raise EnoughError

    teacher = CallableTeacher(slow, classes=["no", "yes"])
    options = {"sensitive": "sex", "favorable": "yes", "n_explained": 20, "strict": False}
    with pytest.raises(EnoughError):
        xd.audit(teacher, tree_of(teacher), X, progress=cancel, **options)
    assert len(asked) < 8
