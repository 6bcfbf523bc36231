"""Rows, rule and models in one form."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

import explaindistill as xd
from explaindistill.auditing import models as module
from explaindistill.auditing.answers import aligned
from explaindistill.auditing.audit_rows import audit_rows
from explaindistill.auditing.validation import decision_rule


def test_the_use_of_a_sensitive_column_is_said(report):
    assert any("Sensitive columns are used by the students “tree” (sex) and “linear” (sex)." in n for n in report.notes)


def test_attributes_need_not_be_inputs(pair, Rule):
    tree, _, _, (test, y) = pair
    outside = pd.DataFrame({"region": np.where(np.arange(len(test)) % 3 == 0, "north", "south")})
    record = xd.audit(Rule(), tree, test, y, sensitive=outside, favorable="approved")
    assert set(record.frames["rates"]["attribute"]) == {"region"}
    assert not any("sensitive column" in n for n in record.notes)


def test_a_rule_decides_with_and_without_weights():
    P = np.array([[0.9, 0.1], [0.6, 0.4], [0.4, 0.6], [0.2, 0.8]])
    rule = decision_rule(["no", "yes"], "yes", {"top": 0.25})
    assert (rule.task, rule.favorable, rule.position) == ("classification", "yes", 1)
    assert rule.decide(P).tolist() == ["no", "no", "no", "yes"]
    assert rule.decide(P, np.array([4.0, 0.5, 1.0, 0.5])).tolist() == ["no", "no", "yes", "yes"]
    values = decision_rule(None, "yes", 0.5)
    assert (values.task, values.favorable, values.position) == ("regression", None, None)


def test_rows_are_taken_with_all_that_is_known_of_them():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})
    rule = decision_rule([0, 1], None, 0.5)
    rows = audit_rows(X, [0, 1, 1], rule, sensitive="b", sample_weight=[1, 2, 3], clusters=None, strata="b")
    part = rows.take(np.array([False, True, True]))
    assert len(part) == 2
    assert part.y.tolist() == [1, 1]
    assert part.weight.tolist() == [2, 3]
    assert part.strata.tolist() == part.attributes["b"].tolist() == ["y", "x"]
    assert part.clusters is part.sampling()["clusters"] is None
    assert rows.sampling(np.array([True, False, False]))["sample_weight"].tolist() == [1]


def test_classes_that_a_model_does_not_know_have_no_probability():
    P = np.array([[0.3, 0.7]])
    assert aligned(P, np.array(["b", "c"]), np.array(["a", "b", "c"])).tolist() == [[0.0, 0.3, 0.7]]
    assert aligned(P, np.array(["a", "b"]), np.array(["a", "b"])) is P


def test_answers_in_blocks_are_those_of_all_rows_at_once(pair, monkeypatch):
    tree, linear, _, (test, _) = pair
    for student in (tree, linear):
        whole = module._in_blocks(student.predict_proba, test)
        monkeypatch.setattr(module, "BLOCK_ROWS", 70)
        np.testing.assert_allclose(module._in_blocks(student.predict_proba, test), whole, rtol=0, atol=1e-12)


def test_a_model_that_somebody_else_wrote_is_shown_text_and_ours_may_be_shown_codes():
    X = pd.DataFrame({"city": pd.array(["Bern", None, "Zug"] * 40, dtype="str"), "debt": np.arange(120.0)})
    shown = []

    def score(rows):
        shown.append(rows.dtypes.astype(str).tolist())
        return rows["debt"].to_numpy() / 120 + (rows["city"] == "Zug")

    student = xd.TreeRegressor(max_leaf_nodes=4).fit(X, score(X))

    class Theirs(RegressorMixin, BaseEstimator):
        def fit(self, rows, values):
            self.fitted_ = True
            return self

        def predict(self, rows):
            shown.append(rows.dtypes.astype(str).tolist())
            return rows["debt"].to_numpy() / 120

    class Derived(xd.TreeRegressor):
        def predict(self, rows):
            shown.append(rows.dtypes.astype(str).tolist())
            return super().predict(rows)

    students = {"tree": student, "theirs": Theirs().fit(X, None), "derived": Derived(max_leaf_nodes=4).fit(X, score(X))}
    report = xd.audit(score, students, X, n_explained=10)
    assert {tuple(dtypes) for dtypes in shown} == {("str", "float64")}
    assert report.frames["importance"].query("metric == 'permutation' and feature == 'city'")["estimate"].iloc[0] > 0
