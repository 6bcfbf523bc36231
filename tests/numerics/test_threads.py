import os

import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.threads import n_threads, spread


def test_none_is_one_and_minus_one_is_every_core_that_may_be_used():
    assert n_threads(None) == 1
    assert n_threads(5) == 5
    if hasattr(os, "sched_getaffinity"):
        assert n_threads(-1) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, "2", True])
def test_everything_else_is_refused(n_jobs):
    with pytest.raises(InvalidInputError, match=f"n_jobs must be at least 1, or -1 .* got {n_jobs!r}"):
        n_threads(n_jobs)


@pytest.mark.parametrize("n_jobs", [None, 1, 3])
def test_results_come_in_the_order_of_the_items(n_jobs):
    assert spread(lambda i: i * i, range(4), n_jobs) == [0, 1, 4, 9]
