"""Openings of a few random audits: no sentence is contradicted, each changed one is noticed; ``make openings`` has 1,000."""

import math

import pytest

from opening.audits import random_audit
from opening.checker import Change, contradictions
from opening.swaps import swapped

FEW = (1, 2, 3, 6)  # three classes, values of few clusters, values of withheld groups, nobody said what people want


@pytest.fixture(scope="module", params=FEW)
def audit(request):
    return random_audit(request.param)


def test_no_sentence_is_contradicted(audit):
    assert contradictions(audit) == []


def test_every_change_is_noticed(audit):
    change = Change(audit)
    missed = [words for words, opening in swapped(audit) if not change.is_noticed(opening)]
    assert missed == []


def test_every_figure_knows_the_cell_it_was_read_from(audit):
    figures = [w for s in audit.opening.sentences for w in s.words if w.kind == "figure"]
    assert figures
    for word in figures:
        (origin,) = word.origins
        cell = audit.frames[origin.frame].iloc[origin.row][origin.column]
        assert word.value == cell
        assert not math.isnan(word.value)


def test_printed_it_has_80_columns_and_loses_no_word(audit):
    text = str(audit)
    words = " ".join(" ".join(one.text for one in audit.opening.sentences).replace("\u00a0", " ").split())
    printed = " ".join(text.replace("\u00a0", " ").split())
    assert all(len(line) <= 80 for line in text.splitlines() if " " in line.strip())
    assert set(words.split()) <= set(printed.split())
