"""Rules of a list: what counts as a literal, when one more is worth it, and how ties are settled."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.schema import Schema
from explaindistill.numerics.trees import rule_growth
from explaindistill.numerics.trees.binning import bin_table
from explaindistill.numerics.trees.rule_growth import (
    RuleLimits,
    _literals,
    _order,
    _RuleSearch,
)
from explaindistill.students.rules.estimators import RuleListRegressor


def test_all_rows_are_no_literal():
    frame = pd.DataFrame({"a": np.arange(10.0)})
    targets, count = (np.arange(10.0) > 6)[:, None].astype(float), np.ones(10)
    table = bin_table(Schema.infer(frame), frame, count, None)
    data = _RuleSearch(table, targets, count, np.zeros(1, dtype=np.int64), RuleLimits(1, 1, 0.0, 1, 0.0))
    found = _literals(data, 0, table.codes[:, 0], np.arange(10), targets.sum(axis=0), 10.0)
    assert [allowed[table.codes[:, 0]].sum() for _, allowed in found] == [7, 3]


def test_one_more_literal_must_raise_the_gain_by_a_twentieth(monkeypatch):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 2, 1000), "b": rng.integers(0, 20, 1000)})
    y = X["a"] * np.where(X["b"] > 0, 1.0, 0.4)
    lengths = []
    for worth in (rule_growth.WORTH, 0.0):
        monkeypatch.setattr(rule_growth, "WORTH", worth)
        student = RuleListRegressor(max_rules=1, max_literals=2).fit(X, y)
        lengths.append(len(student.rules_.rules[0].literals))
    assert lengths == [1, 2]


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_of_equal_columns_the_first_by_name_is_asked_for(names):
    x = np.arange(80) % 10
    X = pd.DataFrame({name: x for name in names})
    literal = RuleListRegressor(max_rules=1, max_literals=1).fit(X, x > 6).rules_.rules[0].literals[0]
    assert X.columns[literal.feature] == "a"


@pytest.mark.parametrize("strong", [0, 1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_categories_rise_along_the_strongest_output(strong, seed):
    rng = np.random.default_rng(seed)
    n = np.zeros(256)
    n[:6] = rng.integers(1, 9, 6)
    mean = 0.01 * rng.random((6, 3))
    mean[:, strong] = rng.permutation(6)
    sums = np.zeros((256, 3))
    sums[:6] = mean * n[:6, None]
    assert _order(n, sums, True).tolist() == np.argsort(mean[:, strong]).tolist()
