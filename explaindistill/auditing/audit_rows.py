"""The audited rows and what is known of each: labels, weights, clusters, sensitive columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.auditing.validation import (
    attribute_columns,
    row_values,
    strata_values,
    true_labels,
)
from explaindistill.data.disclosure import disclosed
from explaindistill.data.rows import as_frame
from explaindistill.data.schema import Schema
from explaindistill.data.text_codes import coded
from explaindistill.data.weights import as_weights
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.once import once

__all__ = ["AuditRows", "audit_rows"]


@dataclass(frozen=True)
class AuditRows:
    """The audited rows and what is known of each; ``None`` where it was not passed.

    Attributes
    ----------
    frame : DataFrame of n rows
        In the form of ``schema``.
    y : ndarray of shape (n,), optional
        True labels or values.
    weight, clusters, strata : ndarrays of shape (n,), optional
    attributes : DataFrame of n rows
        Sensitive columns; none where none were named.
    equal_in_value : ndarray of shape (n,)
        Marks rows that equal, in value, some row of fitting without being that row.

    Examples
    --------
    >>> from explaindistill.auditing.validation import decision_rule
    >>> X = pd.DataFrame({"age": range(100), "sex": ["f", "m"] * 50})
    >>> rule = decision_rule(["yes", "no"], "yes", 0.5)
    >>> nothing_else = {"sample_weight": None, "clusters": None, "strata": None}
    >>> rows = audit_rows(X, None, rule, sensitive="sex", **nothing_else)
    >>> len(rows), len(rows.take(X["age"] < 30)), rows.attributes.columns.tolist()
    (100, 30, ['sex'])
    """

    frame: pd.DataFrame
    schema: Schema
    y: Any
    weight: NDArray[np.float64] | None
    clusters: NDArray[Any] | None
    attributes: pd.DataFrame
    strata: NDArray[Any] | None
    equal_in_value: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def coded(self) -> pd.DataFrame:
        """The frame with its text as codes, for what is copied many times; every model of an audit answers it."""
        return coded(self.frame) if self.schema.container == "frame" else self.frame

    def disclosed(self, min_category_size: int) -> Schema:
        """The schema without rare categories and without anybody's extreme; see :func:`disclosed`."""
        key = ("disclosed", min_category_size)
        return once(self.frame, key, lambda: disclosed(self.schema, self.frame, min_category_size))

    def take(self, keep: NDArray[np.bool_]) -> AuditRows:
        """Return the marked rows only."""

        def at(values: Any) -> Any:
            return None if values is None else values[keep]

        return replace(
            self,
            frame=self.frame if keep.all() else self.frame.loc[keep],
            y=at(self.y),
            weight=at(self.weight),
            clusters=at(self.clusters),
            attributes=self.attributes.loc[keep].reset_index(drop=True),
            strata=at(self.strata),
            equal_in_value=self.equal_in_value[keep],
        )

    def counted_attributes(self) -> pd.DataFrame:
        """Sensitive columns of the rows that count: those of weight 0 make no group larger."""
        return self.attributes if self.weight is None else self.attributes.loc[self.weight > 0]

    def sampling(self, keep: NDArray[Any] | None = None) -> dict[str, Any]:
        """Weights and clusters, of all rows or of the chosen ones, as keyword arguments of a measure."""
        rows = {"clusters": self.clusters, "sample_weight": self.weight}
        if keep is None:
            return rows
        return {name: None if values is None else values[keep] for name, values in rows.items()}


def audit_rows(
    X: Any,
    y: ArrayLike | None,
    rule: DecisionRule,
    *,
    sensitive: Any,
    sample_weight: ArrayLike | None,
    clusters: ArrayLike | None,
    strata: Any,
) -> AuditRows:
    """The caller's rows in one form; see the functions of `validation` for what is refused.

    Examples
    --------
    >>> from explaindistill.auditing.validation import decision_rule
    >>> X = pd.DataFrame({"age": range(100), "sex": ["f", "m"] * 50})
    >>> rule = decision_rule(["yes", "no"], "yes", 0.5)
    >>> nothing_else = {"sample_weight": None, "clusters": None, "strata": None}
    >>> rows = audit_rows(X, None, rule, sensitive="sex", **nothing_else)
    >>> rows.frame.shape, rows.weight is None, rows.schema["sex"].sensitive
    ((100, 2), True, True)
    """
    rows = as_frame(X)
    attributes = attribute_columns(sensitive, rows)
    schema = Schema.infer(X, sensitive=[c for c in attributes.columns if c in rows.columns])
    return AuditRows(
        frame=schema.frame(X),
        schema=schema,
        y=true_labels(y, len(rows), rule.classes),
        weight=None if sample_weight is None else as_weights(sample_weight, len(rows)),
        clusters=None if clusters is None else row_values(clusters, rows, "groups"),
        attributes=attributes,
        strata=None if strata is None else strata_values(strata, rows),
        equal_in_value=np.zeros(len(rows), dtype=bool),
    )
