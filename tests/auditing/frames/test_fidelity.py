"""Fidelity on audited rows, by rule, on other rows, and the ceiling of a second teacher."""

import numpy as np
import pytest

import explaindistill as xd


def test_fidelity_is_agreement_of_decisions(report, pair, Rule, pick):
    tree, _, _, (test, _) = pair
    row = pick(report.frames["fidelity"], subject="tree", metric="agreement").iloc[0]
    agreement = (tree.predict(test) == Rule().predict(test)).mean()
    assert row["estimate"] == pytest.approx(agreement)
    assert row["n"] == len(test)
    assert row["estimate"] > 0.9


def test_leaves_of_the_tree_and_their_fidelity(report, pick):
    leaves = report.frames["leaf_audit"]
    assert set(leaves["subject"]) == {"tree"}
    inside = report.frames["fidelity"]
    inside = inside[inside["subset"].str.startswith("where ")]
    assert inside["n"].sum() == report.manifest["n_rows"]
    whole = pick(report.frames["fidelity"], subject="tree", metric="agreement", subset="").iloc[0]
    assert np.average(inside["estimate"], weights=inside["n"]) == pytest.approx(whole["estimate"])


def test_strata_stress_and_a_second_teacher(pair, Rule, pick):
    tree, _, train, (test, y) = pair

    class Again(Rule):
        def predict_proba(self, X):
            P = super().predict_proba(X)
            flipped = np.arange(len(X)) % 20 == 0
            P[flipped] = P[flipped, ::-1]
            return P

    record = xd.audit(
        Rule(), {"tree": tree}, test, y, sensitive=["sex"], favorable="approved", strata="education",
        stress=train[0].head(50), second_teacher=Again(),
    )  # fmt: skip
    table = record.frames["fidelity"]
    assert pick(table, metric="agreement", subset="what-if rows of the caller").iloc[0]["n"] == 50
    assert pick(table, metric="agreement", subset="stressed rows (columns shuffled apart)").iloc[0]["n"] == 2000
    ceiling = pick(table, metric="agreement", subject="second teacher").iloc[0]["estimate"]
    assert ceiling == pytest.approx(0.95)
    own = pick(table, metric="agreement", subject="tree", subset="").iloc[0]["estimate"]
    gap = pick(table, metric="agreement_over_ceiling").iloc[0]
    assert gap["estimate"] == pytest.approx(own - ceiling)
    assert gap["low"] < gap["estimate"] < gap["high"]
    odds = pick(record.frames["strata"], subject="teacher", metric="stratified_odds_ratio").iloc[0]
    assert odds["high"] < 1
    assert odds["p_value"] < 1e-6
    assert "second teacher" not in set(record.frames["verdicts"]["subject"])
