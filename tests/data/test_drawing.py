"""What a student says there is to draw, and what is drawn where it says nothing."""

import pandas as pd
import pytest

from explaindistill.data.drawing import bar_lengths, drawing_of, question_words, shown_class
from explaindistill.data.schema import Feature
from explaindistill.errors import InvalidInputError


class Shares:
    def importance(self):
        return pd.DataFrame({"feature": ["a", "b"], "estimate": [0.25, 0.75]})


class Word:
    importance = "high"


class Liar:
    def drawing(self):
        return {"nodes": []}


def test_without_a_drawing_there_are_bars_of_importance():
    bars = drawing_of(Shares())
    assert (bars.kind, bars.unit) == ("importance", "")
    assert bars.frame.to_dict("list") == {"term": ["a", "b"], "estimate": [0.25, 0.75]}


def test_without_both_there_is_nothing():
    assert drawing_of(Word()) is None
    assert drawing_of(object()) is None


def test_something_else_than_a_drawing_is_refused():
    with pytest.raises(InvalidInputError, match=r"drawing\(\) must return .* Liar returned dict"):
        drawing_of(Liar())


def test_a_class_that_is_not_there_is_the_last():
    assert shown_class(("a", "b", "c"), "z") == 2


def test_equal_numbers_have_half_a_bar_and_none_has_none():
    assert bar_lengths([(2.0,), (2.0,), ()], None) == {(2.0,): 0.5}
    assert bar_lengths([], None) == {}


@pytest.mark.parametrize(
    ("feature", "split", "words"),
    [
        (Feature("a", "numeric", nullable=True), (float("inf"), (), False), ("a is known?", ("yes", "no"))),
        (Feature("a", "boolean", nullable=True), (0.5, (), True), ("a?", ("no, missing", "yes"))),
        (Feature("a", "categorical", categories=tuple("abcdefgh")), (None, range(8), False),
         ("a is one of 8: a, b, c, d, e, f, g, h?", ("yes", "no"))),
    ],
)  # fmt: skip
def test_questions_in_words(feature, split, words):
    assert question_words(feature, *split) == words
