"""The drawing of a list of rules says what the student says."""

import numpy as np
import pandas as pd
import pytest

from explaindistill import plots
from explaindistill.data.drawing import bar_lengths
from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor


def rows(n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=n).round(2), "city": rng.choice(["Bern", "Zug"], n)})


def soft(frame: pd.DataFrame) -> np.ndarray:
    p = 1 / (1 + np.exp(-np.where(frame["city"] == "Zug", 1 + 2 * frame["x"], -1.5 - frame["x"])))
    return np.column_stack([1 - p, p])


def axes():
    return plots.figure(8, 3).subplots()


def test_rules_are_drawn_in_their_order_with_the_default_last():
    student = RuleListClassifier(classes=["no", "yes"]).fit(rows(), soft(rows()))
    drawn = student.drawing()
    assert drawn.frame["coverage"].sum() == pytest.approx(1)
    lengths = bar_lengths(drawn.frame["values"], drawn.classes, "no")
    expected = [r.value[0] for r in student.rules_.rules] + [student.rules_.default[0]]
    np.testing.assert_allclose([lengths[v] for v in drawn.frame["values"]], expected, atol=1e-12)
    ax = plots.rules(drawn, axes(), favorable="no")
    assert ax.get_xlabel() == "probability of no"
    texts = [t.get_text() for t in student.plot(axes()).texts]
    assert texts[0].startswith("if ")
    assert texts[-2] == "else"
    assert f"{100 * drawn.frame['coverage'].iloc[0]:.0f} % of rows" in texts[1]


def test_rules_of_values_show_their_place_between_the_ends():
    student = RuleListRegressor().fit(rows(), rows()["x"] * 3)
    drawn = student.drawing()
    lengths = bar_lengths(drawn.frame["values"], drawn.classes).values()
    assert (min(lengths), max(lengths)) == (0, 1)
    assert drawn.frame["agreement"].isna().all()
    assert student.plot(axes()).get_xlabel() == "value, from the smallest to the largest"


def test_several_values_of_a_rule_have_one_line():
    x = rows()["x"]
    student = RuleListRegressor().fit(rows(), np.c_[x > 0, x > 1])
    frame = student.drawing().frame
    assert frame["rule"].is_unique
    assert {len(values) for values in frame["values"]} == {2}
