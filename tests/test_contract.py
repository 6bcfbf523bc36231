"""Every student, asked of the registry: nobody must remember to test a new one."""

import html
import inspect
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from explaindistill import plots, plugins
from explaindistill.errors import InvalidInputError
from explaindistill.export import json as json_export
from explaindistill.protocols import Complexity, Student

STUDENTS = [
    value
    for name in plugins.names("students")
    for value in plugins.public("students", name).values()
    if inspect.isclass(value) and hasattr(value, "accepts_soft_targets")
]
CLASSIFIERS = [s for s in STUDENTS if is_classifier(s())]
REGRESSORS = [s for s in STUDENTS if not is_classifier(s())]

every_student = pytest.mark.parametrize("kind", STUDENTS, ids=lambda s: s.__name__)
every_classifier = pytest.mark.parametrize("kind", CLASSIFIERS, ids=lambda s: s.__name__)
every_regressor = pytest.mark.parametrize("kind", REGRESSORS, ids=lambda s: s.__name__)


@parametrize_with_checks([s() for s in STUDENTS])
def test_scikit_learn(estimator, check):
    check(estimator)


def mixed(n=300, seed=0):
    """Rows with numbers, whole numbers, categories, flags, dates and missing values, and their probability."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "income": rng.lognormal(10, 0.5, n).round(2),
            "age": rng.integers(18, 80, n),
            "home": rng.choice(["own", "rent", "other"], n),
            "grade": pd.Categorical(rng.choice(["A", "B", "C"], n), ["A", "B", "C"], ordered=True),
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, n), unit="D"),
        }
    )
    z = (X["age"] - 45) / 12 + (X["home"] == "own") - 0.7 * X["member"] + 2 * (X["income"] > 22_000)
    X.loc[rng.random(n) < 0.1, "income"] = np.nan
    X["home"] = X["home"].mask(rng.random(n) < 0.1)
    return X, 1 / (1 + np.exp(-z.to_numpy() + 1))


def compact_bytes(form):
    return len(json.dumps(form, separators=(",", ":"), ensure_ascii=False).encode())


def soft(p, names=("no", "yes")):
    return pd.DataFrame({names[0]: 1 - p, names[1]: p})


def target(kind, p):
    return soft(p) if kind in CLASSIFIERS else p


def outputs(student, X):
    return student.predict_proba(X) if is_classifier(student) else student.predict(X)


def fitted(kind, n=300):
    X, p = mixed(n)
    return kind().fit(X, target(kind, p)), X, p


def test_there_are_students():
    assert len(CLASSIFIERS) >= 3
    assert len(REGRESSORS) >= 3


@every_student
def test_keeps_the_protocol(kind):
    student, X, _ = fitted(kind)
    assert isinstance(student, Student)
    assert student.accepts_soft_targets or kind in REGRESSORS
    assert isinstance(student.describe(), str)
    assert student.describe().strip()
    record = student.complexity()
    assert isinstance(record, Complexity)
    assert record.n_parameters >= 0
    assert record.n_features <= X.shape[1]
    assert get_tags(student).input_tags.allow_nan


@every_student
def test_learns_something_from_mixed_rows(kind):
    student, _, _ = fitted(kind, 1500)
    fresh, truth = mixed(1000, seed=1)
    answer = outputs(student, fresh)
    answer = answer[:, 1] if answer.ndim == 2 else answer
    assert np.corrcoef(answer, truth)[0, 1] > 0.75


@every_student
def test_reasons_sum_to_the_output(kind):
    student, X, _ = fitted(kind)
    reasons = student.explain(X.head(20), as_frame=True)
    assert list(reasons.columns) == ["row", "step", "term", "reason", "output", "contribution"]
    assert (reasons.loc[reasons["step"] == 0, "term"] == "(base)").all()
    total = reasons.groupby(["row", "output"], sort=True)["contribution"].sum()
    scale = reasons.attrs["scale"]
    answer = outputs(student, X.head(20))
    if scale in ("value", "log"):
        expected = student.predict(X.head(20))
        expected = np.log(expected) if scale == "log" else expected
        np.testing.assert_allclose(total.to_numpy(), expected, atol=1e-9, rtol=1e-9)
        return
    named = total.unstack()
    classes = list(student.classes_)
    if scale == "probability":
        np.testing.assert_allclose(named[classes].to_numpy(), answer[:, : len(classes)], atol=1e-9)
    elif scale == "logit":
        z = named.reindex(columns=classes).to_numpy(dtype=float)
        z = np.where(np.isnan(z), 0.0, z)
        odds = np.exp(z - z.max(axis=1, keepdims=True))
        np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), answer, atol=1e-9)
    else:
        assert scale == "points"
        points = named.iloc[:, -1].to_numpy()
        assert np.argsort(points, kind="stable").tolist() == np.lexsort((np.arange(20), answer[:, 1])).tolist()


@every_student
def test_the_short_table_of_reasons_says_the_same_in_few_lines(kind):
    student, X, _ = fitted(kind)
    rows = X.head(20)
    long, short = student.explain(rows, as_frame=True), student.explain(rows)
    assert list(short.columns) == ["row", "term", "reason", "output", "contribution"]
    assert short.attrs["scale"] == long.attrs["scale"]
    totals = [f.groupby(["row", "output"])["contribution"].sum() for f in (long, short)]
    pd.testing.assert_series_equal(totals[1], totals[0].loc[totals[1].index], atol=1e-12)
    decided = totals[0].unstack().iloc[:, -1:].columns.tolist()
    assert set(short["output"]) == set(decided)  # of two classes the second, of values all
    for _, lines in short.groupby(["row", "output"]):
        assert lines["term"].iloc[0] == "(base)"
        single = lines[~lines["term"].str.startswith("(")]
        assert len(single) <= 8
        assert (single["contribution"] != 0).all()
        assert single["contribution"].abs().is_monotonic_decreasing
        assert len(lines) - len(single) <= 2


@every_student
def test_the_short_table_prints_in_80_columns(kind):
    student, X, _ = fitted(kind)
    for n in (1, 3, 40):
        text = str(student.explain(X.head(n)))
        assert max(map(len, text.splitlines())) <= 80
        assert "..." not in text
    assert "20 more rows" in text
    assert "row 0: " in text
    single = str(student.explain(X.head(1)))
    assert "row 0: " not in single
    assert single == str(student.explain(X.iloc[0])) == str(student.explain(X.iloc[0].to_dict()))


@every_student
def test_a_notebook_shows_what_a_fitted_student_says(kind):
    X, p = mixed()
    X = X.rename(columns={"age": "age <b>"})
    student = kind()
    mark = '<pre style="white-space: pre-wrap">'
    assert mark not in student._repr_mimebundle_()["text/html"]
    student.fit(X, target(kind, p))
    for page in (student._repr_mimebundle_()["text/html"], student._repr_html_()):
        words = page.removeprefix(f"<div>{mark}").partition("</pre>")[0]
        assert html.unescape(words).splitlines() == student.describe().splitlines()[:120]
        assert "<b>" not in words
        assert "sk-top-container" in page  # scikit-learn's own diagram, folded below
    assert student._repr_mimebundle_()["text/plain"] == repr(student)
    with config_context(display="text"):
        assert list(student._repr_mimebundle_()) == ["text/plain"]
        assert not hasattr(student, "_repr_html_")
    assert clone(student)._repr_mimebundle_()["text/html"].find(mark) < 0


@every_student
def test_targets_are_named(kind):
    X, p = mixed()
    if kind in CLASSIFIERS:
        named = pd.Series((p > 0.5).astype(int), name="overdue")
        wanted = "overdue 1" if kind.__name__ not in ("TreeClassifier", "RuleListClassifier") else "for overdue:"
        title = "overdue 1"
    else:
        named = pd.Series(1000 * p, name="price in €")
        wanted = title = "price in €"
    student = kind().fit(X, named)
    assert wanted in student.describe()
    assert title in str(student.explain(X.head(1))).splitlines()[0]
    again = kind.from_dict(json.loads(json.dumps(student.to_dict())))
    assert again.describe() == student.describe()
    unnamed = kind().fit(X, named.to_numpy())
    np.testing.assert_array_equal(outputs(unnamed, X), outputs(student, X))
    assert "overdue" not in unnamed.describe()
    assert "target" not in unnamed.to_dict()


@every_student
def test_importance_is_a_share(kind):
    student, X, _ = fitted(kind)
    table = student.importance()
    assert set(table["feature"]) == set(X.columns)
    assert (table["estimate"] >= 0).all()
    assert table["estimate"].sum() == pytest.approx(1)


@every_student
def test_json_there_and_back(kind):
    student, X, _ = fitted(kind)
    text = json.dumps(student.to_dict(), allow_nan=False)
    again = kind.from_dict(json.loads(text))
    np.testing.assert_array_equal(outputs(again, X), outputs(student, X))
    assert student.complexity().n_bytes == compact_bytes(student.to_dict())


@every_student
def test_all_forms_have_one_header(kind):
    student, _, _ = fitted(kind)
    form = student.to_dict()
    family = student.complexity().family
    assert list(form)[:3] == ["format", "version", "kind"]
    assert (form["format"], form["version"], form["kind"]) == (f"explaindistill.{family}", 1, kind.__name__)
    for change in ({"format": "explaindistill.other"}, {"version": 2}, {"kind": "Other"}, {"kind": None}):
        with pytest.raises(InvalidInputError, match=f"explaindistill.{family}', version 1 and kind '{kind.__name__}'"):
            kind.from_dict(form | change)


@every_student
def test_what_only_describes_the_fit_decides_no_answer(kind):
    student, X, _ = fitted(kind)
    text = json_export.generate(student, answers_only=True)
    np.testing.assert_array_equal(outputs(kind.from_dict(json.loads(text)["form"]), X), outputs(student, X))
    assert (text == json_export.generate(student)) == (not getattr(student, "fit_notes", {}))


def accepting(kinds, parameter):
    """Students that have a parameter."""
    return pytest.mark.parametrize(
        "kind", [k for k in kinds if parameter in k().get_params()], ids=lambda kind: kind.__name__
    )


@accepting(STUDENTS, "n_jobs")
def test_threads_mean_the_same(kind):
    X, p = mixed()
    assert kind().n_jobs is None
    forms = [kind(n_jobs=n).fit(X, target(kind, p)).to_dict() | {"parameters": None} for n in (None, 1, 2, -1)]
    assert all(json.dumps(form) == json.dumps(forms[0]) for form in forms)
    for bad in (0, -2, 1.5, True):
        with pytest.raises(InvalidInputError, match=r"n_jobs must be at least 1, or -1 .* or None for 1 thread"):
            kind(n_jobs=bad).fit(X, target(kind, p))


@accepting(STUDENTS, "monotone")
@pytest.mark.parametrize("sign", [1, -1])
def test_monotone_means_the_same(kind, sign):
    X, p = mixed(600)
    p = p if sign < 0 else 1 - p  # the labels go the other way: they rise with age
    student = kind(monotone={"age": sign}).fit(X, target(kind, p))
    ages = np.arange(18, 80)
    for at in (3, 50, 200):
        row = pd.concat([X.iloc[[at]]] * len(ages), ignore_index=True).assign(age=ages)
        answer = outputs(student, row)
        answer = answer[:, 1] if answer.ndim == 2 else answer
        assert (np.diff(answer) * sign >= 0).all()


@accepting(STUDENTS, "monotone")
def test_monotone_is_spelled_in_one_way(kind):
    X, p = mixed()
    plain, zero = kind().fit(X, target(kind, p)), kind(monotone={"age": 0}).fit(X, target(kind, p))
    np.testing.assert_array_equal(outputs(plain, X), outputs(zero, X))
    for bad in ("up", 2, None, True):
        with pytest.raises(InvalidInputError, match=r"monotone\['age'\] must be -1, 0 or 1, got"):
            kind(monotone={"age": bad}).fit(X, target(kind, p))
    with pytest.raises(InvalidInputError, match="no column 'height'"):
        kind(monotone={"height": 1}).fit(X, target(kind, p))
    with pytest.raises(InvalidInputError, match=r"monotone .*'home'.* is categorical"):
        kind(monotone={"home": 1}).fit(X, target(kind, p))


@accepting(STUDENTS, "random_state")
def test_chance_without_a_seed_is_the_seed_0(kind):
    X, p = mixed()
    chancy = {"n_pairs": "auto"} if "n_pairs" in kind().get_params() else {}
    seeds = [kind(random_state=seed, **chancy).fit(X, target(kind, p)) for seed in (None, 0)]
    np.testing.assert_array_equal(outputs(seeds[0], X), outputs(seeds[1], X))


@every_student
def test_has_a_picture_with_words(kind):
    student, _, _ = fitted(kind)
    ax = plots.figure().subplots()
    assert student.plot(ax=ax) is ax
    words = [t.get_text() for t in [*ax.texts, *ax.get_yticklabels(), ax.xaxis.label]]
    assert any(name in word for word in words for name in student.feature_names_in_)


@every_student
def test_pickles(kind):
    student, X, _ = fitted(kind)
    np.testing.assert_array_equal(outputs(pickle.loads(pickle.dumps(student)), X), outputs(student, X))


@every_student
def test_unseen_categories_and_new_gaps_do_not_crash(kind):
    student, X, _ = fitted(kind)
    odd = X.head(5).copy()
    odd["home"] = "castle"
    odd["since"] = pd.NaT
    odd["age"] = np.nan
    assert np.isfinite(outputs(student, odd)).all()
    assert len(student.explain(odd, as_frame=True)) > 0


@every_student
def test_fit_twice_is_fit_once_and_inputs_stay(kind):
    X, p = mixed()
    before = X.copy(deep=True)
    once, twice = kind().fit(X, target(kind, p)), kind().fit(X, target(kind, p))
    twice.fit(X, target(kind, p))
    assert json.dumps(once.to_dict()) == json.dumps(twice.to_dict())
    pd.testing.assert_frame_equal(X, before)


@every_student
def test_row_order_does_not_matter(kind):
    X, p = mixed()
    order = np.random.default_rng(1).permutation(len(X))
    a = kind().fit(X, target(kind, p))
    b = kind().fit(X.iloc[order], target(kind, p[order]))
    np.testing.assert_allclose(outputs(a, X), outputs(b, X), atol=1e-6)


@every_student
def test_weight_two_is_the_row_twice(kind):
    X, p = mixed(200)
    w = np.random.default_rng(2).integers(0, 3, len(X))
    doubled = np.repeat(np.arange(len(X)), w)
    a = kind().fit(X, target(kind, p), sample_weight=w)
    b = kind().fit(X.iloc[doubled], target(kind, p[doubled]))
    np.testing.assert_allclose(outputs(a, X), outputs(b, X), atol=1e-6)


@every_classifier
def test_one_hot_soft_labels_give_the_model_of_the_hard_labels(kind):
    X, p = mixed()
    y = np.where(p > 0.5, "yes", "no")
    hard = kind().fit(X, y)
    onehot = kind().fit(X, soft((p > 0.5).astype(float)))
    np.testing.assert_array_equal(hard.predict_proba(X), onehot.predict_proba(X))


@every_classifier
def test_columns_in_any_order_give_sorted_classes(kind):
    X, p = mixed()
    a, b = kind().fit(X, soft(p)), kind().fit(X, soft(p)[["yes", "no"]])
    assert a.classes_.tolist() == b.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


@every_classifier
def test_score_against_soft_labels_is_agreement(kind):
    student, X, p = fitted(kind)
    agreement = (student.predict(X) == np.where(p > 0.5, "yes", "no")).mean()
    assert student.score(X, soft(p)) == pytest.approx(agreement)
    assert student.score(X, soft(p)[["yes", "no"]]) == pytest.approx(agreement)
    assert student.score(X, soft(p)[["no", "yes"]].to_numpy()) == pytest.approx(agreement)


@every_classifier
def test_one_class_is_a_clear_error(kind):
    X, _ = mixed(50)
    with pytest.raises(ValueError, match="y must have at least 2 classes, got 1 class"):
        kind().fit(X, ["yes"] * 50)


@every_classifier
def test_several_classes(kind):
    if not get_tags(kind()).classifier_tags.multi_class:
        pytest.skip(f"{kind.__name__} is for two classes")
    X, p = mixed(600)
    P = pd.DataFrame({"a": p**2, "b": 2 * p * (1 - p), "c": (1 - p) ** 2})
    student = kind().fit(X, P)
    answer = student.predict_proba(X)
    np.testing.assert_allclose(answer.sum(axis=1), 1)
    assert student.score(X, P) > 0.75


@every_regressor
def test_several_outputs_where_the_tags_say_so(kind):
    if not get_tags(kind()).target_tags.multi_output:
        pytest.skip(f"{kind.__name__} is for one output")
    X, p = mixed()
    student = kind().fit(X, np.c_[p, 1 - p])
    assert student.predict(X).shape == (len(X), 2)


@every_student
def test_clone_keeps_parameters(kind):
    assert clone(kind()).get_params() == kind().get_params()


@every_student
def test_lines_and_numbers_are_counted_by_one_rule(kind):
    """The counts again, from the JSON form or the words, by somebody who knows only the rule."""
    student, _, _ = fitted(kind, 1500)
    size = student.complexity()
    form = student.to_dict()
    outputs = len(student.classes_) - 1 if is_classifier(student) else 1
    if size.family == "tree":
        tree = student.tree_
        inner = [node for node, f in enumerate(tree.feature) if f >= 0]
        listed = [min(int(t.sum()), int((~t).sum())) for t in (tree.sets[i] for i in inner) if t is not None]
        lines = len(tree.feature) - len(inner)
        numbers = sum(tree.sets[i] is None for i in inner) + sum(listed) + lines * outputs
    elif size.family == "rules":
        literals = [literal for rule in student.rules_.rules for literal in rule.literals]
        lines = len(student.rules_.rules) + 1
        ends = {id(c): int(np.isfinite(c.low)) + int(np.isfinite(c.high)) for c in literals}
        bounds = [max(1, ends[id(c)]) if c.codes is None else len(c.codes) for c in literals]
        numbers = sum(bounds) + lines * outputs
    elif size.family == "linear":
        lines = len(form["columns"])
        table = student.table() if hasattr(student, "table") else student.model_.table()
        numbers = len(table) + sum(c["operation"] == "level" for c in form["columns"])
    elif size.family == "scorecard":
        lines = len(form["columns"])
        numbers = 2 * lines + 2
    elif size.family == "gam":
        lines = len(student.shapes_)
        numbers = len(student.intercept_)
        for shape in student.shapes_:
            inside = shape.grids[0].within()
            places = shape.grids[0].n_places if not len(shape.grids[0].knots) else inside.sum() - shape.grids[0].missing
            numbers += inside.sum() + places
    elif size.family != "model_tree":
        # a student of somebody else may count neither; then it is not compared by them
        assert size.n_lines is None or size.n_lines >= 1
        assert size.n_numbers is None or size.n_numbers >= 1
        return
    else:
        nodes = student.tree_.nodes
        leaves = [v for v, n in enumerate(nodes) if n.feature < 0]
        lines = sum(max(1, len({t for u in student.tree_.path(v) for t, *_ in nodes[u].terms})) for v in leaves)
        listed = [len(n.listed) if n.threshold is None else 1 for n in nodes if n.feature >= 0]
        levels = sum(student.tree_.terms[t].column.operation == "level" for n in nodes for t, *_ in n.terms)
        numbers = sum(listed) + len(leaves) * outputs + sum(len(n.terms) for n in nodes) + levels
    assert (size.n_lines, size.n_numbers) == (lines, numbers)
