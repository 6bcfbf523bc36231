"""Drawings: each takes ax=, returns it, says its units, and becomes small clean SVG that is the same each time."""

import math
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from explaindistill import plots
from explaindistill.errors import InvalidInputError
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

mpl.use("agg")

BASE = {"low": 0.4, "high": 0.6, "estimate": 0.5}
GROUPS = pd.DataFrame(
    [{"group": g, "subject": s} | BASE for g in ("a", "b") for s in ("labels", "teacher", "tree", "gam")]
)
FEATURES = GROUPS.rename(columns={"group": "feature"}).drop(columns=["low", "high"])
CALLS = {
    "fidelity_size": lambda ax: plots.fidelity_size(pd.DataFrame([{"subject": "tree", "size": 9} | BASE]), ax),
    "group_dots": lambda ax: plots.group_dots(GROUPS, ax, order=["tree", "gam"]),
    "transfer_arrows": lambda ax: plots.transfer_arrows(GROUPS, ax, order=["tree", "gam"]),
    "importance_pairs": lambda ax: plots.importance_pairs(FEATURES, ax),
    "reliability": lambda ax: plots.reliability(pd.DataFrame([{"subject": "tree", "predicted": 0.4} | BASE]), ax),
    "shape": lambda ax: plots.shape(
        pd.DataFrame({"x": [0, 1], "estimate": [0, 1], "low": [0, 0.5], "high": [1, 2]}), ax
    ),
    "levels": lambda ax: plots.shape(pd.DataFrame({"level": list("abcdef")} | BASE), ax, name="city"),
    "outputs": lambda ax: plots.shape(
        pd.DataFrame({"x": [0, 1] * 2, "estimate": [0, 1] * 2, "output": list("aabb")}), ax
    ),
    "surface": lambda ax: plots.surface(
        pd.DataFrame({"x": [0, 1, 0, 1], "y": ["u", "u", "v", "v"], "estimate": 0.0}), ax
    ),
    "coefficients": lambda ax: plots.coefficients(pd.DataFrame({"term": ["a", "b"], **BASE}), ax),
    "tree": lambda ax: plots.tree({"text": "q?", "children": [{"text": "yes", "edge": "l", "value": 0.2}] * 2}, ax),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_drawing_returns_its_axes_and_becomes_the_same_small_svg(name):
    texts = []
    for _ in range(2):
        figure = plots.figure()
        ax = figure.subplots()
        assert CALLS[name](ax) is ax
        texts.append(plots.svg(figure, f"fig-{name}", f"Title of {name}", "What it shows."))
    assert texts[0] == texts[1]
    assert len(texts[0]) < 9_000
    root = ET.fromstring(texts[0])
    assert root.attrib["role"] == "img"
    assert root[0].text == f"Title of {name}"
    assert not {"metadata", "style", "clipPath"} & {e.tag.split("}")[-1] for e in root.iter()}
    assert "http" not in texts[0].replace('xmlns="http://www.w3.org/2000/svg"', "")
    ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids))
    assert all(i.startswith(f"fig-{name}-") for i in ids)


def test_colours_of_ours_are_variables():
    figure = plots.figure()
    plots.group_dots(GROUPS, figure.subplots())
    text = plots.svg(figure, "g", "t", "d")
    assert "var(--s0)" in text
    assert "#0072b2" not in text


def test_a_drawing_without_axes_makes_its_own():
    import matplotlib.pyplot as plt

    ax = plots.group_dots(GROUPS)
    assert ax.figure in map(plt.figure, plt.get_fignums())
    plt.close("all")


@pytest.mark.parametrize("word", ["$x$", "a_b^{", "\x00\u202e", "<svg>", "x" * 9999, "日本🙂", ""])
def test_words_of_the_user_are_only_words(word):
    figure = plots.figure()
    plots.group_dots(GROUPS.assign(group=word), figure.subplots())
    root = ET.fromstring(plots.svg(figure, "w", "t", "d"))
    shown = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert plots.label(word).replace(r"\$", "$") in shown


def test_undefined_estimates_leave_their_place_empty():
    frame = pd.DataFrame([{"group": "a", "subject": "tree", "estimate": math.nan, "low": math.nan, "high": math.nan}])
    ax = plots.group_dots(frame, plots.figure().subplots())
    assert sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() not in {None, "None", ""}) == 0


def test_whiskers_stand_where_the_intervals_are():
    ax = plots.group_dots(GROUPS[GROUPS["subject"] == "tree"], plots.figure().subplots())
    drawn = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in ax.lines])
    assert {0.4, 0.5, 0.6} == set(np.round(drawn[np.isfinite(drawn)], 6))


def test_arrows_lead_from_the_teacher_to_the_student():
    frame = pd.DataFrame(
        [{"group": "f", "subject": s, "estimate": e} for s, e in (("labels", 0.0), ("teacher", -0.1), ("tree", -0.25))]
    )
    ax = plots.transfer_arrows(frame, plots.figure().subplots())
    (arrow,) = [t for t in ax.texts if t.arrow_patch is not None]
    assert (arrow.xyann[0], arrow.xy[0]) == (-0.1, -0.25)


def rows(n: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "city": rng.choice(list("abcdefghi"), n),
            "owner": rng.random(n) < 0.5,
            "since": pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 9000, n), unit="D"),
        }
    )
    frame.loc[:40, "age"] = np.nan
    z = frame["age"].fillna(50) / 20 - 2 + frame["owner"] * 1.0 + frame["city"].isin(list("abcdefg"))
    return frame, (z + frame["since"].dt.year / 20 - 100).to_numpy()


@pytest.mark.parametrize(
    ("student", "kind"),
    [
        (TreeClassifier(max_leaf_nodes=40, max_depth=7), "tree"),
        (TreeRegressor(max_leaf_nodes=6), "tree"),
        (GAMClassifier(), "additive"),
        (GAMRegressor(), "additive"),
        (LinearClassifier(), "linear"),
        (LinearRegressor(), "linear"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_students_are_drawn_from_their_forms(student, kind):
    frame, z = rows()
    target = (z > np.median(z)).astype(int) if hasattr(student, "predict_proba") else z
    form = student.fit(frame, target).to_dict()
    assert plots.kind(form) == kind
    ax = plots.figure().subplots()
    assert plots.draw(form, ax) is ax
    if kind == "additive":
        terms = {t.name: t for t in plots.terms(form)}
        assert set(terms["owner"].frame["level"]) == {"no", "yes"}
        assert terms["since"].frame["x"].between(1998, 2029).all()
        assert math.isfinite(terms["age"].missing)
    if kind == "tree":
        root = plots.tree_root(form)
        assert root["share"] == 1.0
        assert sum(_leaf_shares(root)) == pytest.approx(1.0)


def _leaf_shares(node: dict) -> list[float]:
    return [s for c in node["children"] for s in _leaf_shares(c)] if node["children"] else [node["share"]]


def test_several_classes_and_pairs_are_drawn():
    frame, z = rows()
    labels = np.digitize(z, np.quantile(z, [0.3, 0.6]))
    forms = [GAMClassifier().fit(frame, labels).to_dict(), LinearClassifier().fit(frame, labels).to_dict()]
    for form in forms:
        assert plots.draw(form, plots.figure().subplots()).has_data()
    assert plots.effect_unit(forms[0]) == "score"
    pair = GAMRegressor(n_pairs=1).fit(frame, z * np.where(frame["owner"], 3.0, -3.0)).to_dict()
    (term,) = [t for t in plots.terms(pair) if len(t.features) == 2]
    assert plots.term(term, plots.figure().subplots()).get_ylabel() == term.features[1]


@pytest.mark.parametrize("thing", [{"format": "?"}, pd.DataFrame({"a": [1]})])
def test_what_cannot_be_drawn_is_refused(thing):
    with pytest.raises(InvalidInputError, match="draw takes a student's to_dict"):
        plots.draw(thing)


def test_draw_knows_frames_by_their_columns():
    for frame, name in (
        (pd.DataFrame({"term": ["a"], "estimate": [1.0]}), "coefficients"),
        (pd.DataFrame({"x": [0, 1], "estimate": [0.0, 1.0]}), "shape"),
        (pd.DataFrame({"x": [0, 1], "y": [0, 0], "estimate": [0.0, 1.0]}), "surface"),
    ):
        ax = plots.figure().subplots()
        assert plots.draw(frame, ax) is ax, name
    assert plots.draw({"text": "yes"}, plots.figure().subplots()).texts[0].get_text() == "yes"
