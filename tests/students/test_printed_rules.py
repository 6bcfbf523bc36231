"""Printed rules, read back from their text alone, answer as ``predict`` does: on strange names, levels and values."""

import numpy as np
import pandas as pd
import pytest

from explaindistill import ModelTreeRegressor, RuleListClassifier, RuleListRegressor, TreeClassifier, TreeRegressor
from explaindistill.data.literals import Literal, conjunction, level_words, name_words
from explaindistill.data.schema import Feature, Schema

NAMES = [
    "in or out",
    "a <= b",
    'say "x"',
    "is missing",
    "and",
    "x{1}, y",
    "line\nbreak",
    "3",
    "hours per week",
    "naïve-%",
]
LEVELS = ["missing", "a, b", 'q"uote', "not in {x}", "", " ", "A", "a", "or missing", "back\\slash", "und\u202ebidi"]


def strange(n=600, seed=0):
    rng = np.random.default_rng(seed)
    level, grade = rng.choice(LEVELS, n).astype(object), rng.choice(["low", "mid, high", "top"], n)
    frame = pd.DataFrame(
        {
            NAMES[0]: rng.normal(0, 1, n),
            NAMES[1]: level,
            NAMES[2]: rng.integers(0, 9, n),
            NAMES[3]: pd.Categorical(grade, ["low", "mid, high", "top"], ordered=True),
            NAMES[4]: rng.random(n) < 0.4,
            NAMES[5]: pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 4000, n), unit="h"),
            NAMES[6]: pd.Categorical(rng.choice([10, 20, 30], n)),
            NAMES[7]: rng.exponential(1e-9, n),
            NAMES[8]: rng.integers(2**53 - 9, 2**53, n),
            NAMES[9]: rng.choice([-1e99, 0.1 + 0.2, 1e99], n),
        }
    )
    for name in (NAMES[0], NAMES[1], NAMES[3], NAMES[5], NAMES[6]):
        frame.loc[rng.random(n) < 0.12, name] = None
    return frame


def target(X, which):
    """One of several targets, each of which makes other columns count."""
    a, c, k, o, f, t, m, tiny, whole, far = (X[name] for name in NAMES)
    order = o.cat.codes.to_numpy()
    sums = [
        np.where(a.isna(), 1.5, a) + 2.0 * c.isin(LEVELS[::2]) + 1.2 * c.isna(),
        0.4 * k + 1.5 * f + (t > pd.Timestamp("2024-03-01")).astype(float) * 2 + t.isna() * 3.0,
        1.5 * order + 2.0 * m.isin([10, 30]) + tiny * 1e9 + m.isna(),
        (whole > 2**53 - 5) * 2.0 + (far > 0) * 1.0 + 1.1 * (c == "missing") + 1.3 * (c == ""),
    ]
    return np.asarray(sums[which], dtype=float)


ORDERS = {NAMES[3]: ["low", "mid, high", "top"]}
ASKED = [(student, which) for which in range(4) for student in ("tree", "classes", "list", "list of numbers")]


def asked_rows():
    """Rows of another draw, with levels that fitting has not seen, and missing values where fitting has seen some."""
    X = strange(300, seed=1)
    X.loc[X.index[:20], NAMES[1]] = "never seen"
    return X


@pytest.mark.parametrize(("student", "which"), ASKED)
def test_the_rules_of_a_tree_or_list_read_back(student, which, printed):
    X, Z = strange(), asked_rows()
    y = target(X, which)
    if student in ("tree", "classes"):
        tree = TreeRegressor(max_leaf_nodes=9) if student == "tree" else TreeClassifier(max_leaf_nodes=9)
        tree.fit(X, y if student == "tree" else y > np.median(y))
        leaf = tree.apply(Z)
        rules = tree.rules().set_index("leaf")["rule"]
        assert len(rules) > 3
        for node, rule in rules.items():
            assert printed.holds(Z, rule, ORDERS) == (leaf == node).tolist(), rule
        return
    rules = (
        RuleListClassifier(max_rules=5).fit(X, y > np.median(y))
        if student == "list"
        else RuleListRegressor(max_rules=5).fit(X, y)
    )
    table = rules.table(X, y > np.median(y) if student == "list" else y).drop_duplicates("rule")
    conditions = [c for c in table["condition"] if c != "(default)"]
    met = np.array([printed.holds(Z, c, ORDERS) for c in conditions])
    first = np.where(met.any(axis=0), met.argmax(axis=0), len(conditions))
    assert first.tolist() == rules.rules_.deciding(Z).tolist()


@pytest.mark.parametrize("which", range(4))
def test_the_questions_of_a_model_tree_read_back(which, printed):
    X, Z = strange(), asked_rows()
    student = ModelTreeRegressor(max_leaf_nodes=5).fit(X, target(X, which))
    model = student.tree_
    columns = model.columns(Z)
    questions = [(v, node) for v, node in enumerate(model.nodes) if node.feature >= 0]
    for _, node in questions:
        feature = model.schema[node.feature]
        left = node.goes_left(columns[node.feature])
        seen = feature.nullable | ~np.isnan(columns[node.feature])  # of missing values nothing is said elsewhere
        for side, text in ((left, node.question(feature, True)), (~left, node.question(feature, False))):
            assert (np.array(printed.holds(Z, text, ORDERS))[seen] == side[seen]).all(), text


def test_one_meaning_of_missing_and_brackets_around_it():
    schema = Schema(
        (Feature("income", "integer", nullable=True), Feature("a or b", "categorical", categories=("x", "y")))
    )
    literals = [Literal(0, high=2570.0, missing=True), Literal(1, codes=(0,), inside=False)]
    assert conjunction(literals, schema) == '(income <= 2570, or missing) and "a or b" is not "x"'
    assert conjunction(literals[:1], schema) == "income <= 2570, or missing"
    assert conjunction([], schema) == "always"


@pytest.mark.parametrize("name", NAMES)
def test_names_read_back(name, printed):
    assert printed.Reader(name_words(name)).words() == name


@pytest.mark.parametrize("level", [*LEVELS, "\ud800", 3, 2.5, True])
def test_levels_read_back(level, printed):
    text, quoted = printed.Reader(level_words(level)).level()
    assert text == str(level)
    assert quoted == isinstance(level, str)
    assert level_words(level).isprintable()


def test_every_kind_of_literal_reads_back(printed):
    number, order = Feature("n", "numeric", nullable=True), Feature("o", "ordered", categories=("s", "m", "l"))
    X = pd.DataFrame({"n": [1.0, 2.5, np.nan, 4.0], "o": ["s", "m", "l", None]})
    known, missing = (~X["n"].isna()).tolist(), X["n"].isna().tolist()
    cases = [
        (Literal(0), number, known),
        (Literal(0, missing=True), number, [True] * 4),
        (Literal(0, np.inf, np.inf, missing=True), number, missing),
        (Literal(0, 1.0, 2.5), number, [False, True, False, False]),
        (Literal(1, high=1.0), order, [True, True, False, False]),
        (Literal(1, low=0.0, missing=True), order, [False, True, True, True]),
    ]
    for literal, feature, wanted in cases:
        assert printed.holds(X, literal.words(feature), {"o": ["s", "m", "l"]}) == wanted, literal.words(feature)
