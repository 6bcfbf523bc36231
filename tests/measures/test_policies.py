"""Returns, agreement, costs and danger of policies: against slow twins, planted truths, and what cannot be said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.policies import disagreement_costs, policy_agreement, policy_returns, unsafe_rates


def line(frame, **wanted):
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.fixture
def returns():
    rng = np.random.default_rng(0)
    start = rng.normal(size=100)
    return {
        "teacher": 10 + start,
        "tree": 9 + start + 0.1 * rng.normal(size=100),
        "chance": rng.normal(size=100),
    }


def test_limits_of_a_return_are_students_or_wider(returns):
    frame = policy_returns(returns)
    own = line(frame, metric="return", subject="tree")
    low, high = stats.t.interval(0.95, 99, returns["tree"].mean(), stats.sem(returns["tree"]))
    assert own["estimate"] == pytest.approx(returns["tree"].mean())
    assert own["low"] <= low + 1e-9
    assert own["high"] >= high - 1e-9
    assert own["high"] - own["low"] < 1.3 * (high - low)


def test_differences_are_paired_by_seed(returns):
    frame = policy_returns(returns)
    gap = line(frame, metric="return_difference", subject="tree")
    alone = line(frame, metric="return", subject="tree")
    assert gap["estimate"] == pytest.approx(-1, abs=0.05)
    assert gap["high"] - gap["low"] < 0.3 * (alone["high"] - alone["low"])
    mixed = policy_returns(returns | {"tree": returns["tree"][::-1]})
    unpaired = line(mixed, metric="return_difference", subject="tree")
    assert unpaired["high"] - unpaired["low"] > 5 * (gap["high"] - gap["low"])


def test_share_over_chance(returns):
    kept = line(policy_returns(returns), metric="return_kept", subject="tree")
    teacher, tree, chance = (returns[k].mean() for k in ("teacher", "tree", "chance"))
    assert kept["estimate"] == pytest.approx((tree - chance) / (teacher - chance))
    assert kept["low"] < kept["estimate"] < kept["high"] < 1


def test_a_teacher_no_better_than_chance_has_no_share():
    rng = np.random.default_rng(1)
    frame = policy_returns({who: rng.normal(size=60) for who in ("teacher", "tree", "chance")})
    assert np.isnan(line(frame, metric="return_kept", subject="tree")["estimate"])


def test_the_worst_twentieth():
    values = np.arange(200.0)
    worst = line(policy_returns({"teacher": values}), metric="return_worst")
    assert worst["estimate"] == values[:10].mean()
    assert worst["low"] < worst["estimate"] < worst["high"]
    few = line(policy_returns({"teacher": values[:40]}), metric="return_worst")
    assert np.isnan(few["estimate"])
    assert few["n"] == 40


def test_limits_hold_their_mean():
    """Skewed returns: of 300 draws of 100 episodes about 95 in a hundred hold the mean."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        values = 500 - 20 * rng.exponential(size=100)
        own = line(policy_returns({"teacher": values}), metric="return")
        held += own["low"] <= 480 <= own["high"]
    assert held / 300 > 0.92


def test_equal_returns_are_not_certain():
    """All at the ceiling: an unseen episode may still fail, as far as chance falls."""
    frame = policy_returns({"teacher": np.full(100, 500.0), "tree": np.full(100, 500.0), "chance": np.full(100, 20.0)})
    gap = line(frame, metric="return_difference", subject="tree")
    assert gap["estimate"] == 0
    assert -15 < gap["low"] < -13  # three in a hundred of 480
    own = line(frame, metric="return", subject="tree")
    assert own["low"] < 500 <= own["high"]


def test_unequal_numbers_of_episodes_are_refused():
    with pytest.raises(InvalidInputError, match="one value per seed"):
        policy_returns({"teacher": [1.0, 2.0], "tree": [1.0]})


def test_episodes_are_clusters():
    rng = np.random.default_rng(3)
    by_episode = rng.random(40) < 0.8
    flags, episodes = np.repeat(by_episode, 50), np.repeat(np.arange(40), 50)
    clustered = line(policy_agreement({("tree", "own"): (flags, episodes)}), subject="tree")
    alone = policy_agreement({("tree", "own"): (flags, np.arange(2000))}).iloc[0]
    assert clustered["n"] == 2000
    assert clustered["n_episodes"] == 40
    assert clustered["high"] - clustered["low"] > 5 * (alone["high"] - alone["low"])
    few = policy_agreement({("tree", "own"): (flags[:100], episodes[:100])}).iloc[0]
    assert np.isnan(few["low"])
    assert few["n_episodes"] == 2


def test_costs_against_a_slow_twin():
    rng = np.random.default_rng(4)
    cost, episodes = rng.exponential(size=600), np.repeat(np.arange(30), 20)
    same = rng.random(600) < 0.7
    cost[same] = 0
    frame = disagreement_costs({"tree": (cost, same, episodes)}, tolerance=0.5)
    apart = [c for c, s in zip(cost, same, strict=True) if not s]
    assert line(frame, metric="cost_per_step")["estimate"] == pytest.approx(sum(cost) / 600)
    assert line(frame, metric="cost_of_disagreement")["estimate"] == pytest.approx(sum(apart) / len(apart))
    harmless = line(frame, metric="harmless_disagreement")
    assert harmless["estimate"] == pytest.approx(sum(c <= 0.5 for c in apart) / len(apart))
    assert harmless["n"] == len(apart)


def test_no_disagreement_has_no_cost():
    frame = disagreement_costs({"tree": (np.zeros(20), np.ones(20, dtype=bool), np.arange(20))})
    cost = line(frame, metric="cost_of_disagreement")
    assert np.isnan(cost["estimate"])
    assert cost["n"] == 0


def test_a_planted_region_is_found_and_no_other():
    rng = np.random.default_rng(5)
    episodes = np.repeat(np.arange(120), 10)
    base = rng.random(120) < 0.05
    planted = base | ((np.arange(120) < 30) & (rng.random(120) < 0.5))
    regions = {"left": range(30), "middle": range(30, 80), "right": range(80, 120)}
    flags = {"teacher": (np.repeat(base, 10), episodes), "tree": (np.repeat(planted, 10), episodes)}
    frame = unsafe_rates(flags, regions)
    verdicts = frame[frame["metric"] == "unsafe_difference"].set_index("region")["verdict"]
    assert verdicts.to_dict() == {
        "all starts": "more often", "left": "more often", "middle": "no difference seen", "right": "no difference seen",
    }  # fmt: skip
    rate = line(frame, metric="unsafe_episodes", subject="tree", region="left")
    assert rate["estimate"] == planted[:30].mean()
    assert rate["n_episodes"] == 30


def test_equal_policies_are_seldom_called_different():
    """Simultaneous limits: of 60 pairs of equal policies about five in a hundred get any verdict."""
    rng = np.random.default_rng(6)
    episodes = np.arange(90)
    regions = {str(i): range(30 * i, 30 * i + 30) for i in range(3)}
    alarms = 0
    for _ in range(60):
        flags = {who: (rng.random(90) < 0.2, episodes) for who in ("teacher", "tree")}
        frame = unsafe_rates(flags, regions)
        alarms += (frame["verdict"].isin(["more often", "less often"])).any()
    assert alarms <= 7  # 3 on average; 8 and more come once in a hundred


@pytest.mark.parametrize("reward", [0.1, -20.3])
def test_equal_returns_of_any_size_are_not_certain(reward):
    """The mean of a hundred times 0.1 is not 0.1 to the last digit: its spread was taken for one, 1e-17 wide."""
    alike = np.full(100, reward)
    frame = policy_returns({"teacher": alike, "tree": alike, "chance": np.full(100, reward - 10)})
    for subject in ("teacher", "tree"):
        own = line(frame, metric="return", subject=subject)
        assert -0.3 < own["low"] - reward < -0.29  # three in a hundred of 10
        worst = line(frame, metric="return_worst", subject=subject)
        assert -6 < worst["low"] - reward < -5.8  # three in a hundred are three fifths of the worst twentieth


def test_the_order_of_adding_rewards_is_no_difference():
    rng = np.random.default_rng(7)
    teacher = rng.uniform(10, 20, 50)
    tree = teacher * (1 + 2e-16 * rng.integers(-2, 3, 50))
    assert (tree != teacher).any()
    gap = line(policy_returns({"teacher": teacher, "tree": tree}), metric="return_difference")
    assert gap["estimate"] == 0
    assert gap["low"] < -0.2


def test_a_wider_level_is_wider(returns):
    usual, wide = (line(policy_returns(returns, level), metric="return_difference") for level in (0.95, 0.99))
    assert wide["low"] < usual["low"] < usual["high"] < wide["high"]


def test_episodes_without_a_difference_are_no_proof():
    """Twenty episodes of 200 steps, all alike: twenty draws, not 4,000."""
    episodes = np.repeat(np.arange(20), 200)
    same = policy_agreement({("tree", "own"): (np.ones(4000), episodes)}).iloc[0]
    assert 0.8 < same["low"] < 0.9
    one = policy_agreement({("tree", "own"): (episodes > 0, episodes)}).iloc[0]
    assert 0.7 < one["low"] < one["high"] <= 1
    safe = line(unsafe_rates({"tree": (np.zeros(4000), episodes)}, {}), metric="unsafe_states")
    assert 0.1 < safe["high"] < 0.2
    cost = disagreement_costs({"tree": (np.full(4000, 2.0), np.zeros(4000, dtype=bool), episodes)})
    assert line(cost, metric="cost_of_disagreement")["low"] == pytest.approx(2 * 0.05 ** (1 / 20))


def test_limits_of_agreement_hold_where_episodes_differ():
    """One episode in twenty goes wrong throughout; a third of all samples of twenty has none."""
    rng, episodes = np.random.default_rng(8), np.repeat(np.arange(20), 50)
    held = 0
    for _ in range(200):
        right = np.repeat(rng.random(20) >= 0.05, 50)
        own = policy_agreement({("tree", "own"): (right, episodes)}).iloc[0]
        held += own["low"] <= 0.95 <= own["high"]
    assert held / 200 > 0.88
