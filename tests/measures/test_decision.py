"""The one decision rule."""

import numpy as np
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule, decisions

CLASSES = np.array(["a", "b", "c"])


def test_threshold_decides_the_favourable_of_two():
    P = [[0.6, 0.4], [0.3, 0.7]]
    assert decisions(P, ["no", "yes"], "yes", 0.3).tolist() == ["yes", "yes"]
    assert decisions(P, ["no", "yes"], "no", 0.5).tolist() == ["no", "yes"]
    assert decisions(P, [False, True], True, 0.7).tolist() == [False, True]


def test_more_classes_decide_the_most_probable():
    P = [[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]]
    assert decisions(P, CLASSES, "c", 0.1).tolist() == ["b", "a"]


def test_top_share_selects_the_best_and_ties_together():
    P = np.column_stack([1 - np.array([0.9, 0.5, 0.5, 0.1]), [0.9, 0.5, 0.5, 0.1]])
    assert (decisions(P, [0, 1], 1, {"top": 0.25}) == 1).tolist() == [True, False, False, False]
    assert (decisions(P, [0, 1], 1, {"top": 0.6}) == 1).sum() == 3


def test_top_share_counts_weights():
    P = np.column_stack([[0.1, 0.5, 0.9], [0.9, 0.5, 0.1]])
    chosen = decisions(P, [0, 1], 1, {"top": 0.5}, sample_weight=[1, 4, 5])
    assert chosen.tolist() == [1, 1, 0]


def test_top_share_of_more_classes_gives_the_rest_another_class():
    P = [[0.1, 0.2, 0.7], [0.1, 0.3, 0.6], [0.5, 0.4, 0.1]]
    assert decisions(P, CLASSES, "c", {"top": 1 / 3}).tolist() == ["c", "b", "a"]


def test_a_fixed_top_share_decides_other_rows_by_the_cut_of_the_real_ones():
    P = np.column_stack([1 - np.array([0.9, 0.6, 0.5, 0.1]), [0.9, 0.6, 0.5, 0.1]])
    rule = DecisionRule([0, 1], 1, {"top": 0.5})
    fixed = rule.fixed(P)
    assert fixed.cut == fixed.bound(P[:1]) == 0.6
    assert fixed.decide(P).tolist() == rule.decide(P).tolist() == [1, 1, 0, 0]
    assert fixed.decide(P[2:]).tolist() == [0, 0], "the two lowest stay unselected when they are asked about alone"
    assert rule.decide(P[2:]).tolist() == [1, 0]


def test_a_fixed_top_share_counts_weights_and_selects_nobody_where_nobody_was():
    P = np.column_stack([[0.1, 0.5, 0.9], [0.9, 0.5, 0.1]])
    assert DecisionRule([0, 1], 1, {"top": 0.5}).fixed(P, [1, 4, 5]).cut == 0.5
    alike = np.full((10, 2), 0.5)
    assert DecisionRule([0, 1], 1, {"top": 0.1}).fixed(alike).decide(P).tolist() == [0, 0, 0]


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_other_rules_are_fixed_as_they_are(threshold):
    rule = DecisionRule([0, 1], 1, threshold)
    assert rule.fixed([[0.5, 0.5]]) is rule


def test_a_fixed_top_share_of_more_classes_gives_the_rest_another_class():
    P = np.array([[0.1, 0.2, 0.7], [0.1, 0.3, 0.6], [0.5, 0.4, 0.1]])
    fixed = DecisionRule(CLASSES, "c", {"top": 1 / 3}).fixed(P)
    assert fixed.decide(P[1:]).tolist() == ["b", "a"]


def test_no_rows():
    assert len(decisions(np.empty((0, 2)), [0, 1], 1, {"top": 0.5})) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.5, 0.5]], CLASSES), "one column per class"),
        (([[0.5, 0.5]], [0, 1], None, 1.5), "threshold must lie between 0 and 1"),
        (([[0.5, 0.5]], [0, 1], 1, {"top": 1.0}), "a share between 0 and 1"),
        (([[0.5, 0.5]], [0, 1], 1, {"best": 0.5}), "threshold must be a number, or"),
        (([[0.5, 0.5]], [0, 1], "yes", 0.5), "favorable must be one of the classes"),
        (
            ([[0.2, 0.3, 0.5]], CLASSES, None, {"top": 0.5}),
            "people want, for instance favorable='a'",
        ),
        (([[0.2, 0.8]], [0, 1], None, 0.7), "say which decision people want, for instance favorable=0"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        decisions(*arguments)


def test_without_a_favourable_class_the_most_probable_is_decided_and_nothing_is_guessed():
    P = [[0.6, 0.4], [0.5, 0.5], [0.2, 0.8]]
    rule = DecisionRule(["no", "yes"], threshold=0.5)
    assert (rule.position, rule.column, rule.bound(P)) == (None, 1, None)
    assert rule.decide(P).tolist() == ["no", "no", "yes"]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.9, {"top": 0.3}, {"top": 0.7}])
@pytest.mark.parametrize("favorable", ["a", "c"])
def test_the_bound_of_a_rule_decides_as_the_rule_does(threshold, favorable):
    P = np.random.default_rng(0).dirichlet([1, 1], 200)
    weight = np.random.default_rng(1).integers(1, 5, 200)
    rule = DecisionRule(["a", "c"], favorable, threshold)
    chosen = P[:, rule.position] >= rule.bound(P, weight)
    assert ((rule.decide(P, weight) == favorable) == chosen).all()


def test_a_top_share_that_selects_nobody_has_no_bound_to_reach():
    P = np.full((10, 2), 0.5)
    assert DecisionRule([0, 1], 1, {"top": 0.3}).bound(P) == np.inf
    assert DecisionRule(["a", "b", "c"], "b", 0.5).bound(np.full((4, 3), 1 / 3)) is None


def test_a_rule_holds_what_decides():
    rule = DecisionRule(["a", "b", "c"], "b", {"top": 0.5})
    P = np.array([[0.1, 0.8, 0.1], [0.5, 0.2, 0.3], [0.2, 0.6, 0.2], [0.3, 0.1, 0.6]])
    assert rule.position == 1
    assert rule.decide(P).tolist() == decisions(P, ["a", "b", "c"], "b", {"top": 0.5}).tolist() == ["b", "a", "b", "c"]
    assert DecisionRule(["a", "b", "c"]).position is None
    with pytest.raises(InvalidInputError, match="favorable must be one of the classes"):
        _ = DecisionRule([0, 1], favorable=2).position
