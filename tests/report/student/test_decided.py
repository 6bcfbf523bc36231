"""The audit's decision rule in the page: drawing, outline, words and the panel's script decide as Python does."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.measures.decision import DecisionRule
from explaindistill.report.blocks import Outline
from explaindistill.report.render import render, sections
from explaindistill.report.student.decided import decided_by
from explaindistill.report.student.structure import structure

RULES = [
    ("yes", 0.9), ("yes", 0.2), ("no", 0.3), ("no", 0.5), ("yes", {"top": 0.2}), ("no", {"top": 0.7}), (None, 0.5),
]  # fmt: skip
STUDENTS = {
    "tree": xd.TreeClassifier(max_leaf_nodes=6),
    "rules": xd.RuleListClassifier(max_rules=4),
    "gam": xd.GAMClassifier(n_pairs=0),
    "model": xd.ModelTreeClassifier(max_leaf_nodes=3),
}


def rows() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"debt": rng.random(400).round(3), "age": rng.integers(18, 80, 400)})
    p = 1 / (1 + np.exp(-(4 * X["debt"] + X["age"] / 40 - 3)))
    return X, pd.DataFrame({"no": 1 - p, "yes": p})


@pytest.fixture(scope="module")
def students():
    X, P = rows()
    return {name: student.fit(X, P) for name, student in STUDENTS.items()}


def audited(make, students, favorable, threshold):
    """The page's view of an audit of these students under a rule."""
    X, _ = rows()
    rule = DecisionRule(np.array(["no", "yes"]), favorable, threshold)
    bounds = {name: rule.bound(student.predict_proba(X)) for name, student in students.items()}
    bounds = {name: bound for name, bound in bounds.items() if bound is not None}
    audit = replace(make(students=tuple(students)), students=students, schema=students["tree"].schema_)
    return replace(audit, favorable=favorable, threshold=threshold, bounds=bounds), rule


def panels(html: str) -> list[dict]:
    """What each panel's script is given."""
    islands = re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)
    told = [json.loads(text) for text in islands]
    return [t for t in told if "features" in t]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(("favorable", "threshold"), RULES)
def test_the_panel_decides_as_python_does(make, students, favorable, threshold):
    X, _ = rows()
    audit, rule = audited(make, students, favorable, threshold)
    script = files("explaindistill.report").joinpath("templates", "what_if.js").read_text(encoding="utf-8")
    decided = re.search(r"  var decided = function.*?\n  };\n", script, re.S)[0]
    found = {told["id"]: told for told in panels(render(audit, "html"))}
    for i, (name, student) in enumerate(students.items()):
        P = student.predict_proba(X)
        told = {"decision": found[f"student-{i}"]["decision"]}
        asked = f"{json.dumps(P.tolist())}.map(p => decided({json.dumps(told)}, p))"
        program = f"{decided}\nconsole.log(JSON.stringify({asked}));"
        said = json.loads(
            subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True).stdout
        )
        assert rule.classes[said].tolist() == rule.decide(P).tolist(), name


@pytest.mark.parametrize(("favorable", "threshold"), RULES)
def test_every_leaf_and_rule_in_the_page_starts_with_the_decision(make, students, favorable, threshold):
    audit, rule = audited(make, students, favorable, threshold)
    X, _ = rows()
    tree = students["tree"]
    at = tree.apply(X)
    decision = dict(zip(map(str, at), rule.decide(tree.predict_proba(X)), strict=True))
    outline = next(b for b in structure(tree, "student-0", audit, "tree") if isinstance(b, Outline))

    def leaves(node):
        return [leaf for child in node.children for leaf in leaves(child)] or [node]

    drawn = {leaf.path: leaf.text.split(": ", 1)[-1] for leaf in leaves(outline.root)}
    assert decision.keys() <= drawn.keys()
    for node, label in decision.items():
        assert drawn[node].startswith(str(label)), (drawn[node], label)


def test_words_say_the_decision_too(make, students):
    audit, rule = audited(make, students, "yes", 0.9)
    text = students["tree"].describe(decide=decided_by(students["tree"], audit, "tree").position)
    table = students["tree"].rules()
    decisions = rule.decide(table[["no", "yes"]].to_numpy())
    said = re.findall(r"^\s+(no|yes)   ", text, re.M)
    assert said == decisions.tolist() != table["prediction"].tolist()
    listed = students["rules"].describe(decide=decided_by(students["rules"], audit, "rules").position)
    said = re.findall(r": (no|yes)   ", listed)
    values = [*(r.value for r in students["rules"].rules_.rules), students["rules"].rules_.default]
    assert said == rule.decide(np.array(values)).tolist()
    page = "".join(str(block) for block in sections(audit)["students"].blocks)
    assert "“yes” where its probability is at least 0.9" in page


def test_an_audit_carries_the_bound_of_each_model(students):
    X, P = rows()
    asked = {"students": {"tree": students["tree"]}, "X": X, "favorable": "yes", "n_explained": 0}
    top = xd.audit((X, P), threshold={"top": 0.2}, **asked)
    rule = DecisionRule(top.classes, "yes", {"top": 0.2})
    assert top.bounds == {"teacher": rule.bound(P), "tree": rule.bound(students["tree"].predict_proba(X))}
    assert xd.audit((X, P), threshold=0.9, **asked).bounds == {"teacher": 0.9, "tree": 0.9}
