"""The rule of counting in several classes, by somebody who knows only the rule."""

import numpy as np
import pandas as pd

from explaindistill import GAMClassifier, LinearClassifier, RuleListClassifier, TreeClassifier


def three_classes(n=600):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "home": rng.choice(["own", "rent", "free"], n)})
    z = np.column_stack([2 * X["a"], 2 * X["b"], 2.0 * (X["home"] == "own")])
    P = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return X, P


def test_a_leaf_and_a_rule_count_two_free_values_of_three_classes():
    X, P = three_classes()
    tree = TreeClassifier(max_leaf_nodes=4).fit(X[["a", "b"]], P).complexity()
    assert (tree.n_lines, tree.n_numbers) == (4, 3 + 4 * 2)
    rules = RuleListClassifier(max_rules=2).fit(X[["a"]], P)
    bounds = sum(np.isfinite([c.low, c.high]).sum() for rule in rules.rules_.rules for c in rule.literals)
    assert rules.complexity().n_numbers == bounds + 2 * rules.complexity().n_lines


def test_a_level_is_named_once_and_has_a_number_for_each_class_that_uses_it():
    X, P = three_classes()
    linear = LinearClassifier().fit(X, P)
    table = linear.coefficients()
    levels = table.loc[table["term"].str.contains('home = "'), "term"].nunique()
    assert levels >= 1
    assert linear.complexity().n_numbers == len(table) + levels


def test_a_knot_has_one_place_and_a_height_for_each_class():
    X, P = three_classes()
    gam = GAMClassifier(n_knots=6).fit(X, P)
    numbers = 3  # intercepts
    for shape in gam.shapes_:
        heights = np.isfinite(shape.seen_values()).sum()
        assert heights % 3 == 0
        numbers += heights + heights // 3
    size = gam.complexity()
    assert (size.n_lines, size.n_numbers, size.n_features) == (3, numbers, 3)
