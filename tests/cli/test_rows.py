"""The same options split the rows alike in every command."""

import numpy as np

from explaindistill.cli.rows import split


def test_split_is_the_same_for_all_commands():
    one, two = split(100, 0.3, seed=4), split(100, 0.3, seed=4)
    assert np.array_equal(one[1], two[1])
    assert not set(one[0]) & set(one[1])
    assert not np.array_equal(one[1], split(100, 0.3, seed=5)[1])
