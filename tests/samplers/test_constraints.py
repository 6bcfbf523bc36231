"""Rules are read, never run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.samplers._constraints import Constraint

X = pd.DataFrame(
    {
        "loan": [10.0, 50.0, np.nan, 7.0],
        "income": [1, 6, 3, 2],
        "home": ["own", "rent", None, "own"],
        "grade": pd.Categorical(["A", "B", "C", "A"], ["A", "B", "C"], ordered=True),
        "since": pd.to_datetime(["2020-01-01", "2021-01-01", "2022-01-01", "2023-01-01"]),
        "hours-per-week": [40, 20, 60, 10],
    }
)
SCHEMA = Schema.infer(X)


@pytest.mark.parametrize(
    ("rule", "truth"),
    [
        ("loan <= income * 10", [1, 1, 1, 1]),
        ("loan < income * 10", [0, 1, 1, 1]),
        ("5 < loan < 20", [1, 0, 1, 1]),
        ("home == 'own'", [1, 0, 1, 1]),
        ("home != 'own'", [0, 1, 1, 0]),
        ("home in ['rent']", [0, 1, 1, 0]),
        ("home not in ('rent', 'own')", [0, 0, 1, 0]),
        ("income in [1, 2]", [1, 0, 0, 1]),
        ("income in []", [0, 0, 0, 0]),
        ("grade >= 'B'", [0, 1, 1, 0]),
        ("'B' > grade", [1, 0, 0, 1]),
        ("since < '2021-06-01'", [1, 1, 0, 0]),
        ("`hours-per-week` >= 20 and income != 6", [1, 0, 1, 0]),
        ("not loan > 20", [1, 0, 1, 1]),
        ("loan > 20 or income == 3", [0, 1, 1, 0]),
        ("loan > 20 or loan <= 20", [1, 1, 1, 1]),
        ("loan > 20 and income == 1", [0, 0, 0, 0]),
        ("-income + 2 >= 0", [1, 0, 0, 1]),
        ("+income % 2 == 1", [1, 0, 1, 0]),
        ("income // 2 == 1", [0, 0, 1, 1]),
        ("income / 2 - 1 == 0", [0, 0, 0, 1]),
    ],
)
def test_truth(rule, truth):
    assert Constraint(rule, SCHEMA)(SCHEMA.encode(X)).tolist() == [bool(t) for t in truth]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("__import__('os').system('true') == 0", "must have a number, a text, a column"),
        ("loan.__class__ == 1", "must have a number, a text, a column"),
        ("(lambda: 1)() == 1", "must have a number"),
        ("loan ** 2 > 1", r"must have a number, a text, a column or \+ - "),
        ("loan[0] > 1", "must have a number"),
        ("loan", "must have a condition"),
        ("loan + 1", "must have a condition"),
        ("loan is 1", "must have a comparison"),
        ("loan in income", "a list of texts or numbers"),
        ("debt > 1", "names 'debt'; the columns are: loan, income"),
        ("`a b` > 1", "names 'a b'"),
        ("home < 'own'", "home has no order"),
        ("home == 'tent'", "has no category 'tent'; it has own, rent"),
        ("loan > 'much'", "'much' cannot be compared with a number"),
        ("since > 'noon'", "'noon' is no date"),
        ("loan >", "cannot be read"),
        ("loan > 1 and " * 100 + "loan > 1", "at most 1000 characters"),
        ("+".join(["1"] * 300) + " > loan", "is too long"),
        (3, "must be a text"),
    ],
)
def test_everything_else_is_refused(rule, message):
    with pytest.raises(InvalidInputError, match=message):
        Constraint(rule, SCHEMA)
