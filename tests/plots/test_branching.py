"""Drawings of model trees, rule lists and scorecards say what the student says."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from explaindistill import plots
from explaindistill.data.schema import Schema
from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
from explaindistill.students.scorecard.estimators import ScorecardClassifier


def rows(n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=n).round(2), "city": rng.choice(["Bern", "Zug"], n)})
    frame["age"] = np.where(rng.random(n) < 0.3, np.nan, rng.integers(18, 80, n))
    return frame


def soft(frame: pd.DataFrame) -> np.ndarray:
    z = np.where(frame["city"] == "Zug", 1 + 2 * frame["x"], -1.5 - frame["x"]) + 2.0 * frame["age"].isna()
    p = 1 / (1 + np.exp(-z))
    return np.column_stack([1 - p, p])


def axes():
    return plots.figure(8, 3).subplots()


@pytest.fixture(scope="module")
def model_tree() -> ModelTreeClassifier:
    return ModelTreeClassifier(max_leaf_nodes=4, classes=["no", "yes"]).fit(rows(), soft(rows()))


def leaves_of(node):
    return [node] if not node["children"] else [leaf for child in node["children"] for leaf in leaves_of(child)]


def test_a_model_tree_shows_the_questions_and_the_number_of_terms(model_tree):
    root = plots.model_root(model_tree.to_dict(), "no")
    leaves = leaves_of(root)
    assert [leaf["leaf"] for leaf in leaves] == list(range(1, model_tree.complexity().n_leaves + 1))
    assert sum(leaf["share"] for leaf in leaves) == pytest.approx(1)
    texts = [t.get_text() for t in model_tree.plot(axes()).texts]
    assert root["text"] in texts
    assert sum(" term" in t for t in texts) == sum(" term" in leaf["text"] for leaf in leaves)


def test_a_leaf_shows_its_answer_to_a_row_at_the_centres(model_tree):
    form = model_tree.to_dict()
    frame = plots.leaf_frame(form)
    bases = frame.loc[frame["term"] == "always"].iloc[0]
    for leaf in leaves_of(plots.model_root(form, "yes")):
        assert leaf["value"] == pytest.approx(1 / (1 + np.exp(-bases[str(leaf["leaf"])])))
        assert plots.model_root(form, "no")["children"]


def test_the_table_of_leaves_adds_up_to_the_prediction(model_tree):
    """A numeric term times its distance from the centre, a flag times 1."""
    frame = plots.leaf_frame(model_tree.to_dict()).set_index("term")
    row = pd.DataFrame({"x": [0.5], "city": ["Zug"], "age": [np.nan]})
    told = model_tree.explain(row)
    total = float(told["contribution"].sum())
    base = told.loc[told["step"] == 0, "contribution"].iloc[0]
    column = next(c for c in frame.columns.drop("output") if frame.loc["always", c] == base)
    added = 0.0
    for term, value in frame[column].dropna().items():
        if term == "always":
            added += value
        elif term.startswith("x "):
            sign, centre = term.split()[1:]
            added += value * (0.5 - float(centre) if sign == "−" else 0.5 + float(centre))
        elif term in ("city = Zug", "age is missing"):
            added += value
    assert added == pytest.approx(total)


def test_a_split_on_whether_a_value_is_known_has_strict_json_and_words():
    frame = rows()
    values = np.where(frame["age"].isna(), 5.0 + frame["x"], -5.0 - 2 * frame["x"])
    student = ModelTreeRegressor(max_leaf_nodes=2).fit(frame, values)
    form = json.loads(json.dumps(student.to_dict(), allow_nan=False))
    assert "known" in [node.get("threshold") for node in form["tree"]["nodes"]]
    assert "age is known" in student.describe()
    assert "age is missing" in student.describe()
    again = ModelTreeRegressor.from_dict(form)
    np.testing.assert_array_equal(again.predict(frame), student.predict(frame))
    assert plots.model_root(form)["text"] == "age is known?"


@pytest.mark.parametrize("language", ["python", "javascript", "c", "sql"])
def test_every_language_knows_such_a_split(language):
    from explaindistill import plugins

    frame = rows()
    student = ModelTreeRegressor(max_leaf_nodes=2).fit(frame, np.where(frame["age"].isna(), 5.0, -5.0) + frame["x"])
    text = plugins.load("export", language).generate(student)
    assert not re.search(r"<=\s*\(?inf", text.lower())
    if language == "python":
        space: dict = {}
        exec(text, space)
        row = {"x": 0.25, "city": "Zug", "age": None}
        expected = student.predict(pd.DataFrame({"x": [0.25], "city": ["Zug"], "age": [np.nan]}))[0]
        assert space["predict"](row) == pytest.approx(expected, abs=1e-12)


def test_rules_are_drawn_in_their_order_with_the_default_last():
    student = RuleListClassifier(classes=["no", "yes"]).fit(rows(), soft(rows()))
    frame = plots.rule_frame(student.to_dict(), "no")
    assert frame["coverage"].sum() == pytest.approx(1)
    np.testing.assert_allclose(
        frame["value"], [r.value[0] for r in student.rules_.rules] + [student.rules_.default[0]], atol=1e-12
    )
    texts = [t.get_text() for t in student.plot(axes()).texts]
    assert texts[0].startswith("if ")
    assert texts[-2] == "else"
    assert f"{100 * frame['coverage'].iloc[0]:.0f} % of rows" in texts[1]


def test_rules_of_values_show_their_place_between_the_ends():
    frame = rows()
    student = RuleListRegressor().fit(frame, frame["x"] * 3)
    found = plots.rule_frame(student.to_dict())
    assert found["value"].min() == 0
    assert found["value"].max() == 1
    assert found["agreement"].isna().all()
    assert student.plot(axes()).get_xlabel() == "value, from the smallest to the largest"


def test_points_and_their_risks_are_those_of_the_card():
    student = ScorecardClassifier(classes=["no", "yes"]).fit(rows(), soft(rows()))
    ax = student.plot(axes())
    assert ax.get_xlabel() == "points (for yes)"
    points = plots.point_frame(student.to_dict())
    assert sorted(points["estimate"]) == sorted(student.table()["points"])
    assert next(t.get_text() for t in ax.get_yticklabels()) == points.loc[points["estimate"].abs().idxmax(), "term"]
    risks = plots.risk_frame(student.to_dict())
    np.testing.assert_allclose(risks["estimate"], student.risks()["risk"])


@pytest.mark.parametrize(
    ("listed_left", "missing_left", "edges"),
    [
        (True, True, ["yes, missing", "no"]),
        (True, False, ["yes", "no, missing"]),
        (False, True, ["no, missing", "yes"]),
        (False, False, ["no", "yes, missing"]),
    ],
)
def test_branches_of_categories_say_which_side_the_listed_and_the_missing_take(listed_left, missing_left, edges):
    schema = Schema.infer(pd.DataFrame({"city": ["Bern", "Zug", None]}))
    root = {
        "feature": 0,
        "listed": [0],
        "listed_left": listed_left,
        "missing_left": missing_left,
        "left": 1,
        "right": 2,
    }
    below = {"left": 1, "right": 2, "share": 1.0}
    leaves = [{"intercept": [1.0], "share": 0.4}, {"intercept": [2.0], "share": 0.6}]
    tree = {"schema": schema.to_dict(), "terms": [], "n_outputs": 1, "nodes": [root | below, *leaves]}
    found = plots.model_root({"classes": None, "tree": tree})
    assert found["text"] == "city is Bern?"
    assert [child["edge"] for child in found["children"]] == edges
    assert [child["node"] for child in found["children"]] == ["w1", "w0"]
