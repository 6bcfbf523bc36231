"""Rows that fitting saw are set aside, rows equal in value are counted."""

import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError


def test_rows_of_fitting_are_left_out(pair, Rule):
    tree, _, train, (test, y) = pair
    both = pd.concat([train[0].head(100), test.head(200)])
    record = xd.audit(Rule(), tree, both)
    assert record.manifest["n_rows"] == 200
    assert any("100 of 300 rows were seen in fitting" in n for n in record.notes)
    with pytest.raises(InvalidInputError, match="X must hold rows that fitting did not see"):
        xd.audit(Rule(), tree, train[0])
    del y


def test_rows_merely_equal_in_value_are_counted_not_dropped(pair, Rule):
    tree, _, train, (test, _) = pair
    copies = train[0].head(50).set_axis(range(10**6, 10**6 + 50))
    record = xd.audit(Rule(), tree, pd.concat([copies, test.head(200)]))
    assert record.manifest["n_rows"] == 250
    assert any("50 rows equal, in value" in n for n in record.notes)
    subsets = set(record.frames["fidelity"]["subset"])
    assert "without rows equal to fitting rows" in subsets
