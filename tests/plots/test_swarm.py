"""The picture of Shapley values: boxes where rows are, in the colours of the column's values."""

import numpy as np
import pandas as pd

from explaindistill import plots

CELLS = pd.DataFrame(
    {
        "subject": "gam",
        "feature": ["sex", "sex", "pay", "pay", "pay"],
        "value_from": [-1.0, 0.8, -0.5, -0.1, 0.3],
        "value_to": [-0.8, 1.0, -0.1, 0.3, 0.7],
        "estimate": [0.4, 0.6, 0.1, 0.5, 0.4],
        "mean_rank": [np.nan, np.nan, 0.05, 0.5, 0.95],
    }
)


def boxes(ax):
    return {patch.get_facecolor(): patch.get_path().vertices.reshape(-1, 5, 2) for patch in ax.patches}


def test_boxes_lie_where_the_values_are_and_are_as_high_as_rows_are_dense():
    ax = plots.swarm(CELLS, plots.figure(4, 3).subplots(), unit="log-odds of yes")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["sex", "pay"]
    assert ax.get_xlabel() == "gam: adds to the log-odds of yes"
    drawn = np.concatenate(list(boxes(ax).values()))
    assert len(drawn) == 5
    spans = {(round(b[:, 0].min(), 6), round(b[:, 0].max(), 6)): np.ptp(b[:, 1]) for b in drawn}
    assert set(spans) == set(zip(CELLS["value_from"], CELLS["value_to"], strict=True))
    assert spans[-1.0, -0.8] / spans[0.8, 1.0] == np.float64(0.4 / 0.6)
    assert spans[-0.5, -0.1] < spans[0.3, 0.7] < spans[-0.1, 0.3]


def test_low_high_and_unordered_values_have_colours_of_their_own():
    ax = plots.swarm(CELLS, plots.figure(4, 3).subplots())
    assert len(boxes(ax)) == 4
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["low values", "high values", "no order"]


def test_two_pictures_can_share_an_axis():
    ax = plots.swarm(CELLS, plots.figure(4, 3).subplots(), ends=(-4.0, 4.0), legend=False)
    low, high = ax.get_xlim()
    assert low < -4.0 < 4.0 < high
    assert ax.get_legend() is None
