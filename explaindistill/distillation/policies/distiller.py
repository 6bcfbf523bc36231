"""PolicyDistiller: a student that learns to act from a teacher, in the states that it comes to itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from explaindistill.distillation.policies.acting import StudentPolicy, TeacherActions, TeacherPolicy
from explaindistill.distillation.policies.columns import StateColumns
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import Episodes, Spending, run_episodes
from explaindistill.distillation.policies.memory import WEIGHTINGS
from explaindistill.distillation.policies.returns import MeanReturn
from explaindistill.distillation.policies.rounds import PolicySearch, SearchPlan
from explaindistill.distillation.student_fit import task_of
from explaindistill.distillation.student_methods import student_has
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import one_of, seed_in, whole_in
from explaindistill.protocols import Complexity, Rows, TeacherLike
from explaindistill.teachers.callable import CallableTeacher

__all__ = ["PolicyDistiller"]


class PolicyDistiller(BaseEstimator):
    r"""Imitate a policy where the imitation itself leads, and keep the imitation that earns most.

    With the states :math:`d_i` that the students of earlier rounds came to, the student of round i minimises

    .. math:: \sum_{s \in d_0 \cup \dots \cup d_{i-1}} w(s)\, [\text{student}(s) \ne \text{teacher}(s)],
        \qquad w(s) = \max_a Q(s, a) - \min_a Q(s, a),

    or with equal weights; both run, and the return of held-out episodes decides.

    Parameters
    ----------
    teacher : function of states, torch module, fitted estimator, or object with ``q_values`` or ``predict``
        Given states ``(n, d)`` it answers with actions ``(n,)``, as the environment numbers them, or with a score for
        each action ``(n, k)``, of which the largest is taken; for continuous actions with numbers ``(n, m)``. It is
        never trained or changed.
    student : scikit-learn estimator
        A classifier for numbered actions, a regressor for continuous ones.
    env : str or callable
        Gymnasium's identifier (needs the extra ``rl``), or a function that makes an environment: anything with
        ``action_space``, ``reset(seed=)`` and ``step``.
    output : "actions", "scores", "logits", "probabilities", "q_values", optional
        What the teacher's answers mean. Only with ``"q_values"``, or a teacher that has ``q_values(states)``, is what a
        wrong action costs known in units of the return.
    names, actions : sequence of str, optional
        Of the numbers of a state and of the actions; known for gymnasium's own control tasks.
    units : mapping of name to unit, optional
        Said in the text and in pictures.
    combined : mapping of name to (column, "+", "-" or "*", column), optional
        Sums, differences and products that the student sees besides, such as ``{"lag": ("angle", "-", "target")}``.
    features : sequence of str, optional
        The only columns that the student may see.
    weights : "auto", "q", "gap" or "none"
        ``"auto"`` lets weights by what a wrong action costs (by the gap between scores, where the teacher has only
        these) compete with equal ones; of numbers and bare actions all weigh the same.
    n_rounds : int, at least 1
        1 is cloning: the student sees the teacher's states only.
    n_episodes : int, at least 1
        That the teacher runs at first, and every student of a round.
    n_held_out : int, at least 5
        Episodes that judge every candidate; the four best run twice as many more.
    max_questions, max_steps : int, optional
        Most states that the teacher is asked about, and most steps of the environment, judging included.
    max_rows : int, at least 100
        Rows that a student is fitted to; of more, so many are drawn.
    max_episode_steps : int, optional
        Ends episodes earlier than the environment does.
    random_state : int, optional
        None draws a seed and keeps it in ``seed_``.

    Attributes
    ----------
    student_ : fitted clone of ``student``
    teacher_ : CallableTeacher
        The teacher as :func:`explaindistill.audit` takes it: rows with the columns of a state, labels of actions.
    names_, actions_ : tuple of str
        Columns that the student sees, and names of the actions.
    rounds_ : DataFrame
        A line per candidate: ``round``, ``weights``, ``n_rows``; ``n`` held-out episodes with the mean return
        ``estimate`` and limits ``low`` and ``high`` that hold for all lines together; the same of the further episodes
        of the finalists; ``agreement`` with the teacher in ``n_states`` own states; ``chosen``.
    n_questions_, n_steps_ : int
    stopped_ : "", "questions" or "steps"
        Which budget ended the search.
    seed_ : int

    Notes
    -----
    Seeds of the episodes of ``fit`` are even, those of :meth:`score`, :meth:`rollouts` and of an audit odd: no episode
    that chose a student judges it.

    References
    ----------
    Ross, Gordon and Bagnell (2011), https://proceedings.mlr.press/v15/ross11a.html;
    Bastani, Pu and Solar-Lezama (2018), arXiv:1805.08328.

    Examples
    --------
    A walk that must end at 5; the teacher knows the way, and the student says it in one line:

    >>> import explaindistill as xd
    >>> class Walk:
    ...     class action_space:
    ...         n = 2
    ...     def reset(self, seed=None):
    ...         self.x = float(np.random.default_rng(seed).integers(0, 11))
    ...         return [self.x], {}
    ...     def step(self, action):
    ...         self.x += 2 * action - 1
    ...         return [self.x], -1.0, self.x == 5, False, {}
    >>> student = xd.PolicyDistiller(lambda S: S[:, 0] < 5, xd.TreeClassifier(max_leaf_nodes=2), Walk, names=["place"],
    ...                              actions=["left", "right"], n_rounds=2, random_state=0, max_episode_steps=50).fit()
    >>> student.predict([[2.0], [8.0]]).tolist(), round(student.score(), 1) > -4
    ([1, 0], True)
    """

    def __init__(
        self,
        teacher: TeacherLike,
        student: Any,
        env: Any,
        *,
        output: str | None = None,
        names: Sequence[str] | None = None,
        actions: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        combined: Mapping[str, Sequence[str]] | None = None,
        features: Sequence[str] | None = None,
        weights: str = "auto",
        n_rounds: int = 8,
        n_episodes: int = 40,
        n_held_out: int = 50,
        max_questions: int | None = None,
        max_steps: int | None = None,
        max_rows: int = 40_000,
        max_episode_steps: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.teacher = teacher
        self.student = student
        self.env = env
        self.output = output
        self.names = names
        self.actions = actions
        self.units = units
        self.combined = combined
        self.features = features
        self.weights = weights
        self.n_rounds = n_rounds
        self.n_episodes = n_episodes
        self.n_held_out = n_held_out
        self.max_questions = max_questions
        self.max_steps = max_steps
        self.max_rows = max_rows
        self.max_episode_steps = max_episode_steps
        self.random_state = random_state

    def fit(self, X: Rows | None = None, y: ArrayLike | None = None) -> PolicyDistiller:
        """Run the rounds and keep the best student; ``X`` and ``y`` are ignored, the environment makes the rows.

        Raises
        ------
        InvalidInputError
            For an argument that breaks its rule, or an environment that is none.
        TeacherError
            If the teacher's answer is not an answer.
        BudgetError
            If the budgets end before one student is judged.
        """
        self._check()
        with self._source() as source:
            return self._fitted(source)

    def _fitted(self, source: EnvironmentSource) -> PolicyDistiller:
        policy = TeacherPolicy(self.teacher, source.actions, self.output)
        self._check_task(source)
        columns = StateColumns.of(source.names, self.combined, self.features)
        seed = int(np.random.default_rng().integers(2**31)) if self.random_state is None else int(self.random_state)
        plan = SearchPlan(self.weights, self.n_rounds, self.n_episodes, self.n_held_out, self.max_rows, seed)
        search = PolicySearch(source, policy, self.student, columns, plan, Spending(self.max_steps, self.max_questions))
        best = search.run()
        self.seed_ = seed
        self.student_, self.columns_, self.source_, self.policy_ = best.student, columns, source, policy
        self.names_, self.actions_ = columns.names, source.actions.names
        self.rounds_, self.stopped_ = search.frame(best), search.stopped
        self.n_questions_, self.n_steps_ = search.spending.n_questions, search.spending.n_steps
        self.return_ends_ = _ends([search.teacher_returns, *(c.returns for c in search.candidates)])
        self.teacher_ = self._as_teacher()
        return self

    def predict(self, X: Rows) -> NDArray[Any]:
        """Actions as the environment numbers them ``(n,)``, or numbers ``(n, m)``.

        Parameters
        ----------
        X : array of shape (n, d) or (d,), or DataFrame with the columns of a state
        """
        check_is_fitted(self)
        answers = self._student_policy().answers(_finite(self.columns_.matrix(X))).actions
        return answers + self.source_.actions.start if self.source_.actions.is_discrete else answers

    def act(self, state: Any) -> Any:
        """One action for one state as the environment gives and takes them.

        Examples
        --------
        >>> # action = student.act(state); state, reward, terminated, truncated, info = env.step(action)
        """
        from explaindistill.distillation.policies.spaces import flat_state

        check_is_fitted(self)
        answers = self._student_policy().answers(_finite(flat_state(state)[None])).actions
        return self.source_.actions.taken(answers[0])

    def score(self, X: Rows | None = None, y: ArrayLike | None = None, *, n_episodes: int = 100) -> MeanReturn:
        """Mean return of fresh episodes, with its interval: a float that knows ``low``, ``high`` and ``n``."""
        whole_in("n_episodes", n_episodes, 2)
        returns = self._episodes(n_episodes).returns
        return MeanReturn.of(returns, self.return_ends_)

    def rollouts(self, n_episodes: int = 50) -> pd.DataFrame:
        """States of fresh episodes of the student, with what both do there.

        Returns
        -------
        DataFrame
            ``episode``, ``step``, the columns of a state and the combined ones, ``student_action`` and
            ``teacher_action`` (names, or numbers), ``reward``.
        """
        whole_in("n_episodes", n_episodes, 1)
        run = self._episodes(n_episodes)
        answers = self.policy_.answers(run.states, run.masks)
        frame = pd.DataFrame({"episode": run.episode, "step": run.step})
        frame = pd.concat([frame, self.columns_.all_of(run.states)], axis=1)
        for who, chosen in (("student", run.actions), ("teacher", answers.actions)):
            if self.source_.actions.is_discrete:
                frame[f"{who}_action"] = np.asarray(self.actions_)[chosen]
            else:
                for i, name in enumerate(self.actions_):
                    frame[f"{who}_{name}"] = chosen[:, i]
        return frame.assign(reward=run.rewards)

    def describe(self) -> str:
        """The policy in words: what it earned, the units, combined columns, and the student's own text."""
        check_is_fitted(self)
        from explaindistill.distillation.policies.words import describe

        return describe(self)

    @available_if(student_has("complexity"))
    def complexity(self) -> Complexity:
        """How much of the student there is to read; see the student's own ``complexity``."""
        check_is_fitted(self)
        return self.student_.complexity()

    def plot_phase(self, x: str, y: str, *, axes: Any = None, random_state: int = 0) -> Any:
        """Teacher and student side by side over two numbers of a state, each with an episode of its own.

        Parameters
        ----------
        x, y : str
            Names of the numbers; the others stand at their median on the way.
        axes : pair of matplotlib Axes, optional
        random_state : int
            Of the episode, the same for both.

        Returns
        -------
        ndarray of two Axes
        """
        check_is_fitted(self)
        from explaindistill.distillation.policies.pictures import plot_phase

        return plot_phase(self, x, y, axes=axes, random_state=random_state)

    def plot_timeline(self, *, axes: Any = None, random_state: int = 0) -> Any:
        """Actions of teacher and student along one episode each, and the leaf or rule that decided."""
        check_is_fitted(self)
        from explaindistill.distillation.policies.pictures import plot_timeline

        return plot_timeline(self, axes=axes, random_state=random_state)

    def export(self, path: str | Path, verify: str | None = "auto") -> Path:
        """Write the policy as code: ``.c`` has one function from a state to an action.

        ``verify="auto"`` compiles it and compares it with the student where a C compiler is there, and says in the head
        of the file what ran it; ``"target"`` refuses without one; None compares nothing. Other endings write the
        student alone, see the student's own ``export``; what is exported then asks for the columns ``names_``.
        """
        check_is_fitted(self)
        from explaindistill.distillation.policies.code import export

        return export(self, path, verify)

    def _check(self) -> None:
        seed_in("random_state", self.random_state)
        one_of("weights", self.weights, ("auto", *WEIGHTINGS))
        whole_in("n_rounds", self.n_rounds, 1)
        whole_in("n_episodes", self.n_episodes, 1)
        whole_in("n_held_out", self.n_held_out, 5)
        whole_in("max_rows", self.max_rows, 100)
        for name in ("max_questions", "max_steps", "max_episode_steps"):
            whole_in(name, getattr(self, name), 1, others=(None,))

    def _check_task(self, source: EnvironmentSource) -> None:
        wanted = "classification" if source.actions.is_discrete else "regression"
        if task_of(self.student) not in (None, wanted):
            kind = "numbered" if source.actions.is_discrete else "continuous"
            raise InvalidInputError(
                f"student must do {wanted}, since the actions are {kind}, got {type(self.student).__name__}"
            )
        if self.weights in ("q", "gap") and not source.actions.is_discrete:
            raise InvalidInputError(f"weights is {self.weights!r}, which needs numbered actions; leave it 'auto'")

    def _source(self) -> EnvironmentSource:
        return EnvironmentSource.of(
            self.env,
            names=self.names,
            actions=self.actions,
            units=self.units,
            max_episode_steps=self.max_episode_steps,
        )

    def _student_policy(self) -> StudentPolicy:
        return StudentPolicy(self.student_, self.columns_, self.source_.actions)

    def _episodes(self, n: int) -> Episodes:
        check_is_fitted(self)
        rng = np.random.default_rng([int(self.seed_), 1])
        seeds = [2 * int(s) + 1 for s in rng.choice(2**30, n, replace=False)]
        with self.source_ as source:
            return run_episodes(source, self._student_policy(), seeds)

    def _as_teacher(self) -> CallableTeacher:
        space, function = self.source_.actions, TeacherActions(self.policy_, StateColumns(self.source_.names))
        return CallableTeacher(function, *((list(space.names), "labels") if space.is_discrete else ()))

    def __sklearn_clone__(self) -> PolicyDistiller:
        """Clone the parameters, but keep the teacher and the maker of environments themselves."""
        shared = {"teacher", "env"}
        params = {k: v if k in shared else clone(v, safe=False) for k, v in self.get_params(deep=False).items()}
        return type(self)(**params)


def _finite(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """States as they are; a number that is missing decides nothing, and the exported code could not know of it."""
    if lost := int((~np.isfinite(states)).any(axis=1).sum()):
        raise InvalidInputError(f"states must be finite numbers, got NaN or infinity in {lost} of {len(states)}")
    return states


def _ends(returns: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Least and largest return of any episode: as far as an episode of an unseen kind may be off."""
    every = np.concatenate(list(returns))
    return float(every.min()), float(every.max())
