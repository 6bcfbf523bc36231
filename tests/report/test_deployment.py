"""The deployment card in words: figures, how many times less, and why something cannot be told."""

from types import SimpleNamespace

import pandas as pd
import pytest

from explaindistill.measures.deployment import Footprint, deployment
from explaindistill.report.blocks import Table
from explaindistill.report.sections.deployment import section


def card(*models, **options):
    return section(SimpleNamespace(frames={"deployment": deployment(models[0], models[1:], **options)}))


def inside(found):
    """What stands in the one fold of the chapter."""
    return found.blocks[0].blocks


def cells(found):
    table = next(b for b in inside(found) if isinstance(b, Table))
    return {row[0].text: row[1:] for row in table.rows}, table


def test_a_line_per_figure_and_a_column_per_model():
    found = card(Footprint("teacher", b"ab" * 5000, 500.0), Footprint("tree", b"ab" * 50, 1000.0))
    lines, table = cells(found)
    assert table.columns == ("per model", "teacher", "tree")
    assert [c.text for c in lines["bytes"]] == ["10,000", "100"]
    assert lines["bytes"][1].detail == "100 times less"
    assert lines["operations per prediction"][1].detail == "2 times more"
    assert "proxy for energy" in table.note
    assert "time_models=True" in inside(found)[0].text
    assert "one row, microseconds" not in lines


def test_times_are_shown_where_they_were_measured():
    ticks = iter(range(1000))
    asked = {"one": lambda: None, "many": lambda: None, "n_many": 10}
    found = card(Footprint("teacher", **asked), Footprint("tree", b"1", 1.0, **asked), clock=lambda: next(ticks))
    lines, table = cells(found)
    assert lines["one row, microseconds"][0].text == "1,000,000"
    assert lines["bytes"][0].text == "cannot say"
    assert lines["bytes"][0].detail == "cannot be told for this model"
    assert "medians of calls" in table.note


@pytest.mark.parametrize(("alone", "said"), [(1, True), (60, False)])
def test_the_card_says_where_a_call_is_mostly_not_the_network(alone, said):
    now = [0]

    def call(ticks):
        return lambda: now.__setitem__(0, now[0] + ticks)

    teacher = Footprint("teacher", b"1", 1.0, one=call(100), many=call(100), n_many=10, bare=call(alone))
    found = card(teacher, Footprint("tree", b"1", 1.0), clock=lambda: now[0])
    assert cells(found)[0]["one row, the network alone, microseconds"][0].text == f"{alone},000,000"
    assert ("99 % is the handling of the row" in inside(found)[0].text) is said


def test_an_audit_without_the_frame_says_so():
    found = section(SimpleNamespace(frames={"deployment": pd.DataFrame()}))
    assert found.reason == "The audit did not measure it."
