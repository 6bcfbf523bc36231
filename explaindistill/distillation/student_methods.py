"""What a Distiller hands on to its fitted student: words, pictures, rules, counts, by the student's own methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.notebook import html_in_notebook, mimebundle
from explaindistill.data.rows import one_or_more
from explaindistill.protocols import Attributes, Complexity, Rows

__all__ = ["StudentMethods", "student_has"]


def student_has(method: str) -> Callable[[Any], bool]:
    """Condition of ``available_if``: the fitted student, or before fitting the student given, has ``method``."""

    def check(self: Any) -> bool:
        getattr(getattr(self, "student_", self.student), method)
        return True

    return check


class StudentMethods:
    """Methods of the fitted student, each there where the student has it.

    Rows are those of the teacher: columns that the student does not see are taken out on the way.

    Examples
    --------
    >>> import numpy as np
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 100)})
    >>> step = lambda X: np.where(X["x"] > 0.5, 1.0, 0.0)
    >>> distiller = xd.Distiller(step, xd.TreeRegressor(max_leaf_nodes=2), n_queries=100).fit(X)
    >>> distiller.complexity().n_lines, distiller.rules()["n"].tolist(), hasattr(distiller, "terms")
    (2, [50, 50], False)
    """

    student: Any
    student_: Any
    _student_rows: Callable[[Any], Any]
    _of_objects: bool
    _lists: str
    _n_listed: int | None
    _repr_mimebundle_ = mimebundle
    _repr_html_ = html_in_notebook

    def describe(self) -> str:
        """The student in words; see the student's own ``describe``. Lists that columns refer to stand below."""
        check_is_fitted(self)
        lists = self._lists
        return "\n\n".join([str(self.student_.describe()), *([lists] if lists else [])])

    def explain(self, X: Rows, **how: Any) -> pd.DataFrame:
        """Reasons of the student for each row, or for one as a Series or mapping; see the student's own ``explain``."""
        return self.student_.explain(self._student_rows(X if self._of_objects else one_or_more(X)), **how)

    @available_if(student_has("reasons"))
    def reasons(self, X: Rows, **wanted: Any) -> pd.DataFrame:
        """Reason codes of the student for each row, in order of weight; see the student's own ``reasons``."""
        if wanted.get("reference") is not None:
            wanted["reference"] = self._student_rows(wanted["reference"])
        return self.student_.reasons(self._student_rows(X), **wanted)

    @available_if(student_has("shapley"))
    def shapley(self, X: Rows, background: Rows, **how: Any) -> Any:
        """Exact Shapley values of the student; see the student's own ``shapley``."""
        return self.student_.shapley(self._student_rows(X), self._student_rows(background), **how)

    @available_if(student_has("complexity"))
    def complexity(self) -> Complexity:
        """How much of the student there is to read; see the student's own ``complexity``."""
        check_is_fitted(self)
        size = self.student_.complexity()
        return size if self._n_listed is None else replace(size, n_listed=self._n_listed)

    @available_if(student_has("importance"))
    def importance(self) -> pd.DataFrame:
        """How much each column that the student sees matters to it; see the student's own ``importance``."""
        check_is_fitted(self)
        return self.student_.importance()

    @available_if(student_has("rules"))
    def rules(self) -> pd.DataFrame:
        """One row per leaf or rule; see the student's own ``rules``."""
        check_is_fitted(self)
        return self.student_.rules()

    @available_if(student_has("terms"))
    def terms(self) -> pd.DataFrame:
        """One row per term; see the student's own ``terms``."""
        check_is_fitted(self)
        return self.student_.terms()

    @available_if(student_has("to_dict"))
    def to_dict(self) -> dict[str, Any]:
        """The student as plain values; see the student's own ``to_dict``."""
        check_is_fitted(self)
        return self.student_.to_dict()

    @available_if(student_has("occupants"))
    def occupants(self, X: Rows, sensitive: Attributes, **limits: Any) -> pd.DataFrame:
        """Who is in each leaf; see the student's own ``occupants``.

        ``sensitive`` may name columns of ``X`` that the student does not see.
        """
        return self.student_.occupants(self._student_rows(X), columns_of(sensitive, X), **limits)

    @available_if(student_has("plot"))
    def plot(self, *where: Any, X: Rows | None = None, sensitive: Attributes | None = None, **how: Any) -> Any:
        """Matplotlib Axes with the picture of the student; see the student's own ``plot``.

        ``X`` and ``sensitive``, of a tree that shows who is in each leaf, are rows of the teacher.
        """
        check_is_fitted(self)
        if X is not None:
            how |= {"X": self._student_rows(X), "sensitive": columns_of(sensitive, X)}
        elif sensitive is not None:
            how["sensitive"] = sensitive
        return self.student_.plot(*where, **how)


def name_target(student: Any, name: str | None) -> None:
    """Tell a student of ours what its answers are; another one has no word for it.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.0], [3.0]], [0.0, 1.0])
    >>> name_target(tree, "price in €")
    >>> tree.describe().splitlines()[0]
    'tree for price in €: 2 leaves on 1 column, depth 1, fitted to 2 rows'
    """
    last = student[-1] if hasattr(student, "steps") else student
    if name and hasattr(last, "target_name_"):
        last.target_name_ = name


def columns_of(sensitive: Attributes, X: Rows) -> Any:
    """The attributes themselves where they are named as columns of ``X``; else as they were given.

    Examples
    --------
    >>> X = pd.DataFrame({"sex": ["f", "m"], "age": [1, 2]})
    >>> columns_of("sex", X)["sex"].tolist(), columns_of(["height"], X)
    (['f', 'm'], ['height'])
    """
    names = [sensitive] if isinstance(sensitive, str) else sensitive
    if isinstance(names, list | tuple) and isinstance(X, pd.DataFrame) and all(n in X.columns for n in names):
        return X[list(names)]
    return sensitive
