"""The whole contract on one page: what a teacher, a sampler and a student can be asked."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Attributes", "ClassLabel", "Complexity", "Domain", "Draw", "Partitions", "Row", "Rows", "Sampler", "Student",
    "Task", "Teacher", "TeacherLike", "can_be_asked",
]  # fmt: skip

Task = Literal["classification", "regression"]
Rows: TypeAlias = ArrayLike | pd.DataFrame
"""A table of rows: a frame of pandas, an array, lists, or whatever turns into an array (polars, pyarrow, torch)."""
Row: TypeAlias = pd.Series | pd.DataFrame | Mapping[Any, Any]
"""One row: a Series, a frame of one row, or values by column."""
Attributes: TypeAlias = ArrayLike | pd.DataFrame | pd.Series
"""Sensitive columns: a frame or Series with a row per row, or names of columns."""
ClassLabel: TypeAlias = Hashable | np.generic
"""A class: text, a number or a flag."""


@runtime_checkable
class Teacher(Protocol):
    """A black box that is asked, and never trained, copied or left in another mode.

    ``classes_`` is None for regression. ``fingerprint`` names the answers a label store may keep: two
    teachers with one fingerprint give the same answers; None means "cannot tell, do not store".
    ``__sklearn_clone__`` returns the teacher itself, so that grid search neither unfits nor copies it.

    Notes
    -----
    A teacher may have further members. The package looks for them by name, and each may be absent:

    - ``name``: text that messages, label stores and reports call it by. Absent: the name of its class.
    - ``batch_size``: rows of one question to the model inside; ``label`` asks in multiples of it. Absent, or 0: any
      number of rows will do.
    - ``label_rows``: rows that ``label`` hands over at a time, where that is not a matter of ``batch_size``. Absent:
      ``batch_size``, the number that the label store recorded, or one that is found while asking.
    - ``few_rows``: up to so many rows are answered in a batch of another size, so that their last bits may differ;
      ``label`` never asks so few, and does not count what it fills the batch up with. Absent: 0, the answer to a row
      does not depend on the rows beside it.
    - ``stream(X, spend)``: yields pairs of a slice of the rows and their answers, as they arrive, and calls
      ``spend(n)`` before it sends n rows, each time it sends them; ``spend(-n)`` takes back rows that never left.
      Absent: the rows are asked at once, counted once.
    - ``rows_sent_``: a ``data.rows_sent.RowsSent``, to which it adds the rows that it sends, each time it sends them.
      Absent: what the package sends is counted for it.
    - ``price_per_row``: price of an answer, in any currency. Absent, or 0: the audit's costs hold no money, unless
      ``audit(price_per_row=...)`` says one.
    - ``tokens(X)``: about how many tokens each row's question and answer take ``(n,)``, or None. Absent: a forecast
      holds none.
    - ``price_per_million_tokens``: what they cost. Absent, or 0: as without a price of a row.
    - ``mean_price_per_row``: what a row cost on the mean until now, where tokens are paid. Absent, or None:
      ``price_per_row``.
    - ``rights``: a ``teachers.Rights``, which goes into the manifest. Absent: those of its ``teachers``, or none.
    - ``encoder``: a fitted ``TableEncoder`` of the teacher's columns. Absent: the command line takes the file's
      columns as they are.
    - ``weights()``: bytes that stand for the model's size. Absent, or None: its size is not stated.
    - ``operations(X)``: floating-point operations for the one row in ``X``. Absent: they are not stated.
    - ``bare(X)``: a function without arguments that asks the model about the one row in ``X``, already prepared.
      Absent: only the whole way through the teacher is timed.
    - ``estimator``, ``module``: what an adapter holds, whose class the report names. Absent: the adapter alone.
    - ``feature_names_in_``: names of the columns that it was fitted with. Absent: a column that is named as the labels,
      a weight or a group is taken out of what the teacher sees; one that is named as an attribute or a stratum is where
      a ``Distiller`` did without it, stays where a student reads it, and is refused where nobody knows.
    - ``hidden(X)``: activations ``(n, h)`` by layer. Absent, or empty: ways of distilling that learn from them refuse.
    - ``teachers``: the members of an ensemble. Absent: it is one teacher.
    - ``disagreement(X)``: how far they are apart on each row ``(n,)``. Absent: the audit measures no member alone.
    - ``abstain_above``, ``abstains(X)``: a limit of disagreement, and the rows ``(n,)`` beyond it. Absent, or None: the
      ensemble answers all rows.
    - ``epsilon``, ``delta``, ``max_epsilon``, ``n_answered``: privacy loss of the answers until now, its failure
      probability, a limit or None, and the distinct rows answered. Absent: answers cost no privacy.
    - ``epsilon_with(X)``, ``epsilon_after(n)``, ``answered(X)``: the loss if these rows, or n new ones, were asked too,
      and the rows ``(n,)`` that cost nothing more. Absent, as ``epsilon``: a dry run and a score tell no loss.
    - ``one_process``: why all of its answers must come from one process, in words that follow a colon. Absent, or
      None: copies of it may answer on the workers of a cluster, where each worker asks its copy one question at a time.
    - ``remaining``: rows that may still be asked, where a budget counts them. Absent: there is no limit.
    - ``knows(X)``: rows ``(n,)`` that have an answer; there is none for others, see :func:`can_be_asked`. Absent: every
      row can be asked.

    Examples
    --------
    >>> class Threshold:
    ...     classes_ = np.array(["no", "yes"])
    ...
    ...     def predict_proba(self, X):
    ...         yes = (np.asarray(X)[:, 0] > 0.5).astype(float)
    ...         return np.column_stack([1 - yes, yes])
    ...
    ...     def predict(self, X):
    ...         return self.classes_[self.predict_proba(X).argmax(axis=1)]
    ...
    ...     def fingerprint(self):
    ...         return "threshold at 0.5"
    ...
    ...     def __sklearn_clone__(self):
    ...         return self
    >>> isinstance(Threshold(), Teacher), isinstance(np.mean, Teacher)
    (True, False)
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 200)})
    >>> student = xd.Distiller(Threshold(), xd.TreeClassifier(max_leaf_nodes=2), random_state=0).fit(X)
    >>> float(student.score(X))
    1.0
    """

    classes_: NDArray[Any] | None

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(n, k)``, float64, rows sum to 1, columns in the order of ``classes_``."""
        ...

    def predict(self, X: Any) -> NDArray[Any]:
        """Class labels ``(n,)``, or for regression float64 values ``(n,)`` or ``(n, m)``."""
        ...

    def fingerprint(self) -> str | None:
        """Hex digest of all that decides the answers, or None."""
        ...

    def __sklearn_clone__(self) -> Teacher: ...


def can_be_asked(teacher: Any) -> bool:
    """Whether a teacher answers any row, not just rows that were recorded.

    Where it does not, nothing may be made up or changed in order to ask: sampled rows, permuted columns and
    counterfactuals are left out, and looking an answer up takes no time that is worth measuring.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> from explaindistill.teachers.recorded import RecordedTeacher
    >>> can_be_asked(CallableTeacher(np.sum)), can_be_asked(RecordedTeacher([[0.0]], [1.0]))
    (True, False)
    """
    return not hasattr(teacher, "knows")


@dataclass(frozen=True)
class Draw:
    """Rows made by a sampler, and where they came from.

    ``parents`` is ``(n, q)`` int64: positions, in the rows the sampler learnt from, of the rows that each
    new row was made of; -1 where there is none. ``observed`` marks rows that are real rows unchanged.

    Examples
    --------
    >>> draw = Draw(pd.DataFrame({"x": [1.0, 1.5]}), np.array([[0, -1], [0, 1]]), np.array([True, False]))
    >>> draw.rows[~draw.observed]["x"].tolist(), draw.parents[1].tolist()
    ([1.5], [0, 1])
    """

    rows: pd.DataFrame
    parents: NDArray[np.int64]
    observed: NDArray[np.bool_]


class _Answering(Protocol):
    """A fitted estimator of scikit-learn's kind."""

    def predict(self, X: Any) -> Any: ...


TeacherLike: TypeAlias = Teacher | _Answering | Callable[..., Any] | tuple[Any, Any]
"""What can be a teacher: an adapter, a fitted estimator, a function or torch module, or rows with their answers."""


@runtime_checkable
class Sampler(Protocol):
    """Makes rows in the teacher's own input space: bounds, integers and categories stay valid.

    Examples
    --------
    >>> from explaindistill.samplers.observed import ObservedSampler
    >>> sampler = ObservedSampler()
    >>> isinstance(sampler, Sampler)
    True
    >>> rows = sampler.fit(pd.DataFrame({"age": [20, 40]})).sample(5, np.random.default_rng(0))
    >>> sorted(set(rows["age"]))
    [20, 40]
    """

    def fit(self, X: Any, schema: Any = None) -> Sampler:
        """Learn from rows; ``schema`` is inferred when None."""
        ...

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows; equals ``draw(n, rng).rows``."""
        ...

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows with their parents."""
        ...


@runtime_checkable
class Domain(Protocol):
    """Objects that are no rows of a table (texts, images, sounds), and the columns in which a person reads about them.

    A domain is an estimator of scikit-learn's kind: its constructor only keeps its arguments, and ``clone`` copies it.
    Where it has a ``column`` that is not None, its objects are one column of a frame, beside ordinary ones.
    ``objects`` is always a one-dimensional object array ``(n,)`` whose cells are the objects, whatever held them.

    Examples
    --------
    >>> isinstance("a text", Domain)
    False
    """

    def objects(self, X: Any) -> NDArray[np.object_]:
        """The objects ``(n,)`` of a list, Series or array; raises ``InvalidInputError`` for what is no such object."""
        ...

    def restore(self, objects: NDArray[np.object_], like: Any) -> Any:
        """Objects in the container that teachers of this domain are asked with: a list, or an array ``(n, …)``.

        ``like`` is what the user gave to ``fit``, emptied: a list, a Series or an array of no objects.
        """
        ...

    def key(self, value: Any) -> bytes:
        """Content of one object: equal objects have equal bytes."""
        ...

    def columns(self) -> Any:
        """A new transformer: ``fit(objects, P=None, ask=None, classes=None)``, ``transform(objects)``, names.

        ``transform`` gives a frame whose columns have names that a person reads, and ``get_feature_names_out()`` the
        names; ``P`` are the teacher's answers ``(n, k)`` about the objects, or its values. ``ask(objects, parents)``
        asks further, through budget and store, about objects that are changed copies of those at the positions
        ``parents``; None where nobody can be asked. Its ``remaining`` is how many it may still be, or None. Beside
        ``n_listed_``, how many entries the lists of its columns hold, and ``describe()``, which prints them, a
        transformer may do without ``ask`` and ``classes``: they are given where ``fit`` has such an argument.
        ``from_answers_``, where there is one, names the columns that were learnt from the teacher's answers: that one
        of them alone tells the outcome is no sign that it holds it.
        """
        ...

    def sampler(self) -> Any:
        """A new sampler of objects, or None: ``fit(objects, P=None)``, ``draw(n, rng)``.

        ``draw`` gives objects ``(n,)`` and the positions ``(n, q)`` of their parents, -1 where there is none.
        """
        ...

    def silenced(self, objects: NDArray[np.object_], columns: Any, name: str, rng: np.random.Generator) -> Any:
        """The same objects ``(n,)``, in which what one column of the fitted transformer reads says nothing."""
        ...

    def edits(self) -> Mapping[str, Callable[..., Any]]:
        """Named changes ``edit(objects, rng) -> objects``, such as "names swapped".

        The control of one, a change of the same size that should not matter, has its name with ", control" behind.
        """
        ...

    def show(self, value: Any, columns: Any, reasons: pd.DataFrame) -> Any:
        """One object with what counted for a student's answer: text in HTML, or axes of matplotlib.

        ``reasons`` are all lines of the student's ``explain(…, as_frame=True)`` about this object; where the domain has
        an object ``blank`` in which there is nothing, such as ``""``, those about it follow as a second row.
        """
        ...


class Partitions(Protocol):
    """Rows in parts, which may lie on other machines. Everything that is asked of them adds up exactly.

    Notes
    -----
    Partitions whose functions run in other processes have a true attribute ``elsewhere``: what a function changes there
    is not changed here.

    Examples
    --------
    >>> class Parts:
    ...     def __init__(self, parts):
    ...         self.parts = parts
    ...
    ...     def ask(self, function, *arguments, reduce):
    ...         first, *others = (function(part, *arguments) for part in self.parts)
    ...         for other in others:
    ...             first = reduce(first, other)
    ...         return first
    ...
    ...     def step(self, function, *arguments):
    ...         return Parts([function(part, *arguments) for part in self.parts])
    ...
    ...     def __len__(self):
    ...         return len(self.parts)
    >>> parts: Partitions = Parts([np.array([20, 40]), np.array([30])])
    >>> int(parts.step(np.negative).ask(np.sum, reduce=np.add))
    -90
    """

    def ask(self, function: Callable[..., Any], *arguments: Any, reduce: Callable[[Any, Any], Any]) -> Any:
        """``function(part, *arguments)`` of every part, reduced to one small value, joined in any order."""
        ...

    def step(self, function: Callable[..., Any], *arguments: Any) -> Partitions:
        """New partitions, ``function(part, *arguments)`` of each; these stay as they are."""
        ...

    def __len__(self) -> int:
        """Number of parts."""
        ...


@dataclass(frozen=True)
class Complexity:
    """How much there is to read; a count that does not apply is None.

    Three counts mean the same in every family, and are what :func:`explaindistill.best` is given budgets of:

    - ``n_lines``: a line is a leaf, a rule (the default rule is one), a term of a sum, or a condition with points. The
      leaf of a model tree counts a line for each coefficient that applies in it, and at least one.
    - ``n_numbers``: the numbers, and the named levels, that stand in the model: a threshold 1, a set of categories its
      listed levels, a leaf or rule its k - 1 free values (its outputs in regression), a coefficient 1, points 1, a
      curve the place of each knot and its height in each output, a level its name and heights, an intercept 1, the
      curve of a scorecard's risks 2. Names of columns are not numbers.
    - ``n_features``: the columns that the model asks about.

    ``n_listed``, of a student whose columns refer to lists, such as the words of a lexicon, is how many entries there
    are to look up; they are counted apart, and None where there is no list.

    A ``Distiller`` counts as its ``student_``. What joins several students, or a student and its teacher (a router, a
    deferring or an online student), counts nothing itself: each of its students does.

    ``n_parameters`` is what growth goes by: like ``n_numbers``, but the choice of the column that a split asks about
    counts as one more, and levels of terms and their places count only where growth chose them.
    ``mean_path_length`` is weighted by the rows seen in fitting. ``n_bytes`` is the length of the compact JSON of
    ``to_dict()``.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> size = TreeRegressor(max_leaf_nodes=2).fit([[0.0], [1.0]] * 20, [0.0, 1.0] * 20).complexity()
    >>> size.n_leaves, size.n_parameters, size.as_dict()["family"]
    (2, 4, 'tree')
    >>> size.n_lines, size.n_numbers
    (2, 3)
    """

    family: str
    n_parameters: int
    n_features: int
    n_bytes: int
    n_leaves: int | None = None
    n_terms: int | None = None
    depth: int | None = None
    mean_path_length: float | None = None
    n_lines: int | None = None
    n_numbers: int | None = None
    n_listed: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


@runtime_checkable
class Student(Protocol):
    """A scikit-learn estimator that takes soft labels, categories and missing values, and can be read.

    Classification: ``y`` is hard ``(n,)`` or soft ``(n, k)``; regression: ``(n,)``, or ``(n, m)`` if the tags say so.

    Notes
    -----
    A student may have further members. The package looks for them by name, and each may be absent:

    - ``program()``: a ``data.program.Program``, what the student computes. Exports to code, operation counts and the
      what-if panel read it. Absent: only JSON can be exported, and the deployment card says so.
    - ``drawing()``: a ``data.drawing.Drawing``, what the student looks like. ``plot`` and the report draw it. Absent:
      bars of ``importance()`` are drawn.
    - ``apply(X)`` and ``rules()``: the number of the rule or leaf that decides each row ``(n,)``, and a frame with the
      columns ``leaf`` and ``rule`` that puts them into words. Absent: fidelity by rule and the audit of leaves are left
      out.
    - ``shapley(X, background)``: exact Shapley values. Absent: they are sampled.
    - ``regions(X)``: the number of the rule or leaf that decides each row, and the words of each number. Absent: the
      limits of each rule's fidelity rest on ``apply`` and ``rules``, or are left out.
    - ``counterfactual(row)``, ``agreement_intervals(row, teacher)`` and ``reasons(X)``: the nearest row of another
      answer, the values over which a teacher decides alike, and the reasons for a decision.
      Absent: ``Distiller`` does not offer the method.
    - ``toward_labels(frame, answer, labels)``: a callable from a strength to a copy moved toward labels. Absent:
      ``refine`` refuses, and names the method.
    - ``smaller()``: yields pairs of words and a smaller copy; ``on_value_grid(bits)``: a copy whose numbers lie on a
      grid. Absent: ``compress`` rounds digits only.
    - ``recount(X, P, weight)``: replaces the counts of rows that its words state by those of these rows, the real ones
      of a corpus with their answers and weights; None three times where there is none. Absent: its words keep counting
      made-up rows, too.
    - ``fit_notes``: names of the fields of ``to_dict()`` that only describe the fit. Absent: all fields decide answers.

    A scikit-learn estimator that lacks even the members below is a student for ``Distiller`` and ``audit``, too: it is
    fitted to rows that are repeated per class with its probability as weight, and what needs an absent member is left
    out of the report.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from explaindistill import TreeClassifier
    >>> isinstance(TreeClassifier(), Student), isinstance(DecisionTreeClassifier(), Student)
    (True, False)
    """

    accepts_soft_targets: bool

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Student:
        """Fit to raw rows; ``fit`` twice is ``fit`` once."""
        ...

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes ``(n,)``, or values ``(n,)`` or ``(n, m)``."""
        ...

    def describe(self) -> str:
        """The whole model as text that a person reads; its numbers are the numbers that are applied."""
        ...

    def explain(self, X: Any, *, as_frame: bool = False) -> pd.DataFrame:
        """Reasons for each row (one may be a Series or mapping): a short table to be read or quoted, or all in a frame.

        The short table has the columns ``row`` (position), ``term`` (``"(base)"`` first), ``reason`` (words a person
        reads), ``output`` (class, or number of the output in regression) and ``contribution``: of each row the base
        value and the largest reasons in order of size, and in one line, ``"(others)"``, the sum of what is small. Of
        two classes it explains the second, of more the one that is decided. It prints itself in 80 columns.

        With ``as_frame=True``: one line per row, reason and output, with ``step`` (order; 0 is the base value) after
        ``row``.

        In both, contributions of one row and output sum to that output: the probability or value for trees and rules,
        the logit or link for additive and linear models. ``frame.attrs["scale"]`` says which: ``"probability"``,
        ``"value"``, ``"logit"``, ``"log"`` or ``"points"``.
        """
        ...

    def complexity(self) -> Complexity:
        """How much there is to read."""
        ...

    def importance(self) -> pd.DataFrame:
        """Columns ``feature``, ``estimate``: shares of the student's own structure, they sum to 1 (or are all 0)."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """A versioned JSON form; ``from_dict`` of the class reads it without running code."""
        ...
