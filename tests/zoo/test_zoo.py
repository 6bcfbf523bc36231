"""Every two odd things together: the same answer everywhere, or one sentence at the door."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.schema import Schema
from explaindistill.errors import ExplainDistillError
from explaindistill.teachers.callable import CallableTeacher
from zoo.cells import FACTORS, run
from zoo.columns import COLUMNS, column
from zoo.covering import covering
from zoo.table import PAGE, page

SENTENCE = 700
"""Characters that a refusal may have; scikit-learn's lists of names are the longest."""
MOST_REFUSED = 0.6
"""Share of cells that may end at the door: more, and the array would prove little about answers."""


@pytest.mark.parametrize("array", list(FACTORS))
def test_every_pair_of_kinds_has_one_answer_or_one_sentence(array):
    pytest.importorskip("polars", reason="the zoo has polars among its containers")
    outcomes = [run(cell) for cell in covering(FACTORS[array])]
    faults = [o for o in outcomes if o.verdict == "fault"]
    assert not faults, "\n".join(f"{o.cell}: {o.words} [{o.where}]" for o in faults[:10])
    for outcome in outcomes:
        if outcome.verdict == "refused":
            assert len(outcome.words) < SENTENCE, outcome
            assert re.search(r"; |, got |must ", outcome.words), outcome  # the rule, and a way out
    compared = sum(o.n_compared for o in outcomes)
    refused = sum(o.verdict == "refused" for o in outcomes)
    print(f"{array}: {len(outcomes)} cells, {refused} refused, {compared:,} row answers compared")
    assert compared > 50 * (len(outcomes) - refused) / 2
    assert refused < MOST_REFUSED * len(outcomes)


def test_the_page_of_inputs_says_what_is_done():
    assert PAGE.read_text(encoding="utf-8") == page() + "\n", "run: python tests/zoo/table.py"


@pytest.mark.parametrize("kind", list(COLUMNS))
def test_decoding_is_the_inverse_of_encoding(kind):
    frame = pd.DataFrame({"a": column(kind, 60)})
    try:
        schema = Schema.infer(frame)
    except ExplainDistillError:
        return
    back = schema.decode(schema.encode(frame))
    assert back["a"].dtype == frame["a"].dtype
    again = schema.encode(back)
    np.testing.assert_array_equal(again, schema.encode(frame))


def test_every_column_of_two_covers_all_pairs():
    cells = covering(FACTORS["label"])
    names = list(FACTORS["label"])
    for i, one in enumerate(names):
        for two in names[:i]:
            met = {(cell[one], cell[two]) for cell in cells}
            assert len(met) == len(FACTORS["label"][one]) * len(FACTORS["label"][two])


def _accepted() -> list[str]:
    kinds = []
    for kind in COLUMNS:
        try:
            Schema.infer(pd.DataFrame({"a": column(kind, 60)}))
        except ExplainDistillError:
            continue
        kinds.append(kind)
    return kinds


@pytest.mark.parametrize("part", range(6))
def test_audits_of_odd_columns_end_in_a_page(part, tmp_path):
    kinds = _accepted()[part::6]
    assert len(kinds) >= 10
    X = pd.DataFrame({kind: column(kind, 60) for kind in kinds} | {"x": np.linspace(-1, 1, 60)})

    def teacher(rows):
        return 1 / (1 + np.exp(-3 * rows["x"].to_numpy()))

    asked = CallableTeacher(teacher, classes=["no", "yes"])
    student = xd.Distiller(asked, xd.TreeClassifier(max_leaf_nodes=4), n_queries=120, random_state=0).fit(X)
    others = pd.DataFrame({kind: column(kind, 60, 1) for kind in kinds} | {"x": np.linspace(-0.99, 0.99, 60)})
    result = xd.audit(asked, {"tree": student}, others, n_explained=5)
    assert "agreement" in set(result.frames["fidelity"]["metric"])
    result.save(tmp_path / "audit.html")
    result.save(tmp_path / "audit.json")


CODES = pd.DataFrame({"code": pd.Categorical([1, 2, 3] * 20), "x": np.arange(60) * 0.5})
TRUTH = np.array(["no", "yes", "yes"] * 20)


def test_codes_that_change_their_type_are_refused():
    student = xd.TreeClassifier().fit(CODES, TRUTH)
    asked = CODES.assign(code=CODES["code"].astype(str))
    with pytest.raises(ExplainDistillError, match="column 'code' holds text, '1' for instance, and was numbers"):
        student.predict(asked)
    again = type(student).from_dict(student.to_dict())
    with pytest.raises(ExplainDistillError, match="column 'code' holds text"):
        again.predict(asked)
    unseen = CODES.assign(code=9)  # a number that nobody has seen is no other type
    assert len(student.predict(unseen)) == len(unseen)


@pytest.mark.parametrize("kind", [xd.TreeClassifier, xd.LinearClassifier, xd.GAMClassifier])
def test_whole_numbers_are_names(kind):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 3)))
    student = kind().fit(X, np.where(X[0] + X[1] > 0, "no", "yes"))
    assert student.feature_names_in_.tolist() == ["0", "1", "2"]
    assert "x0" not in student.describe()
    with pytest.raises(ExplainDistillError, match="same order as they were in fit"):
        student.predict(X[[2, 1, 0]])
    with pytest.raises(ExplainDistillError, match="unseen at fit time"):
        student.predict(X.set_axis([5, 6, 7], axis=1))
