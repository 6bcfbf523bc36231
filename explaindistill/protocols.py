"""The whole contract on one page: what a teacher, a sampler and a student can be asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Complexity", "Draw", "Sampler", "Student", "Task", "Teacher"]

Task = Literal["classification", "regression"]


@runtime_checkable
class Teacher(Protocol):
    """A black box that is asked, and never trained, copied or left in another mode.

    ``classes_`` is None for regression. ``fingerprint`` names the answers a label store may keep: two
    teachers with one fingerprint give the same answers; None means "cannot tell, do not store".
    ``__sklearn_clone__`` returns the teacher itself, so that grid search neither unfits nor copies it.

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


@dataclass(frozen=True)
class Complexity:
    """How much there is to read; a count that does not apply is None.

    ``n_parameters`` counts numbers a person would have to write down: a numeric split costs 2 (feature
    and threshold), a category-set split min(left, right) + 1, a leaf its k - 1 free values, a term its
    coefficients. ``mean_path_length`` is weighted by the rows seen in fitting. ``n_bytes`` is the length of the
    compact JSON of ``to_dict()``.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> told = TreeRegressor(max_leaf_nodes=2).fit([[0.0], [1.0]] * 20, [0.0, 1.0] * 20).complexity()
    >>> told.n_leaves, told.n_parameters, told.as_dict()["family"]
    (2, 4, 'tree')
    """

    family: str
    n_parameters: int
    n_features: int
    n_bytes: int
    n_leaves: int | None = None
    n_terms: int | None = None
    depth: int | None = None
    mean_path_length: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


@runtime_checkable
class Student(Protocol):
    """A scikit-learn estimator that takes soft labels, categories and missing values, and can be read.

    Classification: ``y`` is hard ``(n,)`` or soft ``(n, k)``; regression: ``(n,)``, or ``(n, m)`` if the tags say so.

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

    def explain(self, X: Any) -> pd.DataFrame:
        """Reasons for each row: one tidy frame, one line per row, reason and output.

        Columns: ``row`` (position), ``step`` (order; 0 is the base value), ``term`` (``"(base)"`` first), ``reason``
        (words a person reads), ``output`` (class, or number of the output in regression) and ``contribution``.
        Contributions of one row and output sum to that output: the probability or value for trees and rules, the
        logit or link for additive and linear models. ``frame.attrs["scale"]`` says which: ``"probability"``,
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
