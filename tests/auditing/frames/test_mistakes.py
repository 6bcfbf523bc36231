"""Regions in which a student strays."""

import explaindistill as xd


def test_mistakes_are_told_in_words(report, pair, Rule, pick):
    _, _, (rows, _), (test, _) = pair
    coarse = xd.TreeClassifier(max_leaf_nodes=2, classes=["approved", "declined"]).fit(rows, Rule().predict_proba(rows))
    audit = xd.audit(Rule(), {"coarse": coarse}, test, n_explained=0, favorable="approved")
    table = audit.frames["mistakes"]
    assert table["subset"].iloc[0] == ""
    assert len(table) > 1
    assert table["subset"].iloc[1].startswith("where ") or "debt_ratio" in table["subset"].iloc[1]
    whole, first = table["estimate"].iloc[0], table["estimate"].iloc[1]
    assert first > whole > 0, "a region that is told of holds more mistakes than all rows"
    (right,) = pick(report.frames["mistakes"], subject="linear").to_dict("records")  # nothing to tell of
    assert right["estimate"] == 0
