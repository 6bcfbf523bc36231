"""Distill-and-Compare inside an audit."""

import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.report.render import render


def test_the_teacher_is_compared_with_the_outcomes(pair, lending, Rule):
    tree, _, _, (test, y) = pair
    found = xd.audit(
        Rule(), {"tree": tree}, test, y, favorable="approved", sensitive=["sex"], compare=True, n_explained=0
    )
    terms = found.frames["comparison_terms"].set_index("feature")
    assert terms.loc["debt_ratio", "differs"]
    assert {"score_explained", "duplicate_rows"} <= set(found.frames["missing_inputs"]["metric"])
    assert {"female", "male"} <= set(found.frames["comparison_quality"]["group"])
    assert any(n.startswith("Inputs of the teacher: ") for n in found.notes)
    page = render(found, "html")
    assert "Teacher and outcomes compared" in page
    assert "Are inputs missing?" in page
    assert page == render(found, "html")
    with pytest.raises(InvalidInputError, match="compare needs true labels"):
        xd.audit(Rule(), tree, test, favorable="approved", compare=True)
