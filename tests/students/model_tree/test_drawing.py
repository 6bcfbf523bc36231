"""The drawing of a model tree says what the student says."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from explaindistill import plots
from explaindistill.data.drawing import bar_lengths
from explaindistill.data.schema import Schema
from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor


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


def test_it_shows_the_questions_and_the_number_of_terms(model_tree):
    drawn = model_tree.drawing()
    leaves = list(drawn.root.answers())
    assert (drawn.kind, drawn.title, drawn.unit) == ("model tree", "The model tree", "log-odds of yes")
    assert [leaf.title for leaf in leaves] == [f"leaf {i + 1}" for i in range(model_tree.complexity().n_leaves)]
    assert sum(leaf.share for leaf in leaves) == pytest.approx(1)
    texts = [t.get_text() for t in model_tree.plot(axes()).texts]
    assert drawn.root.text in texts
    assert sum(" term" in t for t in texts) == sum(" term" in leaf.text for leaf in leaves)


def test_a_leaf_shows_its_answer_to_a_row_at_the_centres(model_tree):
    drawn = model_tree.drawing()
    bases = drawn.sums.loc[drawn.sums["term"] == "always"].iloc[0]
    leaves = list(drawn.root.answers())
    for place, favorable in enumerate(["no", "yes"]):
        lengths = bar_lengths([leaf.values for leaf in leaves], drawn.classes, favorable)
        for i, leaf in enumerate(leaves, start=1):
            yes = 1 / (1 + np.exp(-bases[str(i)]))
            assert lengths[leaf.values] == pytest.approx([1 - yes, yes][place])


def painted(ax):
    """Labels of leaves, and the lengths of the bars below them as shares of the paper."""
    labels = [t.get_text() for t in ax.texts if re.match(r"(no|yes) [01]\.\d\d", t.get_text())]
    lines = [line for line in ax.lines if line.get_linewidth() == 3]
    return labels, [
        np.ptp(bar.get_xdata()) / np.ptp(paper.get_xdata()) for paper, bar in zip(*[iter(lines)] * 2, strict=True)
    ]


@pytest.mark.parametrize("favorable", ["no", "yes", None])
def test_bar_and_label_speak_of_the_same_class(model_tree, favorable):
    ax = plots.tree(model_tree.drawing(), axes(), favorable=favorable)
    labels, lengths = painted(ax)
    shown = favorable or "yes"
    assert ax.get_title(loc="left") == f"bars: probability of {shown}"
    assert len(labels) == len(lengths) == model_tree.complexity().n_leaves
    for words, length in zip(labels, lengths, strict=True):
        name, number = words.split()[:2]
        assert name == shown
        assert float(number) == pytest.approx(length, abs=0.0051)
    assert painted(model_tree.plot(axes()))[0] == painted(plots.tree(model_tree.drawing(), axes()))[0]


def test_the_table_of_leaves_adds_up_to_the_prediction(model_tree):
    """A numeric term times its distance from the centre, a flag times 1."""
    frame = model_tree.drawing().sums.set_index("term")
    row = pd.DataFrame({"x": [0.5], "city": ["Zug"], "age": [np.nan]})
    reasons = model_tree.explain(row, as_frame=True)
    total = float(reasons["contribution"].sum())
    base = reasons.loc[reasons["step"] == 0, "contribution"].iloc[0]
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
    assert again.drawing().root.text == "age is known?"


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
    student = ModelTreeRegressor(max_leaf_nodes=2).fit(rows(), rows()["x"])
    node = type(student.tree_.nodes[0])
    root = node(0, listed=(0,), listed_left=listed_left, missing_left=missing_left, left=1, right=2)
    leaves = node(intercept=(1.0,), share=0.4), node(intercept=(2.0,), share=0.6)
    schema = Schema.infer(pd.DataFrame({"city": ["Bern", "Zug", None]}))
    student.tree_ = replace(student.tree_, schema=schema, terms=(), nodes=(root, *leaves))
    drawn = student.drawing().root
    assert drawn.text == "city is Bern?"
    assert [child.edge for child in drawn.children] == edges
    assert [child.node for child in drawn.children] == ["w1", "w0"]
