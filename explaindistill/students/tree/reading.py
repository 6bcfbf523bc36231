"""What classification and regression trees have in common once they are fitted: how they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.notebook import html_in_notebook, mimebundle
from explaindistill.data.rows import one_or_more
from explaindistill.data.target_names import value_name
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Attributes, Complexity, Rows
from explaindistill.students._explaining.short_table import short_table
from explaindistill.students._form import check_header, compact_bytes, header, plain, reader
from explaindistill.students._intake import rows
from explaindistill.students.tree import occupants as people
from explaindistill.students.tree import words
from explaindistill.students.tree.compiled import CompiledTree
from explaindistill.students.tree.model import TreeModel
from explaindistill.students.tree.picture import plot, svg

__all__ = ["ReadableTree"]


class ReadableTree:
    """Reading a fitted tree: needs ``tree_``, and ``classes_`` for a classifier."""

    tree_: TreeModel
    target_name_: str | None
    plot = plot
    fit_notes: ClassVar = {"nodes": ("gain", "n", "observed", "share", "weight")}
    """Fields of the form that decide no answer: ``export.json`` can leave them out."""
    svg = svg
    _repr_mimebundle_ = mimebundle
    _repr_html_ = html_in_notebook

    def apply(self, X: Rows) -> NDArray[np.int64]:
        """Number of the leaf ``(n,)`` that each row falls into."""
        frame = rows(self, X)
        return self.tree_.route(frame, self.n_jobs)  # type: ignore[attr-defined]  # the estimator's parameter

    def describe(
        self,
        X: Rows | None = None,
        sensitive: Attributes | None = None,
        *,
        min_group_size: int = 10,
        decide: Callable[[Sequence[float]], int] | None = None,
    ) -> str:
        """Return the tree as indented text: conditions in the user's units, what each leaf says, its share of rows.

        Parameters
        ----------
        X, sensitive, min_group_size : see :meth:`occupants`
            With both frames each leaf also says who is in it.
        decide : callable, optional
            From a leaf's probabilities to the position of the class that it decides, where that is not the most
            probable one.
        """
        check_is_fitted(self)
        who = {leaf: people.words(of) for leaf, of in self._who(X, sensitive, min_group_size).items()}
        return words.outline(
            self.tree_, self._spoken_outputs(), hasattr(self, "classes_"), who, decide, self.target_name_
        )

    def recount(self, X: Rows | None, P: ArrayLike | None, weight: ArrayLike | None) -> None:
        """Count the real rows of the fit, of which :meth:`describe` and drawings then speak, and not of made-up ones.

        Parameters
        ----------
        X : rows of fitting that are real, or None where all were made up
        P, weight : their targets and weights; not needed for a tree.
        """
        leaf = np.zeros(0, dtype=np.int64) if X is None else self.apply(X)
        self.tree_ = self.tree_.with_observed(leaf)

    def occupants(self, X: Rows, sensitive: Attributes, *, min_group_size: int = 10) -> pd.DataFrame:
        """Who is in each leaf.

        Parameters
        ----------
        X : DataFrame or array of n rows
        sensitive : DataFrame of n rows, Series, or names of columns of X
            The attributes; missing values are a group of their own. The tree itself need not know them.
        min_group_size : int, at least 1
            Groups with fewer rows in a leaf are withheld, and with them the smallest others that would tell their
            size.

        Returns
        -------
        DataFrame
            Columns ``leaf``, ``attribute``, ``group``, ``n`` (rows of the group in the leaf), ``share`` (of the leaf's
            rows), ``overall`` (of all rows), ``status`` (``ok``, or ``suppressed``: then ``n`` and ``share`` are NaN).
        """
        if isinstance(sensitive, str) or (not hasattr(sensitive, "columns") and not isinstance(sensitive, pd.Series)):
            wanted: Any = sensitive
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            gone = [n for n in names if n not in getattr(X, "columns", ())]
            if gone:
                raise InvalidInputError(f"sensitive names columns that X does not have: {', '.join(map(str, gone))}")
            frame: Any = X
            sensitive = frame[names]
        return people.occupants(self.apply(X), self.tree_.leaves, sensitive, min_group_size)

    def _who(self, X: Any, sensitive: Any, min_group_size: int) -> dict[int, list[dict[str, Any]]]:
        if sensitive is None:
            return {}
        if X is None:
            raise InvalidInputError("sensitive needs X, the rows that it speaks about; got sensitive without X")
        return people.by_leaf(self.occupants(X, sensitive, min_group_size=min_group_size))

    def rules(self) -> pd.DataFrame:
        """One row per leaf.

        Returns
        -------
        DataFrame
            Columns ``leaf`` (number, as :meth:`apply` gives it), ``rule`` (all that must hold), ``n`` (fitting rows),
            ``share`` (of their weight), for classifiers ``prediction``, then one column per class or output.
        """
        check_is_fitted(self)
        return words.rule_table(self.tree_, self._outputs(), getattr(self, "classes_", None))

    def regions(self, X: Rows) -> tuple[NDArray[np.int64], dict[int, str]]:
        """Leaf ``(n,)`` of each row, and what must hold in each leaf."""
        table = self.rules()
        return self.apply(X), dict(zip(table["leaf"].tolist(), table["rule"], strict=True))

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """Give the reasons of each row: what each split on its path adds, the largest first.

        Parameters
        ----------
        X : DataFrame or array of shape (n, d)
        as_frame : bool, default=False
            Every split of the path, in its order, for every output.

        Returns
        -------
        DataFrame
            See :meth:`explaindistill.protocols.Student.explain`; the contributions of a row and output sum to the
            probability or value that is predicted.
        """
        frame = words.reasons(self.tree_, self.apply(one_or_more(X)), self._outputs())
        frame.attrs["scale"] = "probability" if hasattr(self, "classes_") else "value"
        return frame if as_frame else short_table(self, frame)

    def complexity(self) -> Complexity:
        """Count what there is to read: leaves, depth, parameters, columns, mean path length, bytes."""
        check_is_fitted(self)
        tree = self.tree_
        leaves = tree.leaves
        outputs = tree.value.shape[1]
        n_parameters = words.parameters(tree, outputs - 1 if hasattr(self, "classes_") else outputs)
        return Complexity(
            family="tree",
            n_parameters=n_parameters,
            n_features=len(tree.used),
            n_bytes=compact_bytes(self.to_dict()),
            n_leaves=len(leaves),
            depth=int(tree.depth.max()),
            mean_path_length=float(tree.depth[leaves] @ tree.weight[leaves] / tree.weight[0]),
            n_lines=len(leaves),
            n_numbers=n_parameters - (len(leaves) - 1),  # the column of each split is a name
        )

    def importance(self) -> pd.DataFrame:
        """Share of each column in the drop of the squared error by the tree's splits.

        Returns
        -------
        DataFrame
            Columns ``feature``, ``estimate``; the largest first; they sum to 1, or are all 0 for a single leaf.
        """
        check_is_fitted(self)
        inner = self.tree_.feature >= 0
        drop = np.bincount(self.tree_.feature[inner], self.tree_.gain[inner], minlength=len(self.tree_.schema))
        total = drop.sum()
        frame = pd.DataFrame(
            {"feature": self.tree_.schema.names, "estimate": drop / total if total > 0 else drop * 0.0}
        )
        return frame.sort_values(["estimate", "feature"], ascending=[False, True], ignore_index=True)

    def compile(self) -> CompiledTree:
        """Return the tree as plain Python, for one row at a time: ``compile().one({"age": 41, …})``."""
        check_is_fitted(self)
        return CompiledTree(self.tree_, self._outputs(), hasattr(self, "classes_"))

    def sketch(
        self, X: Rows | None = None, sensitive: Attributes | None = None, *, min_group_size: int = 10
    ) -> dict[str, Any]:
        """Return the tree nested for drawing.

        Parameters
        ----------
        X, sensitive, min_group_size : see :meth:`occupants`

        Returns
        -------
        dict
            ``text`` (condition, or what a leaf says), ``edge`` (``"yes"`` or ``"no"``, the answer that leads here),
            ``share`` and ``n`` of rows, ``value`` (probability of the last class, or None), ``values``, ``who`` (of a
            leaf, for each attribute its groups with ``share``, None where withheld), ``children``.
        """
        check_is_fitted(self)
        return self._sketch(0, "", self._who(X, sensitive, min_group_size))

    def _sketch(self, node: int, edge: str, who: Mapping[int, list[dict[str, Any]]]) -> dict[str, Any]:
        """One node and what is below it; see :meth:`sketch`."""
        tree, outputs = self.tree_, self._outputs()
        count, share, _ = tree.shown
        values = tree.value[node]
        is_classifier = hasattr(self, "classes_")
        leaf = tree.feature[node] < 0
        top = int(values.argmax())
        answer = f"{outputs[top]} {values[top]:.2f}" if is_classifier else ", ".join(f"{v:.4g}" for v in values)
        below = [] if leaf else [(int(tree.left[node]), "yes"), (int(tree.right[node]), "no")]
        return {
            "text": answer if leaf else words.condition(tree, [(node, True)]),
            "edge": edge,
            "share": float(share[node]),
            "n": int(count[node]),
            "value": float(values[-1]) if is_classifier else None,
            "values": dict(zip(map(str, outputs), values.tolist(), strict=True)),
            "who": who.get(node, []),
            "children": [self._sketch(child, side, who) for child, side in below],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return a versioned JSON form that :meth:`from_dict` reads without running code."""
        check_is_fitted(self)
        parameters = {k: plain(v) for k, v in self.get_params().items() if k != "classes"}  # type: ignore[attr-defined]  # scikit-learn's
        classes = getattr(self, "classes_", None)
        return {
            **header(self, "tree"),
            "parameters": json.loads(json.dumps(parameters, default=list)),
            "classes": None if classes is None else classes.tolist(),
            "shrinkage": float(self.shrinkage_),  # type: ignore[attr-defined]  # the estimator's
            "named": hasattr(self, "feature_names_in_"),
            **self.tree_.to_dict(),
        }

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`.

        Raises
        ------
        InvalidInputError
            If the form is of another kind or version.
        """
        check_header(cls, "tree", data)
        student: Any = cls(**data["parameters"])
        student.tree_ = TreeModel.from_dict(data)
        student.shrinkage_ = float(data.get("shrinkage", 0.0))
        student.schema_ = student.tree_.schema
        student.n_features_in_ = len(student.schema_)
        if data["named"]:
            student.feature_names_in_ = np.array(student.schema_.names, dtype=object)
        if data["classes"] is None:
            student.n_outputs_ = student.tree_.value.shape[1]
        else:
            student.classes_ = np.array(data["classes"])
        return student

    def _outputs(self) -> list[Any]:
        classes = getattr(self, "classes_", None)
        if classes is not None:
            return list(classes.tolist())
        m = self.tree_.value.shape[1]
        return [value_name(None, k, m) for k in range(m)]

    def _spoken_outputs(self) -> list[Any]:
        """Outputs as a text names them; columns of frames and keys of JSON stay what they are."""
        m = self.tree_.value.shape[1]
        is_classifier = hasattr(self, "classes_")
        return self._outputs() if is_classifier else [value_name(self.target_name_, k, m) for k in range(m)]
