"""Questions of one fit: keyed once, asked once, counted once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.asking.budget import Budget
from explaindistill.asking.questions import CountedTeacher, Questions
from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.schema import Schema
from explaindistill.errors import BudgetError

ROWS = pd.DataFrame({"a": [1.0, 2.0, 1.0]})


class Squares:
    """Answers squares, and remembers what it was sent."""

    classes_ = None

    def __init__(self):
        self.sent = []

    def predict(self, X):
        self.sent.append(np.asarray(X)[:, 0].tolist())
        return np.asarray(X)[:, 0] ** 2

    def fingerprint(self):
        return None


@pytest.mark.parametrize("rows", [ROWS, KeyedRows.of(ROWS)])
def test_equal_rows_are_sent_once(rows):
    teacher, budget = Squares(), Budget(n_queries=2)
    assert Questions(teacher, Schema.infer(ROWS), None, budget)(rows).tolist() == [1.0, 4.0, 1.0]
    assert teacher.sent == [[1.0, 2.0]]
    assert (budget.distinct, budget.spent) == (2, 2)


def test_what_is_remembered_costs_nothing():
    teacher, budget = Squares(), Budget(n_queries=3)
    ask = Questions(teacher, Schema.infer(ROWS), None, budget, remember=True)
    ask(ROWS)
    assert ask(pd.DataFrame({"a": [3.0, 2.0, 3.0]})).tolist() == [9.0, 4.0, 9.0]
    assert teacher.sent == [[1.0, 2.0], [3.0]]
    with pytest.raises(BudgetError, match="next 1 rows would exceed n_queries"):
        ask(pd.DataFrame({"a": [4.0]}))
    assert budget.distinct == 3


def test_a_sampler_sees_what_it_may_still_ask():
    budget = Budget(n_queries=10)
    ask = Questions(Squares(), Schema.infer(ROWS), None, budget, remember=True)
    counted = CountedTeacher(ask, 3)
    ask(ROWS)
    assert counted.remaining == 1
    ask(pd.DataFrame({"a": [7.0, 8.0]}))
    assert counted.remaining == 0
