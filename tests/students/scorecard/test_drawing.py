"""The drawing of a scorecard says what the card says."""

import numpy as np
import pandas as pd

from explaindistill import plots
from explaindistill.students.scorecard.estimators import ScorecardClassifier


def test_points_and_their_risks_are_those_of_the_card():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=600).round(2), "city": rng.choice(["Bern", "Zug"], 600)})
    X["owner"] = rng.random(600) < 0.5
    X.loc[:99, "x"] = np.nan
    p = 1 / (1 + np.exp(-(X["x"].fillna(2) + (X["city"] == "Zug") - X["owner"])))
    student = ScorecardClassifier(classes=["no", "yes"]).fit(X, np.c_[1 - p, p])
    drawn, ax = student.drawing(), student.plot(plots.figure(8, 3).subplots())
    assert (drawn.kind, drawn.unit, drawn.outcome) == ("points", "points for yes", "yes")
    assert ax.get_xlabel() == "points (for yes)"
    points = drawn.frame
    assert points["estimate"].tolist() == student.table()["points"].tolist()
    assert next(t.get_text() for t in ax.get_yticklabels()) == points.loc[points["estimate"].abs().idxmax(), "term"]
    np.testing.assert_allclose(drawn.totals["estimate"], student.risks()["risk"])
    assert drawn.totals["x"].tolist() == student.risks()["total"].tolist()
