"""The grid check: cell by cell against a slow twin, with the step that it rests on."""

from __future__ import annotations

import numpy as np
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError


def dynamics(S, a):
    after = S + np.column_stack([0.1 * S[:, 1], 0.5 * (a - 1.0)])
    return after, np.abs(after[:, 0]) > 2, np.abs(after[:, 1]) > 3


def pump(S):
    return np.where(S[:, 1] >= 0, 2, 0)


def coast(S):
    return np.ones(len(S), dtype=int)


STARTS = {"place": (-1.0, 1.0, 0.25), "speed": (-2.0, 2.0, 0.5)}


def twin(policy):
    reached = []
    for x in np.arange(-0.875, 1, 0.25):
        for v in np.arange(-1.75, 2, 0.5):
            state, good = np.array([[x, v]]), False
            for _ in range(30):
                state, goal, lost = dynamics(state, policy(state))
                if goal[0] or lost[0]:
                    good = bool(goal[0])
                    break
            reached.append(good)
    return reached


def test_every_cell_is_tried():
    check = xd.grid_check({"teacher": pump, "coast": coast}, dynamics, STARTS, horizon=30)
    for name, policy in (("teacher", pump), ("coast", coast)):
        assert check.cells[f"{name} reaches"].tolist() == twin(policy)
    shares = check.shares.set_index("subject")
    assert shares.loc["coast", "share"] == np.mean(twin(coast))
    assert shares.loc["coast", "lost_to_teacher"] == np.sum(np.array(twin(pump)) & ~np.array(twin(coast)))
    assert shares["n"].tolist() == [64, 64]


def test_its_words_name_the_step_and_what_is_not_proven():
    words = str(xd.grid_check({"teacher": coast}, dynamics, STARTS, horizon=30))
    assert words.startswith("Grid check, 64 start cells, place every 0.25, speed every 0.5, at most 30 steps")
    assert "not proven" in words


def test_a_policy_may_see_less_than_the_state():
    check = xd.grid_check(
        {"a": lambda S: np.where(S[:, 0] >= 0, 2, 0)}, dynamics, STARTS, 30, observe=lambda S: S[:, 1:]
    )
    assert check.cells["a reaches"].tolist() == twin(pump)


@pytest.mark.parametrize(
    ("starts", "message"),
    [
        ({"x": (0.0, 1.0)}, "must be \\(low, high, step\\)"),
        ({"x": (1.0, 0.0, 0.1)}, "must rise"),
        ({"x": (0.0, np.inf, 0.1)}, "from one finite number to another"),
        ({"x": (0.0, 1.0, 0.0)}, "step must be"),
        ({"x": (0.0, 1.0, 1e-5), "y": (0.0, 1.0, 1e-5)}, "1 to 1,000,000 cells"),
        ({}, "1 to 1,000,000 cells"),
    ],
)
def test_ranges_are_checked(starts, message):
    with pytest.raises(InvalidInputError, match=message):
        xd.grid_check({"teacher": coast}, dynamics, starts)


def test_dynamics_of_another_shape_are_named():
    with pytest.raises(InvalidInputError, match="dynamics must give states"):
        xd.grid_check({"teacher": coast}, lambda S, a: (S[:, :1], np.ones(len(S), dtype=bool)), STARTS)
