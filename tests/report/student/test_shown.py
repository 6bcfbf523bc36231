"""Names and units in what a student says of itself: trees, rules, terms, panels; the student itself stays as it is."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.display_names import DisplayNames
from explaindistill.data.drawing import drawing_of
from explaindistill.report.render import render
from explaindistill.report.student.shown import as_shown, drawing_as_shown, rules_as_shown
from explaindistill.report.words import FIRST, LAST

NAMES = DisplayNames(
    {"debt_ratio": "debt / income", "home": "dwelling"},
    {"yes": "gets the loan"},
    {"home": {"own": "their own", "rent": "rented"}},
    {"debt_ratio": "of a year"},
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"debt_ratio": rng.random(600), "home": rng.choice(["own", "rent", "family"], 600)})
    yes = 1 / (1 + np.exp(8 * (X["debt_ratio"] - 0.5) + 2.0 * (X["home"] == "rent")))
    return X, pd.DataFrame({"no": 1 - yes, "yes": yes})


FAMILIES = {
    "tree": lambda: xd.TreeClassifier(max_leaf_nodes=6),
    "model tree": lambda: xd.ModelTreeClassifier(max_leaf_nodes=3),
    "rules": lambda: xd.RuleListClassifier(max_rules=4),
    "gam": lambda: xd.GAMClassifier(n_pairs=0),
    "scorecard": xd.ScorecardClassifier,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_student_is_described_with_names_and_units(family, rows):
    student = FAMILIES[family]().fit(*rows)
    before, answers = student.describe(), student.predict_proba(rows[0])
    words = as_shown(student, NAMES).describe()
    assert "debt_ratio" in before
    assert "debt / income" in words
    assert "debt_ratio" not in words
    if family != "model tree":  # its one leaf asks nothing
        assert "of a year" in words
    assert student.describe() == before
    assert (student.predict_proba(rows[0]) == answers).all()


def test_questions_rules_and_answers_of_drawings_have_names(rows):
    tree = FAMILIES["tree"]().fit(*rows)
    drawing = drawing_as_shown(drawing_of(as_shown(tree, NAMES)), NAMES)
    asked = drawing.root.text
    assert asked.startswith(("debt / income ≤ ", "dwelling is "))
    answers = {leaf.text.rsplit(" ", 1)[0] for leaf in drawing.root.answers()}
    assert answers == {"gets the loan", "no"}
    rules = drawing_as_shown(drawing_of(as_shown(FAMILIES["rules"]().fit(*rows), NAMES)), NAMES)
    conditions = " ".join(rules.frame["condition"])
    assert "debt / income" in conditions
    assert "debt_ratio" not in conditions
    assert set(rules.frame["answer"].str.rsplit(" ", n=1).str[0]) <= {"gets the loan", "no"}


def test_texts_of_rules_are_told_apart_one_by_one(rows):
    tree = FAMILIES["tree"]().fit(*rows)
    read = rules_as_shown(tree, NAMES)
    assert list(read) == [str(rule) for rule in tree.rules()["rule"]]
    assert len(set(read.values())) == len(read)
    assert rules_as_shown(tree, DisplayNames()) == {}


def test_the_page_has_names_in_trees_panels_and_folds_and_none_of_the_old_ones_in_words(rows):
    X, P = rows
    groups = {column: dict(values) for column, values in NAMES.groups.items()}
    names = {"columns": dict(NAMES.columns), "classes": dict(NAMES.classes), "groups": groups}
    audit = xd.audit(
        (X, P), {"tree": FAMILIES["tree"]().fit(X, P)}, X, sensitive="home", favorable="yes", n_explained=0,
        display_names=names, units=dict(NAMES.units),
    )  # fmt: skip
    page = render(audit, "html")
    outline = re.search(r'<div class="outline.*?</div>', page, re.DOTALL)[0]
    assert "debt / income ≤" in outline
    assert "of a year?" in outline.replace("\xa0", " ")
    panel = json.loads(re.search(r'class="whatif".*?application/json">(.*?)</script>', page, re.DOTALL)[1])
    by_name = {f["name"]: f for f in panel["features"]}
    assert by_name["debt_ratio"]["label"] == "debt / income"
    assert by_name["debt_ratio"]["unit"] == "of a year"
    assert [c["label"] for c in by_name["home"]["choices"]] == ["family", "their own", "rented"]
    assert [c["value"] for c in by_name["home"]["choices"]] == ["family", "own", "rent"]
    assert panel["classes"] == ["no", "gets the loan"]
    seen = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    assert re.findall("<t[hd][^>]*>[^<]*<small>debt_ratio</small>", seen)  # what it is called in the data: once
    assert seen.count("debt_ratio") == 2  # and in the method, among what each student was given


def test_a_name_from_right_to_left_keeps_the_number_behind_it():
    X = pd.DataFrame({"الدخل": np.linspace(-1, 1, 200)})
    tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, X["الدخل"] > -0.5)
    text = drawing_of(as_shown(tree, DisplayNames())).root.text
    assert text.startswith(f"{FIRST}الدخل{LAST} ≤ -0.")
    assert tree.describe().count(FIRST) == 0


def test_a_student_that_cannot_be_copied_keeps_its_names():
    class Locked:
        def __deepcopy__(self, memo):
            raise TypeError("not to be copied")

    locked = Locked()
    assert as_shown(locked, NAMES) is locked
