"""Rows, rule and models in one form."""

import numpy as np
import pandas as pd

import explaindistill as xd


def test_the_use_of_a_sensitive_column_is_said(report):
    assert any("“tree” uses the sensitive column sex." in n for n in report.notes)


def test_attributes_need_not_be_inputs(pair, Rule):
    tree, _, _, (test, y) = pair
    outside = pd.DataFrame({"region": np.where(np.arange(len(test)) % 3 == 0, "north", "south")})
    record = xd.audit(Rule(), tree, test, y, sensitive=outside, favorable="approved")
    assert set(record.frames["rates"]["attribute"]) == {"region"}
    assert not any("sensitive column" in n for n in record.notes)
