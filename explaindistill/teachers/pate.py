"""Private aggregation of teachers: the class with the most noisy votes, and what that costs in privacy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.row_keys import row_keys
from explaindistill.data.rows import as_frame
from explaindistill.data.rows_sent import RowsSent, count_foreign, counters_of
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.numerics.statistics.privacy import epsilon_of_votes, most_questions
from explaindistill.protocols import Teacher
from explaindistill.teachers._checks import common_classes

__all__ = ["PateTeacher"]


class PateTeacher:
    r"""Teachers trained on disjoint parts of the data answer by a noisy vote.

    .. math:: \hat y(x) = \arg\max_c \; \big|\{i : t_i(x) = c\}\big| + \mathcal N(0, \sigma^2)

    Everything that is learnt from these answers alone is :math:`(\varepsilon, \delta)`-differentially private with
    respect to the records of the teachers, **provided** that no record is in the part of two teachers and that the rows
    asked about are not private themselves. A student is not private where its sampler learnt from private rows.

    Parameters
    ----------
    teachers : sequence of at least 2 classifiers
        Teacher adapters; each trained on a part of its own.
    noise_scale : float above 0
        :math:`\sigma`. Larger is more private, and needs more teachers to be right.
    delta : float in (0, 1), default=1e-5
        Should lie well below one over the number of records.
    max_epsilon : float above 0, optional
        Questions beyond this loss are refused; no limit when None.
    seed : int, optional
        Of the noise. Give one for tests only: whoever knows it can take the noise off.

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted
    n_answered : int
        Distinct rows answered so far. A row asked again gets its first answer and costs nothing.
    epsilon : float
        Loss so far, at ``delta``.

    References
    ----------
    Papernot et al. (2018), scalable private learning with PATE, arXiv:1802.08908.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> yes = CallableTeacher(lambda X: np.full(len(X), 0.9), classes=["no", "yes"])
    >>> X = np.zeros((2, 2))  # twice the same row is one question
    >>> teacher = PateTeacher([yes] * 50, noise_scale=5.0, seed=0)
    >>> teacher.predict(X).tolist(), teacher.n_answered, 0 < teacher.epsilon < 2
    (['yes', 'yes'], 1, True)
    """

    def __init__(
        self,
        teachers: Sequence[Teacher],
        noise_scale: float,
        *,
        delta: float = 1e-5,
        max_epsilon: float | None = None,
        seed: int | None = None,
    ) -> None:
        self.teachers = list(teachers)
        if len(self.teachers) < 2:
            raise InvalidInputError(f"teachers must be at least 2, got {len(self.teachers)}")
        classes = common_classes(self.teachers)
        if classes is None:
            raise InvalidInputError("teachers must be classifiers: there is no vote over values")
        epsilon_of_votes(1, noise_scale, delta)
        self.classes_: NDArray[Any] = classes
        self.noise_scale, self.delta, self.max_epsilon = float(noise_scale), float(delta), max_epsilon
        self._most = None if max_epsilon is None else most_questions(max_epsilon, noise_scale, delta)
        self._rng = np.random.default_rng(seed)
        self._known: dict[bytes, int] = {}

    one_process = "each vote has noise that is drawn once, and the loss of privacy is counted where it is drawn"

    @property
    def name(self) -> str:
        """What messages call this teacher."""
        return f"the vote of {len(self.teachers)}"

    @property
    def rows_sent_(self) -> RowsSent:
        """Rows that were sent to the teachers, each of them counted, by purpose."""
        return RowsSent.of_all(counters_of(self))

    @property
    def n_answered(self) -> int:
        """Distinct rows answered so far."""
        return len(self._known)

    @property
    def epsilon(self) -> float:
        """Privacy loss so far, at ``delta``."""
        return epsilon_of_votes(self.n_answered, self.noise_scale, self.delta)

    def epsilon_with(self, X: Any) -> float:
        """Privacy loss, at ``delta``, if these rows were asked too; nothing is asked.

        Examples
        --------
        >>> from explaindistill.teachers.callable import CallableTeacher
        >>> yes = CallableTeacher(lambda X: np.full(len(X), 0.9), classes=["no", "yes"])
        >>> teacher = PateTeacher([yes] * 50, noise_scale=40.0, seed=0)
        >>> teacher.epsilon, round(teacher.epsilon_with(np.eye(3)), 2), teacher.n_answered
        (0.0, 0.22, 0)
        """
        new = {key.tobytes() for key in row_keys(as_frame(X))} - self._known.keys()
        return self.epsilon_after(len(new))

    def epsilon_after(self, n_new: int) -> float:
        """Privacy loss, at ``delta``, after so many further distinct rows."""
        return epsilon_of_votes(self.n_answered + n_new, self.noise_scale, self.delta)

    def answered(self, X: Any) -> NDArray[np.bool_]:
        """Rows ``(n,)`` that were answered before and cost nothing."""
        return np.array([key.tobytes() in self._known for key in row_keys(as_frame(X))], dtype=bool)

    def votes(self, X: Any) -> NDArray[np.int64]:
        """Counts ``(n, k)`` without noise. They are private: never show them."""
        counts = np.zeros((len(X), len(self.classes_)), dtype=np.int64)
        for teacher in self.teachers:
            count_foreign(teacher, len(X))
            vote = np.searchsorted(self.classes_, teacher.predict(X))
            counts[np.arange(len(X)), vote] += 1
        return counts

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes ``(n,)``.

        Raises
        ------
        TeacherError
            Where the new rows would cost more than ``max_epsilon``; nothing is answered then.
        """
        return self.classes_[self._answer(X)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Rows of zeros and a one ``(n, k)``: a noisy vote tells a class, not how sure it is."""
        return np.eye(len(self.classes_))[self._answer(X)]

    def _answer(self, X: Any) -> NDArray[np.intp]:
        keys = [key.tobytes() for key in row_keys(as_frame(X))]
        first: dict[bytes, int] = {}
        for i, key in enumerate(keys):
            if key not in self._known:
                first.setdefault(key, i)
        if self._most is not None and len(self._known) + len(first) > self._most:
            raise TeacherError(
                f"{len(first)} new rows would cost more than max_epsilon={self.max_epsilon} at delta={self.delta}; "
                f"{self._most - len(self._known)} of {self._most} questions are left. Ask fewer, or raise noise_scale"
            )
        if first:
            at = list(first.values())
            counts = self.votes(X.iloc[at] if hasattr(X, "iloc") else np.asarray(X)[at])
            noisy = counts + self._rng.normal(scale=self.noise_scale, size=counts.shape)
            self._known.update(zip(first, noisy.argmax(axis=1).tolist(), strict=True))
        return np.array([self._known[key] for key in keys], dtype=np.intp)

    def fingerprint(self) -> None:
        """None: another vote would fall otherwise, so no store may keep these answers for others."""
        return

    def __sklearn_clone__(self) -> PateTeacher:
        return self
