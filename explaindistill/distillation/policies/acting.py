"""Who acts: teacher, student or chance, each asked about many states at once and answering in one form."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from explaindistill.distillation.policies.columns import StateColumns
from explaindistill.distillation.policies.flat_tree import flat_tree
from explaindistill.distillation.policies.spaces import ActionSpace
from explaindistill.errors import InvalidInputError, TeacherError

__all__ = ["OUTPUTS", "Actor", "Answers", "RandomPolicy", "StudentPolicy", "TeacherActions", "TeacherPolicy"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_] | None
OUTPUTS = ("actions", "scores", "logits", "probabilities", "q_values")
SMALLEST = 1e-12
"""A probability of 0 counts as this: its logarithm would be infinite, and so would a weight."""


class Answers(NamedTuple):
    """What a policy does in n states.

    Attributes
    ----------
    actions : ndarray of shape (n,) or (n, m)
        Places of numbered actions, or numbers.
    scores : ndarray of shape (n, k), or None
        Of every numbered action, the largest of the valid ones being taken; invalid ones are minus infinity.
    """

    actions: NDArray[Any]
    scores: Floats | None = None


class Actor(Protocol):
    """Answers states ``(n, d)``; ``mask`` ``(n, k)`` says which numbered actions are valid."""

    def answers(self, states: Floats, mask: Mask = None) -> Answers:
        """What it does there."""
        ...


def _best(scores: Floats, mask: Mask) -> Answers:
    allowed = scores if mask is None else np.where(mask, scores, -np.inf)
    return Answers(allowed.argmax(axis=1), allowed)


@dataclass(eq=False)
class TeacherPolicy:
    """The teacher as a policy: never trained or changed, and its answers checked.

    Parameters
    ----------
    teacher : function of states, torch module, fitted estimator, or object with ``q_values`` or ``predict``
    actions : ActionSpace
    output : str or None
        One of ``OUTPUTS``: what an answer ``(n, k)`` means. None: actions ``(n,)``, or scores of which the largest is
        taken, whatever their scale means.

    Attributes
    ----------
    n_questions : int
        States that were asked.

    Examples
    --------
    >>> space = ActionSpace.numbered(2, 0, None)
    >>> teacher = TeacherPolicy(lambda S: np.column_stack([S[:, 0], -S[:, 0]]), space, "q_values")
    >>> teacher.answers(np.array([[1.0], [-3.0]])).actions.tolist(), teacher.knows_q, teacher.n_questions
    ([0, 1], True, 2)
    """

    teacher: Any
    actions: ActionSpace
    output: str | None = None
    n_questions: int = 0
    _ask: Callable[[Floats], Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.output is not None and self.output not in OUTPUTS:
            raise InvalidInputError(f"output must be one of {', '.join(OUTPUTS)} or None, got {self.output!r}")
        self._ask, self._kind = _asked_by(self.teacher, self.output, self.actions)
        if self._kind != "actions" and self._kind is not None and not self.actions.is_discrete:
            raise InvalidInputError(f"output is {self._kind!r}, which needs numbered actions; leave it None")

    @property
    def knows_q(self) -> bool:
        """Whether its scores are values of actions, in units of the return."""
        return self._kind == "q_values"

    @property
    def name(self) -> str:
        """Name of the function or class."""
        return str(getattr(self.teacher, "__name__", type(self.teacher).__name__))

    def answers(self, states: Floats, mask: Mask = None) -> Answers:
        """Ask about states ``(n, d)``.

        Raises
        ------
        TeacherError
            If the answer is none: another number of rows or columns, NaN, or a memory that a function of states
            cannot have.
        """
        self.n_questions += len(states)
        reply = self._ask(states.copy())
        if isinstance(reply, tuple):
            if len(reply) != 2 or reply[1] is not None:
                raise TeacherError(
                    f"{self.name} answered with a tuple of {len(reply)}; a policy with a memory is no function of the "
                    "state, so give one that returns actions alone"
                )
            reply = reply[0]
        values = _as_numbers(reply)
        if len(np.atleast_1d(values)) != len(states) or values.ndim == 0:
            raise TeacherError(
                f"{self.name} was asked about {len(states)} states and answered with the shape {values.shape}; a "
                "function of one state can be wrapped: lambda S: [f(state) for state in S]"
            )
        if np.isnan(values).any():
            lost = np.isnan(values.reshape(len(states), -1)).any(axis=1)
            raise TeacherError(f"{self.name} answered NaN for {int(lost.sum())} states")
        return self._numbered(values, mask) if self.actions.is_discrete else self._continuous(values)

    def _numbered(self, values: Floats, mask: Mask) -> Answers:
        wide = values.ndim == 2 and values.shape[1] > 1
        if not wide and self._kind in (None, "actions"):
            return Answers(self._valid(self.actions.index_of(values.reshape(len(values))), mask))
        if self._kind == "actions" or values.shape != (len(values), self.actions.n):
            wanted = "(n,)" if self._kind == "actions" else f"(n, {self.actions.n}), a score for each action"
            raise TeacherError(f"{self.name} must answer with the shape {wanted}, got {values.shape}")
        if self._kind == "probabilities":
            values = np.log(np.maximum(values, SMALLEST))
        answers = _best(values, mask)
        if not np.isfinite(np.max(answers.scores, axis=1)).all():  # type: ignore[arg-type]
            raise TeacherError(
                f"{self.name} must give the best valid action a finite score, got infinity; one that may never be "
                "taken can have minus infinity"
            )
        return answers

    def _valid(self, places: NDArray[np.int64], mask: Mask) -> NDArray[np.int64]:
        wrong = np.zeros(len(places), dtype=bool) if mask is None else ~mask[np.arange(len(places)), places]
        if wrong.any():
            raise TeacherError(
                f"{self.name} took {self.actions.names[places[wrong][0]]!r} where the environment forbids it; answer "
                "with a score for each action, of which the largest valid one is taken"
            )
        return places

    def _continuous(self, values: Floats) -> Answers:
        m = self.actions.n
        if values.size != len(values) * m:
            raise TeacherError(f"{self.name} must answer with {m} numbers per state, got the shape {values.shape}")
        return Answers(self.actions.clipped(values.reshape(len(values), m)))


def _as_numbers(reply: Any) -> Floats:
    if hasattr(reply, "detach"):
        reply = reply.detach().cpu().numpy()
    try:
        return np.asarray(reply, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TeacherError(f"teacher must answer with numbers of one shape, got a {type(reply).__name__}") from error


def _asked_by(teacher: Any, output: str | None, actions: ActionSpace) -> tuple[Callable[[Floats], Any], str | None]:
    """How the teacher is asked, and what its answers mean."""
    if output in (None, "q_values") and callable(getattr(teacher, "q_values", None)):
        return teacher.q_values, "q_values"
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(teacher, torch.nn.Module) and not hasattr(teacher, "predict"):
        from explaindistill.teachers import as_teacher

        return as_teacher(teacher, output="value").predict, output
    if callable(getattr(teacher, "predict_proba", None)) and actions.is_discrete and output in (None, "probabilities"):
        return _InOrder(teacher, actions), "probabilities"
    if callable(getattr(teacher, "predict", None)):
        return teacher.predict, output
    if callable(teacher) and not isinstance(teacher, type):
        return teacher, output
    raise InvalidInputError(
        f"teacher must be a function of states (n, d), a torch module, or have predict or q_values, got "
        f"{type(teacher).__name__}"
    )


class _InOrder:
    """Probabilities in the order of the actions: a classifier has columns only for classes that it met."""

    def __init__(self, teacher: Any, actions: ActionSpace) -> None:
        self.teacher, self.n = teacher, actions.n
        classes, names = np.asarray(teacher.classes_), list(actions.names)
        named = classes.dtype.kind in "OUS" and set(map(str, classes)) <= set(names)
        self.places = np.array([names.index(str(c)) for c in classes]) if named else actions.index_of(classes)

    def __call__(self, states: Floats) -> Floats:
        P = np.zeros((len(states), self.n))
        P[:, self.places] = self.teacher.predict_proba(states)
        return P


@dataclass(eq=False)
class TeacherActions:
    """The teacher as a function of rows with the columns of a state, for audits of tables.

    Examples
    --------
    >>> space = ActionSpace.numbered(2, 0, ["left", "right"])
    >>> function = TeacherActions(TeacherPolicy(lambda S: S[:, 0] > 0, space), StateColumns(("x",)))
    >>> function([[1.0], [-1.0]]).tolist()
    ['right', 'left']
    """

    policy: TeacherPolicy
    columns: StateColumns

    @property
    def __name__(self) -> str:
        return self.policy.name

    def __call__(self, X: Any) -> NDArray[Any]:
        """Ask about rows."""
        answers = self.policy.answers(self.columns.matrix(X)).actions
        return np.asarray(self.policy.actions.names)[answers] if self.policy.actions.is_discrete else answers


@dataclass(eq=False)
class StudentPolicy:
    """A fitted student as a policy: it sees named columns, and takes the most probable of the valid actions.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import TreeClassifier
    >>> tree = TreeClassifier(min_samples_leaf=1).fit(pd.DataFrame({"x": [0.5, 1.5] * 9}), ["go", "stop"] * 9)
    >>> policy = StudentPolicy(tree, StateColumns(("x",)), ActionSpace.numbered(2, 0, ["stop", "go"]))
    >>> policy.answers(np.array([[0.2], [1.9]])).actions.tolist()
    [1, 0]
    """

    student: Any
    columns: StateColumns
    actions: ActionSpace

    def __post_init__(self) -> None:
        # asked step by step, a tree answers twenty times faster without its frame; a test holds both together
        self._flat = flat_tree(self.student, self.actions.names if self.actions.is_discrete else None)

    def answers(self, states: Floats, mask: Mask = None) -> Answers:
        """Ask about states ``(n, d)``."""
        if self._flat is not None and mask is None:
            chosen = self._flat.actions_at(self.columns.arrays(states))
            return Answers(chosen if self.actions.is_discrete else self.actions.clipped(chosen))
        rows = self.columns.seen(states)
        if not self.actions.is_discrete:
            values = np.asarray(self.student.predict(rows), dtype=float).reshape(len(states), self.actions.n)
            return Answers(self.actions.clipped(values))
        if hasattr(self.student, "predict_proba"):
            P = np.asarray(self.student.predict_proba(rows), dtype=float)
            scores = np.zeros((len(states), self.actions.n))
            scores[:, self._places] = P
            if mask is None:  # the first of equal classes, as the student itself decides
                return Answers(self._places[P.argmax(axis=1)], scores)
            own, best = self._places[P.argmax(axis=1)], _best(scores, mask)
            valid = mask[np.arange(len(own)), own]  # its own choice among equals, where that is valid
            return Answers(np.where(valid, own, best.actions), best.scores)
        at = {name: i for i, name in enumerate(self.actions.names)}
        chosen = np.array([at[str(label)] for label in self.student.predict(rows)], dtype=np.int64)
        if mask is None:
            return Answers(chosen)
        return _best(np.eye(self.actions.n)[chosen], mask)

    @property
    def _places(self) -> NDArray[np.int64]:
        """Place of each class of the student among the actions; one that it never saw has none."""
        at = {name: i for i, name in enumerate(self.actions.names)}
        return np.array([at[str(c)] for c in self.student.classes_], dtype=np.int64)


@dataclass(eq=False)
class RandomPolicy:
    """Chance: each valid action alike, numbers evenly between bounds, by a generator of its own.

    Where there is no bound, −1 or 1 stands for it, or what is 2 from the bound on the other side.

    Examples
    --------
    >>> chance = RandomPolicy(ActionSpace.numbered(2, 0, None), 0)
    >>> chance.answers(np.zeros((4, 1)), np.array([[True, False]] * 4)).actions.tolist()
    [0, 0, 0, 0]
    """

    actions: ActionSpace
    seed: int

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def answers(self, states: Floats, mask: Mask = None) -> Answers:
        """Draw an action for each state."""
        n, k = len(states), self.actions.n
        if self.actions.is_discrete:
            return Answers(_best(self._rng.random((n, k)), mask).actions)
        low, high = self.actions.low, self.actions.high
        low, high = (
            np.where(np.isfinite(low), low, np.minimum(-1.0, high - 2)),
            np.where(np.isfinite(high), high, np.maximum(1.0, low + 2)),
        )
        return Answers(self._rng.uniform(low, high, (n, k)))
