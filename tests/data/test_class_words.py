"""A message names the classes of a task; where values were given for labels it prints none of them."""

import re

import numpy as np
import pytest

import explaindistill as xd
from explaindistill.data.class_words import MOST_NAMED, class_words, unknown_labels
from explaindistill.data.targets import as_soft_targets
from explaindistill.errors import InvalidInputError
from explaindistill.measures.favorable import class_labels, class_named, class_typed, which_is_wanted
from explaindistill.measures.performance import known_labels
from explaindistill.teachers._checks import sorted_classes

INCOMES = np.round(np.exp(np.random.default_rng(0).normal(10.3, 0.4, 300)), 2)
VALUE = re.compile(r"\d{4,}[.]\d")
"""As every one of the incomes is written, and nothing else here."""


@pytest.mark.parametrize(("n", "words"), [(MOST_NAMED, "[0, 1, 2"), (MOST_NAMED + 1, "(11 of them, int)")])
def test_ten_classes_are_named_and_eleven_are_counted(n, words):
    assert class_words(range(n)).startswith(words)


def test_ten_odd_labels_are_an_example_and_eleven_are_a_number():
    assert unknown_labels("y", [*range(10), 3], ["a"]) == "y has the label 0, which is not among classes ['a']"
    many = "y has 11 different labels (int) that are not among classes ['a']"
    assert unknown_labels("y", [*range(11), 3], ["a"]) == many


@pytest.mark.parametrize(
    "refused",
    [
        lambda: class_named("yes", INCOMES),
        lambda: class_typed("yes", INCOMES),
        lambda: class_labels(INCOMES, ["no", "yes"]),
        lambda: known_labels(INCOMES, np.array([0.0, 1.0]), 300),
        lambda: as_soft_targets(INCOMES, [0.0, 1.0]),
        lambda: sorted_classes([*INCOMES, INCOMES[0]]),
        lambda: xd.TreeClassifier().fit(INCOMES[:, None] % 7, INCOMES > 3e4).prune(INCOMES[:, None], INCOMES),
    ],
)
def test_no_refusal_prints_the_incomes_that_were_given_for_labels(refused):
    with pytest.raises(InvalidInputError, match=r"300 of them|300 different|301 of them") as raised:
        refused()
    assert VALUE.findall(str(raised.value)) == []


def test_the_search_finds_what_is_there():
    assert len(VALUE.findall(str(INCOMES.tolist()))) == 300
    assert VALUE.findall(which_is_wanted(INCOMES[:3])) != []
