"""One sentence for every parameter that is out of its range."""

from __future__ import annotations

import numpy as np
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import is_number, number_in, one_of, seed_in, whole_in


@pytest.mark.parametrize("value", [0, True, 1.0, "1", None, float("nan"), 10**30, [1], object])
def test_what_is_no_whole_number(value):
    with pytest.raises(InvalidInputError, match=r"^depth must be a whole number (of at least 1|between 1 and 1,000,0)"):
        whole_in("depth", value, 1)


def test_whole_numbers_and_others():
    for value in (1, np.int64(3), np.uint8(200)):
        whole_in("depth", value, 1)
    whole_in("depth", None, 1, others=(None, "auto"))
    whole_in("depth", "auto", 1, others=(None, "auto"))
    with pytest.raises(InvalidInputError, match=r"of at least 1, None or 'auto', got array\(\[1, 2\]\); see there"):
        whole_in("depth", np.array([1, 2]), 1, others=(None, "auto"), why="see there")


@pytest.mark.parametrize("value", [-1, 1.5, True, "0", None, float("nan"), float("inf"), 10**400, np.array([0.5])])
def test_what_is_no_share(value):
    with pytest.raises(InvalidInputError, match=r"^share must be a number between 0 and 1, got "):
        number_in("share", value, 0, 1)


def test_ends_count_unless_strict():
    number_in("share", 0, 0, 1)
    number_in("share", np.float32(1), 0, 1)
    for value in (0, 1):
        with pytest.raises(InvalidInputError, match="strictly between 0 and 1"):
            number_in("share", value, 0, 1, strict=True)
    assert not is_number(10**400)


def test_words_and_seeds():
    one_of("search", "greedy", ("greedy", "deep"))
    with pytest.raises(InvalidInputError, match=r"search must be one of 'greedy', 'deep', got \['greedy'\]"):
        one_of("search", ["greedy"], ("greedy", "deep"))
    for seed in (None, 0, 2**32 - 1, np.int32(3), np.random.RandomState(0)):
        seed_in("random_state", seed)
    for seed in (-1, 2**32, 0.0, True, "0"):
        with pytest.raises(InvalidInputError, match="random_state must be None, a whole number between 0 and"):
            seed_in("random_state", seed)


def test_long_values_are_cut():
    with pytest.raises(InvalidInputError) as caught:
        one_of("search", "x" * 500, ("greedy",))
    assert len(str(caught.value)) < 110
