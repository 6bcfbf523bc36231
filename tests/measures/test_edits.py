"""Effects of edits: figures by hand, limits that hold, and what too few objects say."""

import numpy as np
import pytest

from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.edits import AnswerPair, edit_effects, over_control

RULE = DecisionRule(np.array(["no", "yes"]), "yes", 0.5)
N = 60


def answers(yes):
    return np.column_stack([1 - yes, yes])


def effects(yes, moved, changed=None, **more):
    every = np.ones(len(yes), dtype=bool) if changed is None else changed
    pair = AnswerPair.of(answers(yes), answers(moved), every, RULE)
    return edit_effects(pair, edit="swapped", subject="teacher", **more).set_index("metric")


def test_figures_are_over_the_objects_that_the_edit_changes():
    yes = np.linspace(0.1, 0.9, N)
    changed = np.arange(N) % 3 == 0
    moved = np.where(changed, yes - 0.2, yes)
    table = effects(yes, moved, changed)
    assert table.loc["edit_changed", ["n", "k"]].tolist() == [N, 20]
    turned = (yes >= 0.5) != (moved >= 0.5)
    assert table.loc["edit_flip_rate", ["n", "k"]].tolist() == [20, turned.sum()]
    assert table.loc["edit_score", "estimate"] == pytest.approx(-0.2)


@pytest.mark.parametrize("by", [0.0, 0.1])
def test_objects_that_all_move_alike_leave_no_interval_without_width(by):
    yes = np.full(N, 0.3)
    table = effects(yes, yes + by)
    for metric in ("edit_score", "edit_logit"):
        line = table.loc[metric]
        assert line["low"] < line["estimate"] < line["high"]
    # the rule of three: up to some 3 to 4 of 60 objects may be of a kind that moves by 1
    assert 0.02 < table.loc["edit_score", "high"] - by < 0.08


def test_limits_of_changes_that_are_mostly_nothing_reach_further_on_the_long_side():
    yes = np.full(200, 0.1)
    moved = yes + np.where(np.arange(200) < 8, np.linspace(0.1, 0.9, 200), 0.0)
    moved[:8] = np.linspace(0.2, 0.9, 8)
    line = effects(yes, moved).loc["edit_score"]
    assert line["high"] - line["estimate"] > 1.2 * (line["estimate"] - line["low"])


def test_few_objects_say_nothing_and_why():
    yes = np.full(N, 0.3)
    table = effects(yes, yes + 0.1, np.arange(N) < 9)
    assert table["estimate"].isna().all()
    assert table.loc["edit_changed", "status"] == "suppressed"
    assert "fewer than 10 of 60" in table.loc["edit_score", "reason"]
    assert effects(yes, yes + 0.1, np.arange(N) < 10)["estimate"].notna().all()


def test_clusters_of_like_objects_widen_the_limits():
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(12), 20)
    yes = np.full(240, 0.4)
    moved = yes + 0.05 + 0.1 * rng.normal(size=12)[cluster] + 0.01 * rng.normal(size=240)
    apart, together = effects(yes, moved), effects(yes, moved, clusters=cluster)
    widths = [table.loc["edit_score", "high"] - table.loc["edit_score", "low"] for table in (apart, together)]
    assert widths[1] > 2 * widths[0]
    assert together.loc["edit_score", "n_effective"] < 60


def test_an_edit_is_held_against_its_control_object_by_object():
    yes = np.linspace(0.1, 0.6, N)
    pairs = [
        AnswerPair.of(answers(yes), answers(yes + by), np.arange(N) < m, RULE) for by, m in ((-0.1, N), (0.04, 30))
    ]
    line = over_control(*pairs, edit="swapped", subject="teacher").iloc[0]
    assert (line["n"], line["reference"]) == (30, "control")
    assert line["estimate"] == pytest.approx(0.06)
    assert line["low"] < 0.06 < line["high"]
