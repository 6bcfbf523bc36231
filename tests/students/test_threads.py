"""``n_jobs`` means one thing in every student that has it, and changes nothing but the time."""

import inspect

import numpy as np
import pytest

from explaindistill import plugins
from explaindistill.errors import InvalidInputError

STUDENTS = [
    value
    for name in plugins.names("students")
    for value in plugins.public("students", name).values()
    if inspect.isclass(value) and hasattr(value, "accepts_soft_targets") and "n_jobs" in value().get_params()
]
X = np.random.default_rng(0).normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("kind", STUDENTS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("n_jobs", [0, -2])
def test_no_threads_at_all_are_refused(kind, n_jobs):
    with pytest.raises(InvalidInputError, match=f"n_jobs must be at least 1, or -1 .* got {n_jobs}"):
        kind(n_jobs=n_jobs).fit(X, Y)


@pytest.mark.parametrize("kind", STUDENTS, ids=lambda s: s.__name__)
def test_none_is_one_thread_and_minus_one_every_core(kind):
    one, every = (kind(n_jobs=n_jobs).fit(X, Y).predict(X) for n_jobs in (None, -1))
    assert np.array_equal(one, every) or np.allclose(one, every)
