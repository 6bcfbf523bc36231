"""Each distinct row is asked once, within the budget, and comes back in its place."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import explaindistill.asking.labelling as module
from explaindistill.asking.budget import Budget
from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.errors import BudgetError, InvalidInputError, TeacherError
from explaindistill.teachers.callable import CallableTeacher


class Counter:
    """A teacher that remembers what it was asked."""

    def __init__(self, classes=None, fail_at=None):
        self.classes_ = None if classes is None else np.asarray(classes)
        self.asked = []
        self.fail_at = fail_at

    def predict(self, X):
        if self.fail_at is not None and len(self.asked) >= self.fail_at:
            raise KeyboardInterrupt
        self.asked.append(len(X))
        return np.asarray(X, dtype=float)[:, 0] * 10

    def predict_proba(self, X):
        z = 1 / (1 + np.exp(-self.predict(X)))
        return np.column_stack([1 - z, z])

    def fingerprint(self):
        return "counter"

    def __sklearn_clone__(self):
        return self


def column(*values):
    return np.array(values, dtype=float).reshape(-1, 1)


def test_equal_rows_are_asked_once():
    teacher = Counter()
    assert label(teacher, column(1, 2, 1, 3, 2)).tolist() == [10, 20, 10, 30, 20]
    assert teacher.asked == [3]


def test_batches_and_containers():
    teacher = Counter(classes=["a", "b"])
    frame = pd.DataFrame({"x": np.linspace(-1, 1, 10)}, index=list("abcdefghij"))
    P = label(teacher, frame, batch_size=4)
    assert teacher.asked == [4, 4, 2]
    assert P.tolist() == Counter(["a", "b"]).predict_proba(frame).tolist()


def test_a_teacher_with_batches_of_its_own_is_asked_in_multiples():
    teacher = Counter()
    teacher.batch_size = 4
    label(teacher, column(*range(20)), batch_size=10)
    assert teacher.asked == [8, 8, 4]
    label(teacher, column(*range(100, 110)), batch_size=1)
    assert teacher.asked[3:] == [4, 4, 2]


def test_the_budget_is_of_distinct_rows_and_checked_before_asking():
    teacher = Counter()
    label(teacher, column(1, 1, 2), budget=2)
    with pytest.raises(BudgetError, match="next 3 rows would exceed the budget: 0 of 2 rows are spent"):
        label(teacher, column(1, 2, 3), budget=2)
    assert teacher.asked == [2]
    purse = Budget(4)
    label(teacher, column(1, 2, 3), budget=purse)
    assert purse.remaining == 1
    with pytest.raises(BudgetError, match="3 of 4 rows are spent"):
        label(teacher, column(1, 2), budget=purse)
    assert purse.spent == 3
    assert Budget().remaining is None


def test_what_a_failed_question_cost_stays_spent():
    purse = Budget(10)
    with pytest.raises(TeacherError, match="three was asked about 2 rows and answered 3"):
        label(CallableTeacher(three), column(1, 2), budget=purse)
    assert purse.spent == 2


def three(X):
    return np.ones(3)


def test_a_store_answers_what_it_knows(tmp_path):
    teacher = Counter()
    with LabelStore(tmp_path / "l.db") as store:
        first = label(teacher, column(1, 2, 3), store=store)
        purse = Budget(1)
        again = label(teacher, column(4, 3, 2, 1), store=store, budget=purse)
    assert first.tolist() == [10, 20, 30]
    assert again.tolist() == [40, 30, 20, 10]
    assert teacher.asked == [3, 1]
    assert label(teacher, column(1, 2), store=str(tmp_path / "l.db")).tolist() == [10, 20]
    assert teacher.asked == [3, 1]


def test_the_batch_size_is_recorded(tmp_path):
    teacher = Counter()
    path = tmp_path / "l.db"
    label(teacher, column(*range(10)), store=path, batch_size=4)
    label(teacher, column(*range(10, 20)), store=path)
    assert teacher.asked == [4, 4, 2, 4, 4, 2]


class Clock:
    """Time that passes only where the teacher answers."""

    def __init__(self, seconds):
        self.now, self.seconds = 0.0, seconds

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("seconds", "asked", "found"),
    [
        (lambda n: 1.0, [8, 16, 32, 64, 64, 16], 64),  # a question costs the same, however large
        (lambda n: n, [8, 16, 8, 8, 8, 8, 8, 8], 8),  # a row costs the same, in whatever question
        (lambda n: 1.0 if n <= 16 else n, [8, 16, 32, 16, 16, 16, 16], 16),  # large questions are slow
    ],
)
def test_the_batch_size_is_found_once_and_recorded(tmp_path, monkeypatch, seconds, asked, found):
    monkeypatch.setattr(module, "FIRST_ROWS", 8)
    monkeypatch.setattr(module, "BATCH_ROWS", 64)
    clock = Clock(seconds)
    monkeypatch.setattr(module.time, "perf_counter", clock)
    teacher = Counter()

    def predict(X):
        clock.now += seconds(len(X))
        return Counter.predict(teacher, X)

    teacher.predict = predict
    n = sum(asked) if found == 64 else 72 if found == 8 else 120
    rows = column(*range(n))
    with LabelStore(tmp_path / "l.db") as store:
        assert label(teacher, rows, store=store).tolist() == [10.0 * i for i in range(n)]
        assert teacher.asked == asked
        assert store.teachers()["batch_size"].tolist() == [found]
        teacher.asked.clear()
        label(teacher, column(*range(1000, 1000 + found + 1)), store=store)
        assert teacher.asked == [found, 1]


def test_without_a_store_the_batch_size_is_one_number(monkeypatch):
    monkeypatch.setattr(module, "FIRST_ROWS", 2)
    monkeypatch.setattr(module, "BATCH_ROWS", 8)
    teacher = Counter()
    label(teacher, column(*range(20)))
    assert teacher.asked == [8, 8, 4]


def test_ctrl_c_keeps_what_was_answered(tmp_path):
    teacher = Counter(fail_at=2)
    path = tmp_path / "l.db"
    with pytest.raises(KeyboardInterrupt):
        label(teacher, column(*range(10)), store=path, batch_size=3)
    again = Counter()
    assert label(again, column(*range(10)), store=path).tolist() == [10.0 * i for i in range(10)]
    assert sum(again.asked) == 4


def test_wrong_answers_of_other_teachers_are_caught():
    teacher = Counter()
    teacher.predict = lambda X: np.ones(len(X) + 1)
    with pytest.raises(TeacherError, match="asked about 2 rows and answered 3"):
        label(teacher, column(1, 2))
    teacher.predict = lambda X: np.full(len(X), np.nan)
    with pytest.raises(TeacherError, match="NaN or infinity"):
        label(teacher, column(1, 2))


def test_a_teacher_that_streams_is_asked_through_its_stream(tmp_path):
    class Streaming(Counter):
        lost = 0

        def stream(self, X, spend):
            for i in reversed(range(len(X) - self.lost)):
                spend(1)
                yield slice(i, i + 1), Counter.predict(self, X[i : i + 1])

    teacher, purse = Streaming(), Budget()
    assert label(teacher, column(3, 1, 2, 1), store=tmp_path / "l.db", budget=purse).tolist() == [30, 10, 20, 10]
    assert purse.spent == 3
    teacher.lost = 1
    with pytest.raises(TeacherError, match="asked about 2 rows and answered 1"):
        label(teacher, column(7, 8), store=tmp_path / "l.db")
    teacher.lost = 0
    teacher.asked.clear()
    assert label(teacher, column(7, 8), store=tmp_path / "l.db").tolist() == [70, 80]
    assert teacher.asked == [1], "what arrived is kept"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"budget": 0}, "budget must be at least 1 row, got 0"),
        ({"store": 3}, "store must be a LabelStore"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(InvalidInputError, match=message):
        label(Counter(), column(1), **options)
    with pytest.raises(InvalidInputError, match="at least 1 row, got 0"):
        label(Counter(), column())


def test_progress_is_shown_on_standard_error(capsys):
    label(Counter(), column(*range(10)), batch_size=2, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "asking the teacher" in err


def test_nothing_is_shown_where_nobody_watches(capsys):
    label(Counter(), column(*range(10)), batch_size=2)
    assert capsys.readouterr() == ("", "")


def test_a_function_is_told_how_far_it_is():
    reports = []
    label(Counter(), column(*range(10), 0), batch_size=2, progress=reports.append)
    assert (reports[-1].stage, reports[-1].share, reports[-1].n_asked) == ("asking the teacher", 1.0, 10)


def test_an_error_of_that_function_ends_the_work():
    def never(report):
        raise ValueError("no")

    class Slow(Counter):
        def predict(self, X):
            time.sleep(0.05)
            return super().predict(X)

    teacher = Slow()
    with pytest.raises(ValueError, match="no"):
        label(teacher, column(*range(40)), batch_size=1, progress=never)
    assert sum(teacher.asked) < 40


def test_what_was_answered_before_an_interruption_is_in_the_store_and_said(tmp_path):
    class Stopped(Counter):
        def fingerprint(self):
            return "stopped"

        limit = 4

        def predict(self, X):
            if sum(self.asked) >= self.limit:
                raise KeyboardInterrupt
            return super().predict(X)

    teacher = Stopped()
    with pytest.raises(KeyboardInterrupt) as stopped:
        label(teacher, column(*range(10)), batch_size=2, store=tmp_path / "l.db")
    (note,) = stopped.value.__notes__
    assert note == (
        f"Stopped while asking the teacher; 4 rows had been answered. Their answers are in {tmp_path / 'l.db'}: "
        "the same call goes on from there."
    )
    teacher.limit = np.inf
    label(teacher, column(*range(10)), batch_size=2, store=tmp_path / "l.db")
    assert sum(teacher.asked) == 10
    teacher.limit = 12
    with pytest.raises(KeyboardInterrupt) as stopped:
        label(teacher, column(*range(10)), batch_size=2)
    assert "Nothing keeps them: with store= (--store)" in stopped.value.__notes__[0]


def test_a_teacher_that_is_not_stored_is_told(tmp_path):
    teacher = CallableTeacher(lambda X: X[:, 0] ** 2)
    with pytest.warns(UserWarning, match="keeps none of its answers; say version="):
        assert label(teacher, np.array([[3.0]]), store=tmp_path / "l.db").tolist() == [9.0]
    with LabelStore(tmp_path / "l.db") as store:
        assert len(store.teachers()) == 0


def test_the_largest_question_ends_the_search():
    pace = module._Pace(module.BATCH_ROWS, settled=False)
    pace.tell(module.BATCH_ROWS, 1.0)
    assert pace.settled
    assert pace.size == module.BATCH_ROWS
