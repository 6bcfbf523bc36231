"""The search for disagreement: what it finds, how near to people it stays, and what it costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.neighbours import positions
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.disagreement import (
    SearchOptions,
    difference,
    most_questions,
    worst_disagreements,
)
from explaindistill.measures.disagreement_frame import disagreement_frame, nobodys_words

DEFAULTS = SearchOptions()


def people(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "debt": rng.gamma(2.0, 500.0, n),
            "home": rng.choice(["own", "rent", "free"], n),
            "since": rng.choice([1.0, 2.0, 3.0, np.nan], n),
            "sex_f": (sex := rng.integers(0, 2, n)),
            "sex_m": 1 - sex,
        }
    )


def score(X):
    z = 0.05 * (X["age"] - 45) - X["debt"] / 1000 + (X["home"] == "own") + X["since"].fillna(0) / 3 + X["sex_f"]
    return np.asarray(1 / (1 + np.exp(-z)), dtype=float)


def teacher(X):
    odd = (X["home"] == "free") & (X["age"] > 60) & (X["since"] == 3)
    p = np.where(odd, 1 - score(X), score(X))
    return np.column_stack([1 - p, p])


def student(X):
    p = np.clip(score(X) + 0.1 * np.sin(X["age"] / 5), 0, 1)
    return np.column_stack([1 - p, p])


def search(X, options=DEFAULTS, **more):
    return worst_disagreements(teacher, student, X, (teacher(X), student(X)), options=options, **more)


def test_no_row_ends_with_less_than_it_began_with_and_the_answers_are_those_to_the_rows():
    result = search(people())
    assert (result.after >= result.before).all()
    assert result.after.mean() > result.before.mean() + 0.1
    np.testing.assert_array_equal(result.teacher, teacher(result.rows))
    np.testing.assert_array_equal(result.student, student(result.rows))
    np.testing.assert_allclose(result.after, difference(result.teacher, result.student))


def test_each_row_is_made_of_real_values_stays_in_the_schema_and_near_a_real_row():
    X = people()
    result = search(X)
    for j, names in enumerate(result.units):
        for name in names:
            expected = X[name].to_numpy()[result.source[:, j]]
            np.testing.assert_array_equal(result.rows[name].to_numpy(), expected)
    assert (result.rows["sex_f"] + result.rows["sex_m"] == 1).all()
    assert ("sex_f", "sex_m") in result.units
    assert result.rows.dtypes.equals(X.dtypes)
    assert result.changed.sum(axis=1).max() <= 3
    points, unit = by_unit(X, result.units)
    made_up = points[result.source[:, unit], np.arange(points.shape[1])]
    distance = np.sqrt(((made_up[:, None] - points[None]) ** 2).sum(axis=2)).min(axis=1)
    to_each = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    limit = np.quantile(np.where(to_each > 1e-6, to_each, np.inf).min(axis=1), 0.95)
    assert result.limit == pytest.approx(limit)
    assert (distance <= limit + 1e-9).all()
    assert (distance <= result.distance + 1e-9).all()


def test_one_swap_is_the_best_that_brute_force_finds():
    X = people(40)
    result = search(X, SearchOptions(n_rows=6, n_swaps=1, n_neighbours=39))
    assert result.changed.any()
    points, unit = by_unit(X, result.units)
    for i, at in enumerate(result.began_at):
        source = np.full((len(result.units) * len(X), len(result.units)), at)
        which = np.repeat(np.arange(len(result.units)), len(X))
        source[np.arange(len(source)), which] = np.tile(np.arange(len(X)), len(result.units))
        rows = pd.DataFrame({c: X[c].to_numpy()[source[:, j]] for j, names in enumerate(result.units) for c in names})[
            X.columns
        ]
        made_up = points[source[:, unit], np.arange(points.shape[1])]
        near = np.sqrt(((made_up[:, None] - points[None]) ** 2).sum(axis=2)).min(axis=1) <= result.limit
        best = difference(teacher(rows), student(rows))[near].max()
        assert result.after[i] == pytest.approx(max(best, result.before[i]), abs=1e-12)


def by_unit(X, units):
    """Coordinates of all rows, and the unit of each coordinate: the slow twin of the search's own."""
    schema = Schema.infer(X)
    blocks = [positions(schema.select(names).encode(X[list(names)]), schema.select(names)) for names in units]
    return np.concatenate(blocks, axis=1).astype(float), np.repeat(np.arange(len(units)), [b.shape[1] for b in blocks])


def test_the_order_of_rows_does_not_matter():
    X = people()
    order = np.random.default_rng(1).permutation(len(X))
    first, second = search(X), search(X.iloc[order])
    np.testing.assert_array_equal(first.after, second.after)
    np.testing.assert_array_equal(first.began_at, order[second.began_at])
    pd.testing.assert_frame_equal(first.rows, second.rows)


def test_a_sample_of_rows_sets_a_limit_of_the_same_size(monkeypatch):
    X = people(600)
    every = search(X, SearchOptions(1)).limit
    monkeypatch.setattr("explaindistill.measures.disagreement.LIMIT_ROWS", 200)
    assert search(X, SearchOptions(1)).limit == pytest.approx(every, rel=0.15)


@pytest.mark.parametrize("most", [1, 137, 1500])
def test_the_budget_is_kept_and_counts_what_is_asked(most):
    X, asked = people(), []

    def counted(rows):
        asked.append(len(rows))
        assert not rows.duplicated().any()
        return teacher(rows)

    result = worst_disagreements(counted, student, X, (teacher(X), student(X)), options=SearchOptions(n_questions=most))
    assert sum(asked) == result.n_questions <= most
    assert result.n_questions > most / 2


def test_what_may_be_asked_is_bounded_beforehand():
    X = people(40)
    who = pd.DataFrame({"sex": np.where(X["sex_f"] == 1, "f", "m")})
    sizes = who["sex"].value_counts().to_numpy()
    for options in (SearchOptions(), SearchOptions(n_rows=3, n_group_rows=2, n_neighbours=4), SearchOptions(1_000)):
        result = search(X, options, attributes=who)
        assert result.n_questions <= most_questions(40, 5, sizes, options)


def test_a_group_keeps_its_attribute():
    X = people()
    who = X[["home"]]
    result = search(X, attributes=who)
    families = {(f.attribute, f.group): f.at for f in result.families}
    assert set(families) == {("", ""), ("home", "free"), ("home", "own"), ("home", "rent")}
    for (attribute, group), at in families.items():
        assert len(at) == (100 if not attribute else 25)
        if attribute:
            assert set(result.rows["home"].iloc[at]) == {group}
    everyone = families["", ""]
    assert (result.rows["home"].iloc[everyone] != X["home"].iloc[result.began_at[everyone]].to_numpy()).any()
    worst = np.sort(difference(teacher(X), student(X)))[::-1][:100]
    np.testing.assert_allclose(np.sort(result.before[everyone])[::-1], worst)


def test_small_groups_begin_no_search():
    X = people(60)
    who = pd.DataFrame({"faith": ["a"] * 57 + ["b"] * 3})
    result = search(X, SearchOptions(min_group_size=4), attributes=who)
    assert [(f.attribute, f.group) for f in result.families] == [("", ""), ("faith", "a")]


def test_copies_of_a_row_are_one_beginning():
    X = people(30)
    doubled = pd.concat([X, X, X], ignore_index=True)
    assert len(search(doubled).began_at) == 30
    np.testing.assert_allclose(np.sort(search(doubled).before), np.sort(search(X).before))


def test_values_of_regression_and_a_difference_of_several_classes():
    X = people(80)
    plain = worst_disagreements(score, lambda X: score(X) * 0.5, X, (score(X), score(X) * 0.5))
    assert plain.teacher.shape == plain.after.shape
    assert difference([[0.2, 0.3, 0.5]], [[0.5, 0.3, 0.2]]).round(9).tolist() == [0.3]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((np.zeros(80), np.zeros(79)), "answers must be of teacher and student to the same 80 rows"),
        ((np.full(80, np.nan), np.zeros(80)), "must be finite"),
        ((np.zeros((80, 2)), np.zeros((80, 2))), "must be probabilities or one value per row, got 2 values"),
    ],
)
def test_answers_that_cannot_be_compared_are_refused(answers, words):
    with pytest.raises(InvalidInputError, match=words):
        worst_disagreements(teacher, student, people(80), answers)


def test_too_few_rows_and_bad_options_are_refused():
    X = pd.concat([people(2)] * 5)
    with pytest.raises(InvalidInputError, match="X must have at least 3 different rows, got 2"):
        search(X)
    with pytest.raises(InvalidInputError, match="n_swaps must be a whole number of at least 1, got 0"):
        SearchOptions(n_swaps=0)


RULES = (DecisionRule(["no", "yes"], "yes", 0.5), DecisionRule(["no", "yes"], "yes", 0.5))


def test_the_frame_repeats_the_search_and_bounds_it():
    X = people()
    result = search(X, attributes=X[["home"]])
    table = disagreement_frame(result, X, Schema.infer(X), RULES, subject="tree")
    line = table.query("metric == 'largest_disagreement' and attribute == ''").iloc[0]
    at = result.families[0].at
    widest = at[np.where(result.changed[at].any(axis=1), result.after[at], -1).argmax()]
    assert line["estimate"] == line["low"] == result.after[at].max()
    assert (line["high"], line["output"]) == (1.0, "yes")
    assert line["teacher_answer"] == result.teacher[widest, 1]
    assert line["student_answer"] == result.student[widest, 1]
    assert table.query("metric == 'worst_rows_observed'")["estimate"].iloc[0] == result.before[at].mean()
    apart = (result.teacher[at, 1] >= 0.5) != (result.student[at, 1] >= 0.5)
    decided = table.query("metric == 'worst_rows_decided_apart'").iloc[0]
    assert (decided["k"], decided["n"]) == (apart.sum(), 100)
    changed = table.query("metric == 'worst_rows_changed'").set_index("feature")
    assert changed.loc["age", "k"] == result.changed[at, result.units.index(("age",))].sum()
    assert set(changed.index) == {"age", "debt", "home", "since", "sex_f and sex_m"}


def test_a_row_that_no_swap_widened_is_not_described():
    X = people(50)
    result = worst_disagreements(teacher, teacher, X, (teacher(X), teacher(X)))
    line = disagreement_frame(result, X, Schema.infer(X), RULES).iloc[0]
    assert line["estimate"] == 0
    assert "of a real row, of which nothing is said" in line["reason"]
    assert line["becomes"] == line["was"] == line["output"] == ""
    assert pd.isna(line["teacher_answer"])


def test_words_are_shared_by_enough_people():
    rng = np.random.default_rng(3)
    n = 200
    X = pd.DataFrame(
        {
            "income": np.append(rng.lognormal(9, 1, n - 1), 987_654.25),
            "children": rng.choice([0, 1, 2, 9], n, p=[0.6, 0.3, 0.09, 0.01]),
            "name": [f"person {i}" for i in range(n)],
            "faith": ["a"] * 120 + ["b"] * 77 + ["only me"] * 3,
            "born": pd.to_datetime("1970-01-01") + pd.to_timedelta(rng.integers(0, 9_000, n), unit="D"),
            "gone": [np.nan] * 3 + [1.5] * (n - 3),
        }
    )
    schema = Schema.infer(X)
    for name in X:
        words = pd.Series(nobodys_words(X[name], schema[name], 5))
        assert (words.map(words.value_counts()) >= 5)[words != "(other)"].all(), name
        assert not words.isin(["person 3", "only me", "987654.25"]).any()
    assert nobodys_words(X["faith"], schema["faith"], 1)[-1] == "only me"
    assert nobodys_words(X["gone"], schema["gone"], 5)[0] == "(other)"


def test_what_several_columns_were_together_is_not_shown_for_few():
    X = people()
    result = search(X)
    widest = np.where(result.changed.any(axis=1), result.after, -1).argmax()
    changed = [names[0] for names, moved in zip(result.units, result.changed[widest], strict=True) if moved]
    shown = {}
    for size in range(1, 40, 3):
        words = [nobodys_words(X[c], Schema.infer(X)[c], size) for c in changed]
        alike = np.all([w == w[result.began_at[widest]] for w in words], axis=0).sum()
        line = disagreement_frame(result, X, Schema.infer(X), RULES, min_size=size).iloc[0]
        assert (line["was"] != "") == (alike >= size)
        assert line["becomes"].count(" is ") == len(changed)
        shown[line["was"] != ""] = size
    assert set(shown) == {True, False}
