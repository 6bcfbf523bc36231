"""What to worry about: said once per student, with the largest of its kind."""

from dataclasses import replace

import pandas as pd

from explaindistill.measures.bias import FIDELITY_CAVEAT
from explaindistill.report.blocks import Details, Items, Matrix
from explaindistill.report.matrices import gaps_by_model
from explaindistill.report.render import sections


def line(**row):
    blank = {"subject": "tree", "attribute": "sex", "reference": "male", "n": 100, "status": "ok"}
    return blank | row


def shift(group, estimate, low, high, verdict, **row):
    return line(metric="transfer", group=group, estimate=estimate, low=low, high=high, verdict=verdict, **row)


def worries(audit) -> list[str]:
    for block in sections(audit)["glance"].blocks:
        if isinstance(block, Details) and block.id == "worries":
            return [text for part in block.blocks if isinstance(part, Items) for text in part.items]
    return []


def test_moved_gaps_are_counted_and_the_largest_is_named(make):
    transfer = pd.DataFrame(
        [
            shift("a", 0.02, 0.01, 0.03, "inherited"),
            shift("b", -0.09, -0.12, -0.06, "inherited"),
            shift("c", 0.05, -0.01, 0.11, "cannot say"),
            shift("d", 0.04, 0.01, 0.07, "hidden"),
            shift("f", 0.03, 0.01, 0.05, "reduced"),
            shift("e", 0.30, 0.20, 0.40, "amplified", status="small"),
        ]
    )
    base = make()
    found = worries(replace(base, frames=base.frames | {"transfer": transfer}))
    moved = [text for text in found if "the teacher's gap" in text]
    assert len(moved) == 3
    assert moved[0].startswith("“tree” inherits the teacher's gap in 2 groups, most at sex = b: shift −9.0")
    assert moved[1].startswith("“tree” hides the teacher's gap at sex = d: shift +4.0")
    assert moved[2].startswith("“tree” reduces the teacher's gap at sex = f: shift +3.0")


def test_unequal_fidelity_is_said_once_for_all_students(make):
    gaps = pd.DataFrame(
        [
            line(metric="agreement_difference", group="b", estimate=-0.1, low=-0.15, high=-0.05),
            line(metric="agreement_difference", group="b", estimate=-0.1, low=-0.15, high=-0.05, subject="gam"),
            line(metric="agreement_difference", group="b", estimate=-0.1, low=-0.25, high=0.05, subject="linear"),
        ]
    )
    base = make()
    audit = replace(base, frames=base.frames | {"group_fidelity": gaps}, notes=(FIDELITY_CAVEAT, "Another note."))
    found = worries(audit)
    told = [text for text in found if "faithful" in text or "without a gap" in text]
    assert told == [
        "Not equally faithful in all groups: “tree” across sex; “gam” across sex. "
        "A student without a gap then says nothing about its teacher."
    ]
    assert "Another note." in found


def test_the_matrix_says_where_the_opening_names_another_pair(make):
    rates = {"metric": "selection_rate_difference", "subject": "teacher", "low": -0.3, "high": -0.1}
    gaps = pd.DataFrame([line(**rates, group=group, estimate=-0.2) for group in ("b", "c")])
    pair = {"metric": "selection_rate_worst_difference", "subject": "teacher", "estimate": -0.3}
    base = make()
    for group, reference, is_other in (("b", "male", False), ("male", "b", False), ("b", "c", True)):
        pairs = pd.DataFrame([line(**pair, group=group, reference=reference, low=-0.4, high=-0.1, n_pairs=3)])
        audit = replace(base, frames=base.frames | {"gaps": gaps, "worst_pairs": pairs})
        notes = [block.note for block in gaps_by_model(audit) if isinstance(block, Matrix)]
        assert [note.endswith("so names another pair.") for note in notes] == [is_other]
