"""All families of students at the sizes that a person may still read: who stands on a frontier by default."""

from __future__ import annotations

from typing import Any

__all__ = ["default_students"]

LEAVES = (4, 8, 16, 32, 64)
TERMS = (2, 4, 8, 16, 32)
RULES = (2, 4, 8)
CURVES = ((2, 4), (4, 8), (8, 16))
"""Terms and knots of the smaller sums of curves: a curve costs two numbers a knot, so that few terms on few knots are
as short as a linear student, and the default's 32 knots are far to the right."""
CONDITIONS = (3, 6, 10)
MODEL_LEAVES = (2, 3, 5)
LEAF_TERMS = 4
"""Terms in each leaf of a model tree: beyond these its sums are read no more quickly than a longer tree."""


def default_students(n_classes: int | None) -> dict[str, Any]:
    """Trees, rule lists, sparse linear models, sums of curves, model trees, and scorecards where there are two classes.

    Parameters
    ----------
    n_classes : int or None
        None for regression.

    Returns
    -------
    dict of name to unfitted student

    Examples
    --------
    >>> list(default_students(None))[:6]
    ['tree, 4 leaves', 'tree, 8 leaves', 'tree, 16 leaves', 'tree, 32 leaves', 'tree, 64 leaves', 'rules, 2']
    >>> len(default_students(None)), len(default_students(2))
    (20, 23)
    """
    from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
    from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
    from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
    from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
    from explaindistill.students.scorecard.estimators import ScorecardClassifier
    from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

    tree, rules, linear, curves, model_tree = (
        (TreeRegressor, RuleListRegressor, LinearRegressor, GAMRegressor, ModelTreeRegressor)
        if n_classes is None
        else (TreeClassifier, RuleListClassifier, LinearClassifier, GAMClassifier, ModelTreeClassifier)
    )
    students: dict[str, Any] = {f"tree, {n} leaves": tree(max_leaf_nodes=n) for n in LEAVES}
    students |= {f"rules, {n}": rules(max_rules=n) for n in RULES}
    students |= {f"linear, {n} terms": linear(max_terms=n) for n in TERMS}
    students |= {f"gam, {n} terms of {m} knots": curves(max_terms=n, n_knots=m) for n, m in CURVES}
    students["gam"] = curves()
    # the frontier itself compares sizes on rows that were held out: folds inside would only cost time
    students |= {
        f"model tree, {n} leaves": model_tree(max_leaf_nodes=n, max_leaf_features=LEAF_TERMS, n_folds=0)
        for n in MODEL_LEAVES
    }
    if n_classes == 2:
        students |= {f"scorecard, {n} conditions": ScorecardClassifier(max_terms=n) for n in CONDITIONS}
    return students
