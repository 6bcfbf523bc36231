"""Names beside points: none covers another, a point or the edge."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from explaindistill import plots


def boxes(ax):
    return [Text.get_window_extent(text) for text in ax.texts]  # of an annotation's words, without its line


@pytest.mark.parametrize("crowd", [0.0, 0.02, 0.2])
def test_no_name_covers_another_or_a_point(crowd):
    rng = np.random.default_rng(0)
    x, y = 20 * np.exp(crowd * rng.normal(size=12)), 0.9 + 0.1 * crowd * rng.normal(size=12)
    frame = pd.DataFrame({"subject": [f"model tree, {i} leaves" for i in range(12)], "size": x, "estimate": y})
    ax = plots.figure(9, 5).subplots()
    plots.fidelity_size(frame.assign(low=y - 0.01, high=y + 0.01), ax)
    ax.get_figure().draw_without_rendering()
    assert len(ax.texts) == 12
    assert not any(a.overlaps(b) for a, b in combinations(boxes(ax), 2))
    points = ax.transData.transform(np.column_stack([x, y]))
    assert not any(box.contains(*point) for box in boxes(ax) for point in points)


def test_names_stay_inside_the_axes_and_far_ones_have_a_line():
    ax = plots.figure(4, 3).subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    at = [0.999] * 4
    plots.labels.name_points(ax, ["first name", "second name", "third name", "fourth name"], at, at)
    edge = ax.get_window_extent()
    for box in boxes(ax):
        assert box.x1 <= edge.x1 + 1
        assert box.y1 <= edge.y1 + 1
    lines = [text.arrow_patch is not None for text in ax.texts]
    assert not lines[0]
    assert lines[-1]


def test_only_named_students_are_named_and_colours_go_by_family():
    rows = [{"subject": s, "family": s[:4], "named": s[-1] == "1", "size": 9, "estimate": 0.5, "low": 0.4, "high": 0.6}
            for s in ("tree1", "tree2", "card1")]  # fmt: skip
    ax = plots.fidelity_size(pd.DataFrame(rows), plots.figure().subplots())
    assert [text.get_text() for text in ax.texts] == ["tree1", "card1"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["tree", "card"]
