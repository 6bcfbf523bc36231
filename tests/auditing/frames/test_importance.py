"""Importance side by side, on a teacher whose rule is known."""

import pytest
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.report.render import render


def test_what_the_rule_does_not_use_has_no_importance(report, pick):
    table = pick(report.frames["importance"], subject="teacher", metric="permutation")
    by = table.set_index("feature")["estimate"]
    assert by.nlargest(2).index.tolist() == ["debt_ratio", "sex"]
    assert by.drop(["debt_ratio", "sex"]).abs().max() < 1e-12


def test_shapley_values_name_the_columns_of_the_rule_and_split_its_gap(report, pair, pick):
    frames = report.frames
    told = pick(frames["importance"], metric="shapley", subject="teacher", subset="probability")
    share = told.set_index("feature")["share"]
    assert share["debt_ratio"] + share["sex"] > 0.95
    exact = pick(frames["importance"], metric="shapley", subject="tree")
    assert set(exact["method"]) == {"exact"}
    alike = frames["importance_comparison"]
    assert {"top 5", "Shapley, probability", "Shapley, logit"} <= set(alike["subset"])
    shapley = alike[alike["subset"].str.startswith("Shapley")]
    assert (shapley["low"] <= shapley["estimate"] + 1e-12).all()
    gaps = pick(frames["attribution_gaps"], subject="tree", attribute="sex")
    for group, part in gaps.groupby("group"):
        total = pick(part, metric="attribution_gap_total")["estimate"].item()
        assert pick(part, metric="attribution_gap")["estimate"].sum() == pytest.approx(total), group
    assert set(pick(frames["interactions"], metric="interaction_missed")["subject"]) == {"tree", "linear"}


def test_the_teachers_shapley_values_do_not_hang_on_the_control(pair, lending, Rule, pick):
    """One row's mean values: with a good student as control, a bad one, or none, the same within their errors."""
    tree, linear, _, (test, _) = pair
    found = []
    for students in ({"tree": tree}, {"linear": linear}):
        frames = xd.audit(Rule(), students, test.head(800), favorable="approved", n_explained=200).frames
        part = pick(frames["importance"], metric="shapley", subject="teacher").set_index("feature")["share"]
        found.append(part)
    assert found[0].drop(["debt_ratio", "sex"]).max() < 0.05
    assert (found[0] - found[1]).abs().max() < 0.15


def test_the_page_tells_of_shapley_values_interactions_and_gaps(report):
    page = render(report, "html")
    for words in (
        "By Shapley values",
        "Interactions that the students miss",
        "What carries the differences between groups",
    ):
        assert words in page, words


def test_shapley_values_can_be_left_out(pair, Rule):
    tree, _, _, (test, _) = pair
    frames = xd.audit(Rule(), tree, test.head(300), favorable="approved", n_explained=0).frames
    assert "shapley" not in set(frames["importance"]["metric"])
    assert frames["interactions"].empty
    with pytest.raises(InvalidInputError, match="n_explained must be a whole number of at least 0"):
        xd.audit(Rule(), tree, test, n_explained=-1)


def test_students_without_exact_values_are_sampled(pick):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    forest = RandomForestRegressor(10, random_state=0).fit(X[:300], y[:300])
    other = RandomForestRegressor(3, random_state=1).fit(X[:300], y[:300])
    frames = xd.audit(forest, {"small": other}, X[300:], y[300:], n_explained=40).frames
    told = pick(frames["importance"], metric="shapley")
    assert set(pick(told, subject="small")["method"]) == {"sampled, control variate"}
    assert set(told["subject"]) == {"teacher", "small"}
