"""The phase plane and the timeline show what both policies do, in the places where they do it."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import explaindistill as xd
from explaindistill import plots
from explaindistill.distillation.policies.pictures import phase_frame, timeline_frame
from explaindistill.errors import InvalidInputError

mpl.use("Agg")


@pytest.fixture(scope="module")
def student(slide):
    make, teacher = slide
    names = {"names": ["place", "speed"], "actions": ["push"], "units": {"place": "m"}}
    few = {"n_rounds": 2, "n_episodes": 10, "n_held_out": 10, "random_state": 0}
    return xd.PolicyDistiller(teacher, xd.TreeRegressor(max_leaf_nodes=4), make, **names, **few).fit()


def test_cells_hold_what_each_policy_does(student, slide):
    cells, paths = phase_frame(student, "place", "speed", 0)
    for who, act in (("teacher", slide[1]), ("student", lambda S: student.predict(S)[:, 0])):
        rows = cells[cells["subject"] == who]
        assert rows["action"].to_numpy() == pytest.approx(act(rows[["x", "y"]].to_numpy()))
    starts = paths[paths["step"] == 0]
    assert starts[["x", "y"]].drop_duplicates().shape[0] == 1  # from the same start
    assert len(paths) == 2 * 41


def test_a_timeline_names_the_leaf(student):
    frame = timeline_frame(student, 0)
    rows = frame[frame["subject"] == "student"]
    values = student.student_.tree_.value[:, 0]
    assert rows["action"].to_numpy() == pytest.approx(np.clip(values[rows["leaf"].astype(int)], -1, 1))
    assert frame.loc[frame["subject"] == "teacher", "leaf"].isna().all()


def test_drawn_with_names_and_units(student):
    left, right = student.plot_phase("speed", "place")
    assert (left.get_title(), right.get_title()) == ("teacher", "student")
    assert (left.get_xlabel(), left.get_ylabel()) == ("speed", "place (m)")
    above, below = student.plot_timeline()
    assert above.get_ylabel() == "push"
    assert below.get_xlabel() == "step"
    text = plots.svg(left.figure, "plane", "Plane", "Two planes.")
    assert "place (m)" in text


@pytest.mark.parametrize(("x", "y", "message"), [("height", "speed", "got 'height'"), ("speed", "speed", "twice")])
def test_axes_must_be_numbers_of_a_state(student, x, y, message):
    with pytest.raises(InvalidInputError, match=message):
        student.plot_phase(x, y)
