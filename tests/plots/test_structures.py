"""Drawings: each takes ax=, returns it, says its units, and becomes small clean SVG that is the same each time."""

import math
import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from explaindistill import plots
from explaindistill.data.drawing import (
    BarsDrawing,
    Branch,
    CurvesDrawing,
    DrawnTerm,
    GroupShares,
    RulesDrawing,
    TreeDrawing,
)
from explaindistill.errors import InvalidInputError
from explaindistill.plots.canvas import wrapped

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
    "tree": lambda ax: plots.tree(TreeDrawing(Branch("q?", children=(Branch("1", "l", values=(1.0,)),) * 2)), ax),
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
    assert all(line.replace(r"\$", "$") in shown for line in wrapped(word, 28).splitlines())


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


TREE = TreeDrawing(
    Branch(
        "q?",
        children=(
            Branch("yes", "l", share=0.5, values=(0.8, 0.2), who=(GroupShares("sex", (("f", 0.75), ("m", None))),)),
            Branch(
                "r?",
                "r",
                share=0.5,
                children=(Branch("no", "l", values=(0.9, 0.1)), Branch("yes", "r", values=(0.3, 0.7))),
            ),
        ),
    ),
    classes=("no", "yes"),
)


def lengths(ax, width):
    """Lengths of the bars, paper apart, over that of the paper."""
    bars = [line for line in ax.lines if line.get_linewidth() == width]
    paper = np.ptp(bars[0].get_xdata())
    return [np.ptp(line.get_xdata()) / paper for line in bars if line.get_color() != bars[0].get_color()]


def test_bars_of_leaves_are_those_of_the_class_that_is_asked_for():
    bare = replace(TREE, root=replace(TREE.root, children=TREE.root.children[1:]))
    assert lengths(plots.tree(bare, plots.figure().subplots()), 3) == pytest.approx([0.1, 0.7])
    assert lengths(plots.draw(bare, plots.figure().subplots(), favorable="no"), 3) == pytest.approx([0.9, 0.3])
    parts = lengths(plots.tree(bare, plots.figure().subplots(), by_class=True), 3)
    assert parts == pytest.approx([0.9, 0.1, 0.3, 0.7])
    numbers = replace(bare, classes=None)
    assert lengths(plots.tree(numbers, plots.figure().subplots()), 3) == pytest.approx([1, 0])


def test_deep_branches_are_folded_and_who_is_in_a_leaf_has_a_line():
    ax = plots.tree(TREE, plots.figure().subplots(), max_depth=1)
    texts = [t.get_text() for t in ax.texts]
    assert "… 2 more answers" in texts
    assert "sex: f 75 %, rest withheld" in texts
    assert plots.n_lines(TREE.root, 1) == 3
    assert ax.get_ylim() == (2.6, -0.6)


def test_draw_knows_every_drawing():
    line = {"condition": "a", "answer": "no", "coverage": 1.0, "values": (0.9, 0.1)}
    curve = DrawnTerm("a", ("a",), pd.DataFrame({"x": [0, 1], "estimate": [0.0, 1.0]}))
    for drawing, words in (
        (TREE, ""),
        (RulesDrawing(pd.DataFrame([line]), ("no", "yes")), "probability of yes"),
        (BarsDrawing(pd.DataFrame({"term": ["a"], "estimate": [1.0]}), "u", "points", "for yes"), "points (for yes)"),
        (CurvesDrawing((curve,), "log-odds"), "a"),
    ):
        ax = plots.figure().subplots()
        assert plots.draw(drawing, ax) is ax
        assert ax.get_xlabel() == words


@pytest.mark.parametrize("thing", [{"nodes": []}, pd.DataFrame({"term": ["a"], "estimate": [1.0]})])
def test_what_is_no_drawing_is_refused(thing):
    with pytest.raises(InvalidInputError, match=r"draw takes what a student's drawing\(\) gives"):
        plots.draw(thing)


def test_a_sum_without_terms_is_refused():
    with pytest.raises(InvalidInputError, match="at least one term"):
        plots.draw(CurvesDrawing((), "value"))


NAMES = [f"s{i}" for i in range(12)]
TWELVE = pd.DataFrame([{"group": g, "subject": s} | BASE for g in ("a", "b") for s in ("labels", "teacher", *NAMES)])


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.group_dots(TWELVE, ax, order=NAMES),
        lambda ax: plots.transfer_arrows(TWELVE, ax, order=NAMES),
        lambda ax: plots.importance_pairs(TWELVE.rename(columns={"group": "feature"}), ax, order=NAMES),
        lambda ax: plots.reliability(TWELVE.assign(predicted=0.4), ax, order=NAMES),
    ],
    ids=["group_dots", "transfer_arrows", "importance_pairs", "reliability"],
)
def test_twelve_students_are_told_apart_by_colour_and_marker(draw):
    ax = draw(plots.figure(8, 6).subplots())
    styles = [(h.get_color(), h.get_marker()) for h in ax.get_legend().legend_handles]
    assert len(styles) == 14
    assert len(set(styles)) == 14
    assert plots.svg(ax.figure, "t", "t", "d").count("<text") >= 14


def test_twelve_curves_and_twelve_classes_are_told_apart():
    curves = pd.DataFrame(
        [{"subject": s, "n_queries": n, "estimate": 0.5, "low": 0.4, "high": 0.6} for s in NAMES for n in (10, 20)]
    )
    ax = plots.query_curve(curves, plots.figure().subplots())
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == 12
    frame = pd.DataFrame([{"x": x, "estimate": x, "output": s} for s in NAMES for x in (0.0, 1.0)])
    ax = plots.shape(frame, plots.figure().subplots())
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines[:12]}) == 12
    ax = plots.shape(frame.rename(columns={"x": "level"}), plots.figure().subplots())
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines[:12]}) == 12
    leaf = Branch("a", values=(1 / 12,) * 12)
    tree = TreeDrawing(Branch("q?", children=(leaf, leaf)), classes=tuple(NAMES))
    assert len(lengths(plots.tree(tree, plots.figure().subplots(), by_class=True), 3)) == 24


def test_sixty_levels_have_a_line_each_and_small_panels_the_commonest():
    levels = pd.DataFrame({"level": [f"canton {i}" for i in range(60)], "n": np.arange(60.0), **BASE})
    thing = DrawnTerm("home", ("home",), levels)
    alone = plots.term(thing)
    assert len(alone.get_yticks()) == 60
    assert alone.figure.get_size_inches()[1] > 60 * 0.2
    panel = plots.term(thing, plots.figure().subplots())
    assert [t.get_text() for t in panel.get_yticklabels()][:2] == ["canton 59", "canton 58"]
    assert len(panel.get_yticks()) == 12
    assert panel.get_ylabel().replace("\n", " ") == "home (12 of 60 levels, the commonest)"
    plt.close(alone.figure)


def test_rules_are_not_clipped():
    long = " and ".join(f"column_{i} <= {i}.5" for i in range(12))
    lines = [{"condition": c, "answer": "no 0.90", "coverage": 0.5, "values": (0.9, 0.1)} for c in (long, "other")]
    ax = plots.rules(RulesDrawing(pd.DataFrame(lines), ("no", "yes")))
    ax.figure.canvas.draw()
    paper = ax.figure.bbox
    for text in ax.texts:
        box = text.get_window_extent()
        assert paper.x0 <= box.x0 < box.x1 <= paper.x1
        assert paper.y0 <= box.y0 < box.y1 <= paper.y1
    assert "".join(ax.texts[0].get_text().split()) == "".join(f"if {long}".split())
    plt.close(ax.figure)


LONG = "number of months that the person has worked in the present place"


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("income from all sources ≤ 1234567.8?", "income from all sources\n≤ 1234567.8?"),
        (f"{LONG} and in all places before ≤ 12345.6?", "number of months that\nthe person has worked i…\n≤ 12345.6?"),
        (f'"{LONG} and before" <= 12345.6', '"number of months that\nthe person has worked i…"\n<= 12345.6'),
        (
            f'"{LONG} is not old" is not "rented flat"',
            '"number of months that\nthe person has worked i…"\nis not "rented flat"',
        ),
        ("x" * 200 + " is a or b?", None),
        ("flag " * 40 + "flags?", "flag flag flag flag flag\nflag flag flag flag fla…?"),
    ],
)
def test_questions_of_a_drawn_tree_keep_what_is_asked(question, shown):
    leaves = tuple(Branch("no", edge, values=(1.0,)) for edge in ("yes", "no"))
    ax = plots.tree(TreeDrawing(Branch(question, children=leaves)), plots.figure().subplots())
    text = next(t.get_text() for t in ax.texts if t.get_fontweight() == "bold")
    assert text.count("\n") <= 2
    assert text.endswith(question[-1])
    assert shown is None or text == shown
    assert question.endswith("flags?") or text.replace("\n", " ").endswith(question[-5:])
