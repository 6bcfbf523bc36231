"""A row that came before is not asked again, and its answer is the one of before."""

from __future__ import annotations

import numpy as np
import pytest

from explaindistill.asking import memory as module
from explaindistill.asking.memory import Memory
from explaindistill.teachers.callable import CallableTeacher


def squares():
    return CallableTeacher(lambda X: X[:, 0] ** 2, version="1")


def rows(*values):
    return np.array(values, dtype=float).reshape(-1, 1)


def test_answers_are_those_of_the_teacher_however_rows_come():
    rng, teacher = np.random.default_rng(0), squares()
    ask, different = Memory(teacher), set()
    for _ in range(30):
        X = rng.integers(0, 200, (rng.integers(1, 60), 1)).astype(float)
        different |= set(X[:, 0].tolist())
        assert ask(X).tolist() == (X[:, 0] ** 2).tolist()
    assert teacher.rows_sent_.total == len(different)
    assert len(ask._runs) < module.MOST_RUNS


@pytest.mark.parametrize("answer", [lambda X: np.column_stack([X, 1 - X]), lambda X: X])
def test_probabilities_keep_their_form(answer):
    ask = Memory(CallableTeacher(answer, classes=["no", "yes"]))
    first = ask(rows(0.25, 0.5))
    assert ask(rows(0.5, 0.75, 0.25))[[2, 0]].tolist() == first.tolist()
    assert first.shape == (2, 2)


def test_beyond_the_limit_rows_are_asked_as_often_as_they_come(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    teacher = squares()
    ask = Memory(teacher)
    ask(rows(1, 2))
    for _ in range(2):
        assert ask(rows(1, 3)).tolist() == [1.0, 9.0]
    assert teacher.rows_sent_.total == 4


def test_a_store_is_asked_before_the_teacher(tmp_path):
    first, second = squares(), squares()
    Memory(first, tmp_path / "l.db")(rows(1, 2))
    assert Memory(second, tmp_path / "l.db")(rows(2, 3)).tolist() == [4.0, 9.0]
    assert (first.rows_sent_.total, second.rows_sent_.total) == (2, 1)
