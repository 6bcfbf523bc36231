"""What the page shows of a student: of its own drawing, of its importance, and of an estimator that tells nothing."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

import explaindistill as xd
from explaindistill.data.drawing import BarsDrawing
from explaindistill.data.program import Clipped, Input, Missing, Not, Program, Term
from explaindistill.report.blocks import Details, Dots, Text, WhatIf
from explaindistill.report.render import render
from explaindistill.report.student.structure import structure
from explaindistill.report.student.what_if import _control, what_if


class Cut(ClassifierMixin, BaseEstimator):
    """A user's own estimator, whose form reads like that of a rule list and is none."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        yes = (np.asarray(X["a"]) > 0.5).astype(float)
        return np.column_stack([1 - yes, yes])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def to_dict(self):
        return {"rules": ["a > 0.5"]}


class Shares(Cut):
    """It also says how much its columns matter."""

    def importance(self):
        return pd.DataFrame({"feature": ["a", "b"], "estimate": [1.0, 0.0]})


def rows(n: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.random(n), "b": rng.random(n), "sex": rng.choice(["f", "m"], n)})
    return X, np.where(X["a"] + 0.2 * rng.normal(size=n) > 0.5, "yes", "no")


@pytest.mark.parametrize("kind", [Cut, Shares])
def test_a_users_own_estimator_is_audited_and_its_page_is_written(kind, tmp_path):
    X, y = rows()
    student = kind().fit(X, y)
    audit = xd.audit(Cut().fit(X, y), {"own": student}, X, y, sensitive=["sex"], favorable="yes", n_explained=0)
    assert any("was left in the rows that all models see: nobody says who reads it" in note for note in audit.notes)
    for ending in ("html", "md", "json"):
        text = audit.save(tmp_path / f"audit.{ending}").read_text("utf-8")
        assert "own" in text
    assert "model card" in audit.save(tmp_path / "card.md", kind="model-card").read_text("utf-8").lower()
    page = (tmp_path / "audit.html").read_text("utf-8")
    assert f"{kind.__name__} has no program(), so it cannot be asked in this page." in page
    assert page.count('class="whatif"') == 0
    assert ("The 2 largest of 2, in share of the whole." in page) == (kind is Shares)


def test_without_a_drawing_bars_of_importance_are_shown(make):
    X, y = rows()
    figure, details, note = structure(Shares().fit(X, y), "s", make())
    assert isinstance(figure, Dots)
    assert [(strip.title, strip.detail) for strip in figure.strips] == [("a", "+1"), ("b", "0")]
    assert isinstance(details, Details)
    assert details.blocks[0].columns == ("term", "importance (share of the whole)")
    assert isinstance(note, Text)


class Line:
    """A student that is drawn as bars and asked by its program, of a family that the report has never met."""

    column = Input("a", "numeric", (), "x_a")

    def drawing(self):
        return BarsDrawing(pd.DataFrame({"term": ["a"], "estimate": [1.0]}), "value", "slope", "value")

    def program(self):
        return Program("Line", (self.column,), None, 1, "identity", base=(0.0,), terms=self.terms)

    terms = (Term(Clipped(column, 1.0, 0.0), (1.0,)), Term(Not(Missing(column)), (0.5,)))


def test_a_student_of_no_known_family_is_drawn_and_its_panel_reads_the_program(make, monkeypatch):
    monkeypatch.setattr("explaindistill.report.student.what_if.generate", lambda student: "var student = {};")
    figure, _, panel = structure(Line(), "s", make())
    assert figure.title == "Bars"
    assert isinstance(panel, WhatIf)
    assert panel.controls["terms"] == ["a", "a"]
    assert panel.controls["unit"] == "value"
    assert panel.controls["outline"] is None
    (control,) = panel.controls["features"]
    assert (control["name"], control["nullable"], control["minimum"]) == ("a", False, 0.0)


def test_a_program_that_no_script_can_hold_says_so(make):
    class Bare(Line):
        def program(self):
            return "a > 0.5"

    (note,) = what_if(Bare(), None, "s", make(), "tree")
    assert note.text.startswith("Bare cannot be asked in this page: program() must return")


def test_a_usual_category_that_fitting_never_saw_leaves_the_first():
    column = Input("city", "categorical", ("Bern", "Zug"), "x_city")
    assert _control(column, {"mode": "Zug"})["value"] == 1
    assert _control(column, {"mode": "Atlantis"})["value"] == 0


def test_a_column_without_a_range_can_be_set():
    assert _control(Line.column, {})["step"] == "any"
    told = _control(Line.column, {"low": float("nan"), "high": 200.0, "median": 7.0})
    assert (told["minimum"], told["maximum"], told["step"], told["value"]) == (0.0, 200.0, 1.0, 7.0)


def test_a_page_of_twelve_students_and_twelve_groups(make):
    names = tuple(f"student {i}" for i in range(12))
    groups = tuple(f"group {i}" for i in range(12))
    text = render(make(students=names, groups=groups), "html")
    assert all(name in text for name in (*names, *groups))
    cards = re.findall(r'class="card s(\d+)', text)
    assert cards[:12] == ["1", "2", "3", "4", "5", "6"] * 2  # the page has six colours
    assert render(make(students=names, groups=groups), "markdown")
