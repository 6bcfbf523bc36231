"""Rights are said in words, or the teacher does not start."""

import numpy as np
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.report.render import render
from explaindistill.teachers import Rights
from explaindistill.teachers.ensemble import EnsembleTeacher


def test_rights_by_name():
    assert Rights("a", "b", "c").as_dict() == {"owner": "a", "terms": "b", "declaration": "c"}


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("text", ["", "  ", None, 3, "x" * 2001])
def test_nothing_may_be_left_unsaid(at, text):
    words = ["a", "b", "c"]
    words[at] = text
    name = ("owner", "terms", "declaration")[at]
    with pytest.raises(InvalidInputError, match=f"{name} must be 1 to 2000 characters, got"):
        Rights(*words)


class Ours:
    """A teacher that approves half of the rows."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        p = np.asarray(X)[:, 0] > 0
        return np.column_stack([~p, p]).astype(float)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return "ours"

    def __sklearn_clone__(self):
        return self


def test_the_manifest_and_the_report_say_what_was_declared():
    X = np.random.default_rng(0).normal(size=(300, 2))
    teacher = Ours()
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), random_state=0, n_queries=200).fit(X[:200])
    silent = xd.audit(teacher, student, X[200:])
    assert silent.manifest["teacher"]["rights"] is None
    assert "not declared: whose teacher this is" in render(silent, "markdown")
    teacher.rights = Rights("Example Bank", "contract 7", "clause <4> allows it")
    told = xd.audit(teacher, student, X[200:])
    assert told.manifest["teacher"]["rights"] == teacher.rights.as_dict()
    for kind in ("markdown", "html", "json"):
        assert "Example Bank" in render(told, kind)
    assert "clause <4>" not in render(told, "html")
    both = xd.audit(EnsembleTeacher([teacher, teacher]), student, X[200:])
    assert both.manifest["teacher"]["rights"] == [teacher.rights.as_dict()] * 2
