"""Rule sets."""

import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.report.render import render


def test_a_rule_set_does_its_arithmetic_and_lists_what_is_missing(pair, lending, Rule, pick):
    tree, _, train, (test, y) = pair
    asked = {"sensitive": list(lending.sensitive), "favorable": "approved", "train": train, "date": "2026-11-25"}
    said = {"data_source": "synthetic", "exclusion_justification": "too few"}
    record = xd.audit(Rule(), {"tree": tree}, test, y, profile="nyc-ll144@2023-07", statements=said, **asked)
    assert record.manifest["profile"]["id"] == "nyc-ll144@2023-07"
    assert record.manifest["statements"]["data_source"] == "synthetic"
    rates = pick(record.frames["profile"], subject="teacher", attribute="sex")
    women = pick(rates, metric="selection_rate_impact_ratio", group="female").iloc[0]
    chosen = Rule().predict(test) == "approved"
    of = {sex: chosen[test["sex"] == sex].mean() for sex in ("female", "male")}
    assert women["estimate"] == pytest.approx(of["female"] / of["male"])
    assert {"selection_rate", "scoring_rate", "unknown_share"} <= set(rates["metric"])
    needs = record.frames["profile_requirements"].set_index("key")["state"]
    assert needs[["date", "data_source", "profile"]].tolist() == ["given"] * 3
    assert needs["auditor"] == "not given"
    page = render(record, "html")
    assert "status may have changed" in page
    assert "complian" not in page.lower()


def test_rule_sets_by_name_and_statements_in_words(pair, Rule):
    tree, _, _, (test, y) = pair
    with pytest.raises(InvalidInputError, match=r"profile must be one of .*nyc-ll144@2023-07, got 'gdpr'"):
        xd.audit(Rule(), tree, test, y, profile="gdpr")
    with pytest.raises(InvalidInputError, match="statements must be texts, auditor is int"):
        xd.audit(Rule(), tree, test, y, statements={"auditor": 3})
    record = xd.audit(Rule(), tree, test, y, profile="four-fifths")
    assert record.frames["profile"]["reason"].tolist() == ["no sensitive attributes were given"]
