import json
import pickle
import sys
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.numerics.trees import routing
from explaindistill.protocols import Student
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor


@parametrize_with_checks([TreeClassifier(), TreeRegressor()])
def test_scikit_learn_agrees(estimator, check):
    check(estimator)


def people(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": rng.lognormal(10, 1, n).round(2),
            "city": rng.choice(["Bern", "Chur", "Genf", "Sion"], n),
            "grade": pd.Categorical(rng.choice(["low", "mid", "high"], n), ["low", "mid", "high"], ordered=True),
            "member": rng.random(n) < 0.3,
            "since": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, n), unit="D"),
        }
    )
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    frame.loc[rng.random(n) < 0.1, "city"] = None
    return frame


def teacher(frame):
    """A tree: age, then city or missing, income, date."""
    young = frame["age"] <= 40
    town = frame["city"].isin(["Chur", "Sion"]) | frame["city"].isna()
    poor = frame["income"] <= 30_000
    late = frame["since"] > pd.Timestamp("2019-06-15")
    return np.select([young & town, young, poor.to_numpy(), late], [0.95, 0.75, 0.35, 0.2], 0.05)


def soft(p):
    return pd.DataFrame({"no": 1 - p, "yes": p})


@pytest.fixture(scope="module")
def fitted():
    frame = people()
    return TreeClassifier(8, min_samples_leaf=1, structure_temperature=1).fit(frame, soft(teacher(frame)))


def test_a_teacher_that_is_a_tree_is_found_again(fitted):
    fresh = people(seed=1)
    p = teacher(fresh)
    assert fitted.complexity().n_leaves == 5
    assert np.abs(fitted.predict_proba(fresh)[:, 1] - p).max() < 0.9
    assert (np.abs(fitted.predict_proba(fresh)[:, 1] - p) < 1e-6).mean() > 0.995
    tree = fitted.tree_
    found = dict(zip((tree.schema[int(f)].name if f >= 0 else "" for f in tree.feature), tree.threshold, strict=True))
    assert found["age"] == 40
    assert found["income"] == pytest.approx(30_000, rel=0.01)
    assert set(found) == {"", "age", "city", "income", "since"}
    assert "age <= 40" in fitted.describe()
    assert abs(found["since"] - pd.Timestamp("2019-06-15").timestamp()) < 5 * 86400


def test_protocol_and_words(fitted):
    assert isinstance(fitted, Student)
    rules = fitted.rules()
    assert rules["n"].sum() == 2000
    assert rules["share"].sum() == pytest.approx(1)
    assert list(rules.columns) == ["leaf", "rule", "n", "share", "prediction", "no", "yes"]
    assert any('(city in {"Chur", "Sion"}, or missing)' in r or 'city in {"Bern", "Genf"}' in r for r in rules["rule"])


def test_reasons_sum_to_the_prediction(fitted):
    frame = people(seed=2).head(50)
    reasons = fitted.explain(frame, as_frame=True)
    assert reasons.attrs["scale"] == "probability"
    assert list(reasons.columns) == ["row", "step", "term", "reason", "output", "contribution"]
    sums = reasons.pivot_table(index="row", columns="output", values="contribution", aggfunc="sum")
    assert np.allclose(sums[["no", "yes"]], fitted.predict_proba(frame))
    assert (reasons.loc[reasons["step"] == 0, "term"] == "(base)").all()


def test_complexity_counts_what_is_written(fitted):
    c = fitted.complexity()
    sets = [t for t in fitted.tree_.sets if t is not None]
    numbers = c.n_leaves - 1 - len(sets)
    assert c.n_parameters == c.n_leaves + 2 * numbers + sum(min(t.sum(), (~t).sum()) + 1 for t in sets)
    assert (c.family, c.depth, c.n_features) == ("tree", fitted.tree_.depth.max(), 4)
    assert c.n_bytes == len(json.dumps(fitted.to_dict(), separators=(",", ":")))
    assert 2 <= c.mean_path_length <= c.depth
    importance = fitted.importance()
    assert importance["estimate"].sum() == pytest.approx(1)
    assert importance.set_index("feature").loc["member", "estimate"] == 0


def test_saved_and_read_again(fitted):
    frame = people(seed=3)
    copy = TreeClassifier.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert np.array_equal(copy.predict_proba(frame), fitted.predict_proba(frame))
    assert copy.describe() == fitted.describe()
    assert copy.to_dict() == fitted.to_dict()
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(frame), fitted.predict(frame))
    with pytest.raises(InvalidInputError, match=r"format 'explaindistill.tree', version 1 and kind 'TreeRegressor'"):
        TreeRegressor.from_dict(fitted.to_dict())


def test_one_row_at_a_time_says_the_same(fitted):
    frame = people(seed=4).head(300)
    frame["city"] = frame["city"].replace("Genf", "Zug")
    one = fitted.compile().one
    rows = frame.to_dict("records")
    assert [list(one(r).values()) for r in rows] == fitted.predict_proba(frame).tolist()
    assert one(dict.fromkeys(rows[0]))["no"] >= 0
    assert one(rows[0] | {"more": 1}) == one(rows[0])
    absent = fitted.program().inputs[-1].name
    with pytest.raises(InvalidInputError, match=f"the row has no column '{absent}'; say None where a value is missing"):
        one({name: value for name, value in rows[0].items() if name != absent})
    regressor = TreeRegressor(max_leaf_nodes=3).fit(frame, teacher(frame))
    assert [regressor.compile().one(r) for r in rows] == regressor.predict(frame).tolist()


def test_rules_shown_are_the_rules_applied(fitted, printed):
    frame = people(seed=5)
    leaf = fitted.apply(frame)
    table = fitted.rules().set_index("leaf")["rule"]
    for node, rule in table.items():
        assert printed.holds(frame, rule) == (leaf == node).tolist(), rule


def test_sketch_is_what_a_drawing_needs(fitted):
    root = fitted.sketch()
    assert root["share"] == 1
    assert sum(child["share"] for child in root["children"]) == pytest.approx(1)
    assert {child["edge"] for child in root["children"]} == {"yes", "no"}
    assert TreeRegressor(max_leaf_nodes=2).fit([[0.0], [1.0]] * 9, [0, 1] * 9).sketch()["value"] is None


def test_hard_labels_are_one_hot_soft_labels():
    frame = people(400)
    y = np.where(teacher(frame) > 0.5, "yes", "no")
    hard = TreeClassifier().fit(frame, y)
    same = TreeClassifier().fit(frame, pd.DataFrame({"yes": y == "yes", "no": y == "no"}).astype(float))
    assert hard.to_dict() == same.to_dict()
    assert hard.score(frame, y) == hard.score(frame, soft((y == "yes").astype(float))) == 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.25, 1.0]), st.integers(2, 4))
def test_leaves_hold_the_mean_of_the_soft_labels(seed, temperature, k):
    rng = np.random.default_rng(seed)
    X, P, w = rng.random((80, 3)), rng.dirichlet(np.ones(k), 80), rng.random(80) + 0.1
    student = TreeClassifier(6, structure_temperature=temperature, shrinkage=0).fit(X, P, sample_weight=w)
    leaf = student.apply(X)
    for node in set(leaf):
        inside = leaf == node
        mean = np.average(P[inside], axis=0, weights=w[inside])
        assert np.allclose(student.tree_.value[node], mean, atol=1e-5)
    assert np.allclose(student.predict_proba(X).sum(axis=1), 1)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_order_repetition_and_zero_weight_change_nothing(seed):
    rng = np.random.default_rng(seed)
    frame, w = people(120, seed), rng.integers(0, 4, 120).astype(float)
    P = soft(teacher(frame) * 0.9 + 0.1 * rng.random(120).round(3))
    first = TreeClassifier(6).fit(frame, P, sample_weight=w)
    again = np.repeat(np.arange(120), w.astype(int))
    rng.shuffle(again)
    many = TreeClassifier(6, n_jobs=2).fit(frame.iloc[again], P.iloc[again])
    assert first.describe() == many.describe()
    turned = TreeClassifier(6).fit(frame[frame.columns[::-1]], P, sample_weight=w)
    assert first.describe() == turned.describe()


def test_equals_cart_with_missing_values_on_neither_side():
    rng = np.random.default_rng(1)
    X = rng.random((3000, 5))
    y = (X[:, 0] * X[:, 1] + 0.3 * X[:, 2] > 0.4).astype(int)
    ours = TreeClassifier(16, min_samples_leaf=1, search="greedy").fit(X, y)
    cart = DecisionTreeClassifier(max_leaf_nodes=16, random_state=0).fit(X, y)
    fresh = rng.random((3000, 5))
    assert (ours.predict(fresh) == cart.predict(fresh)).mean() > 0.985


@pytest.mark.parametrize("n_categories", [2, 253, 254, 255, 257, 529])
def test_any_number_of_categories(n_categories):
    code = np.arange(MIN_CATEGORY_SIZE * n_categories) % n_categories
    high = code % 2 == 1
    frame = pd.DataFrame({"shop": [f"s{c:03d}" for c in code]})
    student = TreeClassifier(2, min_samples_leaf=1).fit(frame, high)
    assert student.score(frame, high) == 1
    assert student.predict(pd.DataFrame({"shop": ["never seen", None]})).shape == (2,)
    many = student.complexity().n_parameters
    assert many == n_categories // 2 + 1 + 2


def test_missing_values_can_be_the_whole_reason():
    x = np.where(np.arange(200) % 4 == 0, np.nan, np.arange(200) / 7)
    student = TreeClassifier(2).fit(x[:, None], np.isnan(x))
    assert student.score(x[:, None], np.isnan(x)) == 1
    assert "x0 is known" in student.describe()
    assert "x0 is missing" in student.describe()
    assert TreeClassifier.from_dict(student.to_dict()).score(x[:, None], np.isnan(x)) == 1


def test_unseen_values_go_with_the_heavier_side():
    frame = pd.DataFrame({"city": ["a"] * 30 + ["b"] * 20, "x": [0.0] * 30 + [1.0] * 20})
    student = TreeClassifier(2).fit(frame[["city"]], [0] * 30 + [1] * 20)
    assert student.predict(pd.DataFrame({"city": ["zzz", None]})).tolist() == [0, 0]
    assert TreeClassifier(2).fit(frame[["x"]], [0] * 30 + [1] * 20).predict(pd.DataFrame({"x": [np.nan]})) == 0
    turned = TreeClassifier(2).fit(frame[["city"]], [1] * 30 + [0] * 20)  # the heavier side is now the right one
    assert turned.predict(pd.DataFrame({"city": ["zzz", None]})).tolist() == [1, 1]


@pytest.mark.parametrize("n_values", [253, 254, 255, 256, 257])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_threshold_beside_any_value_is_found(n_values, place):
    cut = {"first": 1, "middle": n_values // 2, "last": n_values - 1}[place]
    x = np.tile(np.arange(n_values) / 4, 3)
    student = TreeClassifier(2, min_samples_leaf=1).fit(x[:, None], x >= cut / 4)
    assert student.score(x[:, None], x >= cut / 4) == 1
    assert student.tree_.count[student.tree_.leaves].tolist() == [3 * cut, 3 * (n_values - cut)]


def test_a_gain_of_exactly_the_least_is_enough():
    X, y = np.repeat([[0.0], [1.0]], 10, axis=0), np.repeat([0, 1], 10)
    assert len(TreeClassifier(min_impurity_decrease=0.25).fit(X, y).tree_.leaves) == 2
    assert len(TreeClassifier(min_impurity_decrease=0.2500001).fit(X, y).tree_.leaves) == 1


@pytest.mark.parametrize("k", [2, 3])
def test_ten_million_rows_are_counted_exactly(k):
    frame = pd.DataFrame({"a": [0.0, 0.0, 1.0, 1.0], "c": ["p", "q", "p", "q"]})
    P = np.full((4, k), 0.5 / (k - 1))
    P[:, 0] = 0.5
    P[:2] = np.eye(k)[0]
    P[2] = np.eye(k)[k - 1]
    w = np.array([4e6, 1e6, 3e6, 2e6])
    tree = TreeClassifier(3, structure_temperature=1).fit(frame, P, sample_weight=w).tree_
    assert tree.count[0] == tree.weight[0] == 10**7
    assert sorted(tree.count[tree.leaves]) == [2 * 10**6, 3 * 10**6, 5 * 10**6]
    assert np.allclose(tree.value[0], w @ P / 10**7, atol=1e-9)
    kept = P[:, 1:] if k == 2 else P
    total = (w[:, None] * (kept - w @ kept / 1e7) ** 2).sum()
    assert tree.gain.sum() == pytest.approx(total, rel=1e-5)  # three leaves leave nothing


def test_one_row_is_one_leaf():
    student = TreeClassifier().fit(pd.DataFrame({"a": [3.0], "c": ["p"]}), [[0.3, 0.7]])
    assert len(student.tree_.leaves) == 1
    assert student.predict_proba(pd.DataFrame({"a": [9.0], "c": ["q"]}))[0] == pytest.approx([0.3, 0.7])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("classifier", [True, False])
def test_monotone_constraints_hold_everywhere(sign, classifier):
    rng = np.random.default_rng(7)
    X = pd.DataFrame(rng.random((800, 3)), columns=list("abc"))
    p = 1 / (1 + np.exp(-4 * (np.sin(6 * X["a"]) + sign * X["a"] + X["b"] - 0.5 + 0.3 * rng.normal(size=800))))
    for shrinkage in (0.0, 20.0):
        kind = {"monotone": {"a": sign}, "shrinkage": shrinkage}
        student = TreeClassifier(20, **kind).fit(X, soft(p)) if classifier else TreeRegressor(20, **kind).fit(X, p)
        fresh = pd.DataFrame(rng.random((300, 3)), columns=list("abc"))
        lines = []
        for a in np.linspace(0, 1, 40):
            rows = fresh.assign(a=a)
            lines.append(student.predict_proba(rows)[:, 1] if classifier else student.predict(rows))
        assert (sign * np.diff(np.array(lines), axis=0) >= -1e-12).all()
        assert len(student.tree_.leaves) == 20


def test_interactions_and_columns_used():
    rng = np.random.default_rng(7)
    X = pd.DataFrame(rng.random((800, 4)), columns=list("abcd"))
    y = X["a"] * X["b"] + X["c"] * X["d"]
    apart = TreeRegressor(16, interactions=[["a", "b"], ["c"]]).fit(X, y)
    for leaf in apart.tree_.leaves:
        names = {apart.tree_.schema[int(apart.tree_.feature[n])].name for n, _ in apart.tree_.path(int(leaf))}
        assert names <= {"a", "b"} or len(names) == 1
    assert TreeRegressor(16, max_features_used=2).fit(X, y).complexity().n_features == 2


def test_shrinkage_is_the_published_sum():
    frame = people(300)
    plain = TreeRegressor(5).fit(frame, teacher(frame)).tree_
    shrunk = TreeRegressor(5, shrinkage=30).fit(frame, teacher(frame)).tree_
    for leaf in plain.leaves:
        value, node = plain.value[0, 0], 0
        for above, left in plain.path(int(leaf)):
            node = plain.left[above] if left else plain.right[above]
            value += (plain.value[node, 0] - plain.value[above, 0]) / (1 + 30 / plain.weight[above])
        assert shrunk.value[leaf, 0] == pytest.approx(value)


def test_several_outputs():
    frame = people(300)
    Y = np.stack([teacher(frame), frame["age"] / 80], axis=1)
    student = TreeRegressor(8).fit(frame, Y)
    assert student.predict(frame).shape == (300, 2)
    assert student.describe().count("value 1 = ") == 8
    assert student.explain(frame.head(2), as_frame=True).attrs["scale"] == "value"


def test_one_leaf_says_so():
    student = TreeClassifier().fit(np.zeros((6, 1)), [0, 1] * 3)
    assert student.rules()["rule"].tolist() == ["always"]
    assert student.importance()["estimate"].tolist() == [0]
    assert student.predict_proba([[5.0]]).tolist() == [[0.5, 0.5]]
    assert student.complexity().depth == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_leaf_nodes": 1}, "max_leaf_nodes must be a whole number of at least 2 or None, got 1"),
        ({"max_depth": 0}, "max_depth must be a whole number of at least 1 or None, got 0"),
        ({"min_samples_leaf": 0.5}, "min_samples_leaf must be a whole number of at least 1 or 'auto', got 0.5"),
        ({"min_impurity_decrease": -1}, "min_impurity_decrease must be a finite number of at least 0, got -1"),
        ({"max_features_used": 0}, "max_features_used must be"),
        ({"shrinkage": float("nan")}, "shrinkage must be a finite number of at least 0 or 'auto', got nan"),
        (
            {"structure_temperature": "hot"},
            "structure_temperature must be a finite number of at least 0 or 'auto', got 'hot'",
        ),
        ({"search": "magic"}, "search must be one of 'auto', 'greedy', 'lookahead', 'optimal', got 'magic'"),
        ({"monotone": {"city": 1}}, "monotone names 'city', which is categorical"),
        ({"monotone": {"age": 2}}, r"monotone\['age'\] must be -1, 0 or 1, got 2"),
        ({"monotone": {"nobody": 1}}, "no column 'nobody'"),
        ({"interactions": [["age", "nobody"]]}, "no column 'nobody'"),
        ({"max_bins": 1}, "max_bins must be a whole number between 2 and 254, got 1"),
        ({"n_jobs": 0}, "n_jobs must be at least 1"),
    ],
)
def test_messages(given, message):
    frame = people(60)
    with pytest.raises(InvalidInputError, match=message):
        TreeClassifier(**given).fit(frame, teacher(frame) > 0.5)


def test_monotone_is_refused_for_many_classes():
    with pytest.raises(InvalidInputError, match="monotone needs two classes or one output, got 3"):
        TreeClassifier(monotone={"x0": 1}).fit(np.arange(9.0)[:, None], [0, 1, 2] * 3)


def one_by_one(tree, values):
    """Follow one row from node to node."""
    node = 0
    while tree.feature[node] >= 0:
        x, table = values[tree.used.index(tree.feature[node])], tree.sets[node]
        if np.isnan(x):
            goes = tree.missing_left[node]
        elif table is None:
            goes = x <= tree.threshold[node]
        else:
            goes = table[int(x)] if 0 <= x < len(table) else tree.unseen_left[node]
        node = tree.left[node] if goes else tree.right[node]
    return node


def test_kernels_are_what_their_python_says(fitted):
    frame = people(40, seed=9)
    tree = fitted.tree_
    columns = np.ascontiguousarray([tree.schema.column(frame, f) for f in tree.used])
    columns[columns == 1] = -1
    questions, twins = tree._questions(tree.used), []
    for function in (routing.walk, routing.walk.py_func):
        out = np.zeros(40, dtype=np.int64)
        function(columns, questions, np.empty_like(out), out)
        twins.append(out)
    assert np.array_equal(*twins)
    assert twins[0].tolist() == [one_by_one(tree, columns[:, i]) for i in range(40)]
    for values in (columns, np.where(columns > columns.mean(), np.inf, 0.0), -np.inf * np.ones((1, 2))):
        said = routing.any_infinite(values)
        assert said == routing.any_infinite.py_func(values) == np.isinf(values).any()
    index, values = np.array([2, 0, 1], dtype=np.int32), np.array([3.0, np.nan, 1.0])
    assert routing.gap.py_func(values, index, 0, 1, 3) == routing.gap(values, index, 0, 1, 3) == (1.0, 3.0)
    whole = np.array([5, 6, 7])
    assert routing._sums.py_func(whole, index, np.array([0, 1]), np.array([1, 3])).tolist() == [7, 11]


def test_infinite_values_are_refused_in_any_row():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.random(9000), "b": rng.random(9000)})
    student = TreeClassifier(4).fit(X, X["a"] > 0.5)
    X.loc[8999, "a"] = -np.inf
    with pytest.raises(InvalidInputError, match="column 'a' must be finite, got infinity"):
        student.predict(X)


def test_rows_go_the_same_way_whatever_their_dtype():
    x = np.arange(-40, 40)
    student = TreeClassifier(4, min_samples_leaf=1).fit(pd.DataFrame({"x": x}), x // 20 % 2 == 0)
    said = student.predict(pd.DataFrame({"x": x}))
    for dtype in ("int8", "float32", "Int64", "object"):
        assert np.array_equal(student.predict(pd.DataFrame({"x": pd.Series(x).astype(dtype)})), said)


def test_auto_takes_the_sharper_tree_where_that_pays():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.random((3000, 2)), columns=list("ab"))
    # b moves the probability far but never across one half, a only just across
    p = np.where(X["a"] > 0.7, 0.55, 0.45) - 0.44 * (X["b"] > 0.5) * (X["a"] <= 0.7)
    mild, sharp, auto = (TreeClassifier(2, structure_temperature=t).fit(X, soft(p)) for t in (1, 0, "auto"))
    assert sharp.score(X, soft(p)) == 1
    assert auto.score(X, soft(p)) >= mild.score(X, soft(p))


def noisy(n, seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.random((n, 3)), columns=list("abc"))
    p = np.where((X["a"] > 0.4) & (X["b"] > 0.3), 0.9, 0.2) + 0.1 * rng.random(n)
    return X, soft(p.clip(0, 1))


def test_pruning_gives_back_a_subtree_and_leaves_the_tree_alone():
    student = TreeClassifier(40, structure_temperature=1).fit(*noisy(600, 0))
    before = student.to_dict()
    fresh = noisy(2000, 1)
    small = student.prune(*fresh)
    assert student.to_dict() == before
    assert 3 <= len(small.tree_.leaves) < 40
    assert len(student.prune(*fresh, standard_errors=3).tree_.leaves) <= len(small.tree_.leaves)
    kept = {tuple(p) for p in paths(small.tree_)}
    assert kept <= {tuple(p) for p in paths(student.tree_)}
    loss = [((s.predict_proba(fresh[0]) - fresh[1].to_numpy()) ** 2).mean() for s in (small, student)]
    assert loss[0] <= loss[1]
    assert TreeClassifier.from_dict(small.to_dict()).describe() == small.describe()
    values = TreeRegressor(20).fit(noisy(300, 2)[0], noisy(300, 2)[1]["yes"])
    assert len(values.prune(noisy(900, 3)[0], noisy(900, 3)[1]["yes"]).tree_.leaves) < 20


def paths(tree):
    """Conditions on the way to every node, inner nodes too."""
    for node in range(len(tree.feature)):
        yield [(int(tree.feature[n]), float(tree.threshold[n]), left) for n, left in tree.path(node)]


def test_pruning_counts_a_row_of_weight_two_twice():
    student = TreeClassifier(40, structure_temperature=1, shrinkage=0).fit(*noisy(600, 0))
    X, P = noisy(300, 1)
    w = np.where(X["a"] > 0.4, 5, 0)
    again = np.repeat(np.arange(300), w)
    weighted = student.prune(X, P, sample_weight=w)
    assert weighted.to_dict() == student.prune(X.iloc[again], P.iloc[again]).to_dict()
    assert weighted.to_dict() != student.prune(X, P).to_dict()


def test_pruning_messages():
    X, P = noisy(50, 0)
    student = TreeClassifier().fit(X, P)
    with pytest.raises(InvalidInputError, match="classes of y must be"):
        student.prune(X, pd.DataFrame({"no": P["no"], "perhaps": P["yes"]}))
    with pytest.raises(InvalidInputError, match="standard_errors must be a finite number of at least 0, got -1"):
        student.prune(X, P, standard_errors=-1)
    with pytest.raises(InvalidInputError, match="y must have 50 rows and 1 columns"):
        TreeRegressor().fit(X, P["yes"]).prune(X, P)


def test_lookahead_is_never_worse_on_what_it_minimises():
    for seed in range(4):
        X, P = noisy(300, seed)
        gains = [
            TreeClassifier(9, structure_temperature=1, search=s).fit(X, P).tree_.gain.sum()
            for s in ("greedy", "lookahead")
        ]
        assert gains[1] >= gains[0] - 1e-12


def test_lookahead_is_never_worse_where_few_bins_mislead_it():
    """What it foresees is counted in bins; thresholds are then found among the values."""
    for seed in (0, 11, 18):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame(rng.random((700, 3)), columns=list("abc"))
        y = np.sin(9 * X["a"]) * X["b"] + X["c"] * rng.random(700)
        greedy, ahead = (
            TreeRegressor(6, min_samples_leaf=2, max_bins=4, search=s).fit(X, y).tree_.gain.sum()
            for s in ("greedy", "lookahead")
        )
        assert ahead >= greedy


class Node:
    def __init__(self, feature=None, yes=None, no=None):
        self.feature, self.right_child, self.left_child = feature, yes, no

    def is_leaf_node(self):
        return self.feature is None


class Solver:
    """Stands for the optional package: tries every tree of depth 2, as slowly as can be."""

    def __init__(self, max_depth, max_num_nodes, min_leaf_node_size):
        self.depth = min(max_depth, 2)

    def fit(self, answers, cost):
        self.cost = cost if cost.ndim == 2 else None
        self.y = cost
        self.best = self.search(answers.astype(bool), np.ones(len(answers), dtype=bool), self.depth)[1]
        return self

    def leaf(self, rows):
        if self.cost is None:
            return self.y[rows].var() * rows.sum() if rows.any() else 0.0
        return self.cost[rows].sum(axis=0).min() if rows.any() else 0.0

    def search(self, answers, rows, depth):
        best = (self.leaf(rows), Node())
        for q in range(answers.shape[1] if depth else 0):
            yes = self.search(answers, rows & answers[:, q], depth - 1)
            no = self.search(answers, rows & ~answers[:, q], depth - 1)
            if yes[0] + no[0] < best[0] - 1e-9:
                best = (yes[0] + no[0], Node(q, yes[1], no[1]))
        return best

    def get_tree(self):
        return self.best


@pytest.fixture
def solver(monkeypatch):
    module = types.SimpleNamespace(STreeDInstanceCostSensitiveClassifier=Solver, STreeDRegressor=Solver)
    monkeypatch.setitem(sys.modules, "pystreed", module)


def crossed(n=240):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": np.arange(n) % 4, "c": np.tile(["p", "p", "q", "q"], n // 4), "d": rng.random(n)})
    X["b"] = (np.arange(n) // 4) % 2
    X.loc[::9, "d"] = np.nan
    return X, np.where((X["a"] > 1) ^ (X["b"] > 0), 0.9, 0.1)


def test_optimal_finds_what_greedy_cannot(solver):
    X, p = crossed()
    student = TreeClassifier(4, max_depth=2, search="optimal").fit(X, soft(p))
    assert student.score(X, soft(p)) == 1
    assert len(student.tree_.leaves) == 4
    by_value = TreeRegressor(4, max_depth=2, search="optimal").fit(X, p)
    assert by_value.score(X, p) == pytest.approx(1)
    three = np.eye(3)[(X["a"] > 1).astype(int) + (X["b"] > 0)]
    assert TreeClassifier(4, max_depth=2, search="optimal").fit(X, three).score(X, three) == 1


def test_optimal_messages(solver, monkeypatch):
    X, p = crossed()
    for wrong, message in (
        ({"max_depth": 5}, "max_depth must be at most 4"),
        ({"monotone": {"a": 1}}, "knows no monotone"),
        ({"max_features_used": 1}, "knows no monotone"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            TreeClassifier(4, search="optimal", **wrong).fit(X, soft(p))
    with pytest.raises(InvalidInputError, match="needs one output and equal weights"):
        TreeRegressor(4, search="optimal").fit(X, np.stack([p, X["a"]], axis=1))
    monkeypatch.setitem(sys.modules, "pystreed", None)
    with pytest.raises(MissingExtraError, match="pystreed is not installed"):
        TreeClassifier(4, search="optimal").fit(X, soft(p))


@pytest.mark.parametrize("seed", range(6))
def test_auto_is_the_tree_that_agrees_more_on_its_own_rows(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 4))
    p = 1 / (1 + np.exp(-3 * X[:, 0] * X[:, 1] - X[:, 2]))
    *each, auto = (TreeClassifier(5, structure_temperature=t).fit(X, soft(p)) for t in (0.5, 0.2, 0, "auto"))
    best = max(each, key=lambda tree: tree.score(X, soft(p)))  # the first of equals
    assert auto.to_dict()["nodes"] == best.to_dict()["nodes"]


def test_auto_counts_agreement_by_weight():
    kinds = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X, w = rng.normal(size=(300, 4)), rng.integers(1, 9, 300).astype(float) ** 2
        P = soft(1 / (1 + np.exp(-3 * X[:, 0] * X[:, 1] - X[:, 2])))
        hard = P.to_numpy().argmax(axis=1)
        *each, auto = (TreeClassifier(5, structure_temperature=t).fit(X, P, w) for t in (0.5, 0.2, 0, "auto"))
        alike = [t.tree_values(X).argmax(axis=1) == hard for t in each]
        weighted, plain = (int(np.argmax([np.average(a, weights=v) for a in alike])) for v in (w, None))
        assert auto.to_dict()["nodes"] == each[weighted].to_dict()["nodes"]
        kinds.add(weighted != plain)
    assert kinds == {True, False}  # weights do change the choice


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("settings", [{}, {"structure_temperature": 0}, {"shrinkage": 0}])
def test_ties_of_a_teacher_are_decided_as_the_teacher_decides(turned, settings):
    """Vote shares of ten trees tie; CART on the decided classes finds all of them, and so must a tree on the votes."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(1200, 3)).round(1), columns=["a", "b", "c"])
    votes = np.select([frame["a"] <= -1.8, frame["a"] <= 0.3, frame["b"] > 1.9], [0.5, 0.2, 0.5], 0.9)
    P = np.c_[votes, 1 - votes] if turned else np.c_[1 - votes, votes]
    assert 0.02 < (votes == 0.5).mean() < 0.1
    student = TreeClassifier(max_leaf_nodes=6, **settings).fit(frame, P)
    assert (student.predict(frame) == P.argmax(axis=1)).all()
