"""Who is in each leaf: counts equal a cross table, small groups are withheld and cannot be worked out."""

import re
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill import plots
from explaindistill.errors import InvalidInputError
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor
from explaindistill.students.tree.occupants import MOST_CELLS, _hidden

mpl.use("agg")


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"age": rng.integers(18, 80, 900), "income": rng.normal(size=900)})
    sensitive = pd.DataFrame({"sex": rng.choice(list("fm"), 900), "origin": rng.choice(list("abc"), 900)})
    sensitive.loc[rng.random(900) < 0.2, "origin"] = None
    p = np.where(X.age > 50, 0.9, np.where(X.income > 0, 0.7, 0.2))
    return TreeClassifier(4, classes=["no", "yes"]).fit(X, np.c_[1 - p, p]), X, sensitive


def test_counts_are_a_cross_table(case):
    tree, X, sensitive = case
    found = tree.occupants(X, sensitive)
    assert list(found) == ["leaf", "attribute", "group", "n", "share", "overall", "status"]
    leaf = tree.apply(X)
    for attribute in sensitive:
        part = found[found.attribute == attribute].set_index(["leaf", "group"])
        table = pd.crosstab(leaf, sensitive[attribute].fillna("missing"))
        for (node, group), row in part.iterrows():
            assert row.n == table.loc[node, group]
            assert row.share == table.loc[node, group] / table.loc[node].sum()
            assert row.overall == table[group].sum() / len(X)
    assert (found.status == "ok").all()
    assert set(found.leaf) == set(tree.tree_.leaves)


def test_names_of_columns_and_a_series_do_as_well(case):
    tree, X, sensitive = case
    wide = X.assign(sex=sensitive.sex)
    expected = tree.occupants(X, sensitive[["sex"]])
    pd.testing.assert_frame_equal(tree.occupants(X, sensitive.sex), expected)
    knowing = TreeClassifier(3).fit(wide, tree.predict(X))
    by_name = knowing.occupants(wide, "sex")
    pd.testing.assert_frame_equal(by_name, knowing.occupants(wide, ["sex"]))
    pd.testing.assert_frame_equal(by_name, knowing.occupants(wide, sensitive[["sex"]]))


@pytest.mark.parametrize(("n", "name"), [(3, "(other)"), (7, "x")])
def test_small_groups_are_withheld_everywhere(case, n, name):
    tree, X, _ = case
    rare = pd.DataFrame({"sex": np.where(np.arange(len(X)) % 2, "m", "f")})
    rare.loc[: n - 1, "sex"] = "x"
    found = tree.occupants(X, rare, min_group_size=10)
    withheld = found[found.status == "suppressed"]
    assert (found.status == np.where(found.n.isna(), "suppressed", "ok")).all()
    assert set(found[found.group == name].status) == {"suppressed"}
    assert withheld.share.isna().all()
    # the rest of a leaf would tell: another group of it is withheld too
    assert (withheld.groupby("leaf").size() >= 2).all()
    text = tree.describe(X, rare)
    assert re.search(rf"{re.escape(name)}[^:%\n]*: too few to show", text)
    root = tree.sketch(X, rare)
    assert any(g["share"] is None for leaf in _leaves(root) for e in leaf["who"] for g in e["groups"])


def _leaves(node):
    return [leaf for c in node["children"] for leaf in _leaves(c)] if node["children"] else [node]


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 6), st.integers(2, 4), st.integers(0, 1000))
def test_withheld_counts_do_not_follow_from_the_rest(n_leaves, n_groups, seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 40, (n_leaves, n_groups))
    hidden = _hidden(counts, 8)
    assert hidden[counts < 8].all() or (counts.sum(axis=1) == 0).any()
    _assert_untold(counts, hidden)


def _assert_untold(counts, hidden):
    # cells as unknowns, margins and shown cells as equations: no hidden cell's value is fixed by them
    cells = np.arange(counts.size).reshape(counts.shape)
    rows = [np.isin(np.arange(counts.size), line).astype(float) for line in (*cells, *cells.T)]
    rows += [np.eye(counts.size)[c] for c in cells[~hidden]]
    null = np.linalg.svd(np.array(rows))
    rank = int((null[1] > 1e-9).sum())
    free = null[2][rank:]
    assert (np.abs(free[:, cells[hidden]]).max(axis=0, initial=0) > 1e-9).all()


def test_many_cells_are_withheld_leaf_by_leaf():
    counts = np.full((MOST_CELLS // 2, 4), 50)
    counts[7, 2] = 3
    counts[9, 1] = 11
    hidden = _hidden(counts, 10)
    assert hidden[7].all()
    assert hidden[9].all()  # the smallest other leaf, since a single one would follow from the totals
    assert hidden.sum() == 8
    assert not _hidden(np.full((MOST_CELLS // 2, 4), 50), 10).any()


def test_words_and_pictures_say_who(case):
    tree, X, sensitive = case
    leaf = tree.apply(X)
    first = tree.tree_.leaves[0]
    share = (sensitive.sex[leaf == first] == "f").mean()
    overall = (sensitive.sex == "f").mean()
    assert f"sex: f {100 * share:.1f} % (of all {100 * overall:.1f} %)" in tree.describe(X, sensitive)
    assert "sex" not in tree.describe()
    ax = tree.plot(plots.figure().subplots(), X=X, sensitive=sensitive)
    texts = [t.get_text() for t in ax.texts]
    assert any(t.startswith(f"sex: f {100 * share:.0f} %") for t in texts)
    shares = tree.tree_.weight / tree.tree_.weight[0]
    for node in range(1, len(shares)):
        assert sum(t.endswith(f", {100 * shares[node]:.0f} %") for t in texts) >= 1
    drawing = tree.svg(X=X, sensitive=sensitive)
    assert drawing == tree.svg(X=X, sensitive=sensitive)
    assert ET.fromstring(drawing).attrib["role"] == "img"
    assert "origin: " in drawing
    assert "sex: " not in tree.svg()


def test_bar_of_classes_has_a_part_per_class(case):
    tree, _, _ = case
    ax = tree.plot(plots.figure().subplots())
    bars = [line for line in ax.lines if line.get_linewidth() == 3]
    assert len(bars) == len(tree.tree_.leaves) * 3  # paper and two classes
    width = [np.ptp(line.get_xdata()) for line in bars]
    value = tree.tree_.value[tree.tree_.leaves[0]]
    assert width[1] / width[0] == pytest.approx(value[0])
    assert width[2] / width[0] == pytest.approx(value[1])
    assert TreeRegressor(3).fit([[0.0], [1.0]] * 9, [0, 1] * 9).plot(plots.figure().subplots()).texts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sensitive": ["race"]}, "sensitive names columns that X does not have: race"),
        ({"sensitive": pd.DataFrame({"sex": ["f"]})}, "sensitive must have one row per row of X, 900, got 1"),
        ({"sensitive": "age", "min_group_size": 0}, "min_group_size must be a whole number, at least 1, got 0"),
    ],
)
def test_messages(case, arguments, message):
    tree, X, _ = case
    with pytest.raises(InvalidInputError, match=message):
        tree.occupants(X, **arguments)


def test_rows_are_needed(case):
    with pytest.raises(InvalidInputError, match="sensitive needs X"):
        case[0].describe(sensitive=case[2])
