import os

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.threads import as_before, limited, n_threads, spread


def threads_of_pools():
    return {pool["num_threads"] for pool in threadpool_info()}


@pytest.fixture
def two():
    """Pools of two threads, as on a machine of two cores."""
    import sklearn.ensemble  # noqa: F401 - loads OpenMP beside BLAS

    with threadpool_limits(2):
        yield


def test_none_is_one_and_minus_one_is_every_core_that_may_be_used():
    assert n_threads(None) == 1
    assert n_threads(5) == 5
    if hasattr(os, "sched_getaffinity"):
        assert 1 <= n_threads(-1) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, "2", True])
def test_everything_else_is_refused(n_jobs):
    with pytest.raises(InvalidInputError, match=f"n_jobs must be at least 1, or -1 .* got {n_jobs!r}"):
        n_threads(n_jobs)


@pytest.mark.parametrize("n_jobs", [None, 1, 3])
def test_results_come_in_the_order_of_the_items(n_jobs):
    assert spread(lambda i: i * i, range(4), n_jobs) == [0, 1, 4, 9]


def test_pools_of_other_libraries_are_held_and_given_back(two):
    with limited(None):
        assert threads_of_pools() == {1}
        with as_before():
            assert threads_of_pools() == {2}
        assert threads_of_pools() == {1}
        with limited(2):
            assert threads_of_pools() == {1}, "the smaller limit holds"
    assert threads_of_pools() == {2}
    with as_before():
        assert threads_of_pools() == {2}


def test_a_limit_is_given_back_after_an_error(two):
    with pytest.raises(ZeroDivisionError), limited(1):
        raise ZeroDivisionError
    assert threads_of_pools() == {2}


def test_threads_of_our_own_open_no_pools_of_others(two):
    assert spread(lambda _: threads_of_pools(), range(3), 2) == [{1}] * 3


def test_each_pool_is_held_by_itself(two):
    with threadpool_limits(1, user_api="blas"), limited(2):
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"} == {2}
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}
