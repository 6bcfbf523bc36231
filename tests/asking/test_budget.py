"""Two counts, one counter: distinct rows that need an answer, and rows sent."""

from __future__ import annotations

import pytest

from explaindistill.asking.budget import Budget
from explaindistill.asking.labelling import label
from explaindistill.errors import BudgetError, InvalidInputError
from explaindistill.teachers.callable import CallableTeacher


def test_what_the_store_has_is_needed_but_not_sent(tmp_path):
    teacher = CallableTeacher(lambda X: [float(x) for x in X[:, 0]], version="1")
    budget = Budget()
    label(teacher, [[1.0], [2.0], [1.0]], store=tmp_path / "l.db", budget=budget)
    assert (budget.distinct, budget.spent) == (2, 2)
    label(teacher, [[2.0], [3.0]], store=tmp_path / "l.db", budget=budget)
    assert (budget.distinct, budget.spent) == (4, 3)
    assert budget.seconds > 0


def test_the_limit_of_distinct_rows_is_checked_before_asking():
    questions = []
    teacher = CallableTeacher(lambda X: questions.append(len(X)) or X[:, 0])
    budget = Budget(n_queries=3)
    label(teacher, [[1.0], [2.0]], budget=budget)
    with pytest.raises(BudgetError, match="next 2 rows would exceed n_queries: 2 of 3 rows are asked; raise n_queries"):
        label(teacher, [[3.0], [4.0]], budget=budget)
    assert questions == [2]
    assert budget.distinct == 2


def test_limits_are_at_least_one_row():
    with pytest.raises(InvalidInputError, match="n_queries must be at least 1 row, got 0"):
        Budget(n_queries=0)
