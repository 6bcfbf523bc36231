"""What `describe` prints is what is applied: the text, read back and evaluated, answers as `predict` does."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor

NUMBER = r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?"


def rows(n=900, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "hour": rng.integers(0, 24, n).astype(float),
            "wind": rng.normal(3, 1, n).round(2),
            "city": rng.choice(["Bern", "Zug", "Thun"], n).astype(object),
            "holiday": rng.random(n) < 0.3,
        }
    )
    X.loc[rng.random(n) < 0.1, "wind"] = np.nan
    X.loc[rng.random(n) < 0.1, "city"] = None
    return X


def target(X):
    """Slopes that turn round between leaves, so that a sign that is not applied is seen."""
    late, slope = X["hour"] > 11, np.where(X["holiday"], -3.0, 4.0)
    wind = np.where(X["wind"].isna(), 2.5, X["wind"])
    return slope * (X["hour"] - 11.5) * late + wind * np.where(X["city"] == "Zug", 1.0, -0.5) + X["holiday"]


def answers(text, X, printed):
    """Evaluate the printed text: outputs ``(n, K)``, in the order of the lines of a leaf."""
    lines = text.splitlines()[1:]
    limits = {m[1]: (float(m[2]), float(m[3])) for m in map(limit_of, lines) if m}
    body = [line for line in lines if not limit_of(line)]
    return np.array([walked(body, row, limits, printed) for row in X.to_dict("records")])


def limit_of(line):
    return re.fullmatch(rf"(.+) counts as at least ({NUMBER}) and at most ({NUMBER}); missing adds nothing", line)


def walked(lines, row, limits, printed):
    at, depth, out = 0, 0, []
    while at < len(lines):
        line = lines[at]
        indent = (len(line) - len(line.lstrip())) // 4
        words = line.strip()
        if indent < depth:
            break
        if indent > depth:
            at += 1  # below a question that was answered otherwise
        elif words.startswith("if ") or words.startswith("else ("):
            question = words.removeprefix("if ").rstrip(":") if words.startswith("if ") else words[6:-2]
            depth += holds(question, row, printed)
            at += 1
        else:
            out.append(summed(words, row, limits))
            at += 1
    return out


def holds(question, row, printed):
    (literal,) = printed.Reader(question).rule()
    return printed.meets(row[literal["name"]], literal)


def summed(words, row, limits):
    formula = re.sub(r"  \[[\d.]+% of rows\]$", "", words).split(" = ", maxsplit=1)[1]
    total = float(re.match(NUMBER, formula)[0])
    for coefficient, factor in re.findall(rf"({NUMBER}) × (\([^)]*\)|\[[^\]]*\])", formula):
        total += float(coefficient) * factor_of(factor, row, limits)
    return total


def factor_of(factor, row, limits):
    if factor.startswith("["):
        name, asks = factor.strip("[]").split(" ", maxsplit=1)
        missing = pd.isna(row[name])
        if asks == "is missing":
            return float(missing)
        if asks.startswith("= "):
            return float({True: "yes", False: "no"}.get(row[name], f'"{row[name]}"') == asks[2:])
        sign, bound = asks.split()
        return 0.0 if missing else float((float(row[name]) <= float(bound)) == (sign == "<="))
    name, sign, centre = factor.strip("()").split()
    if pd.isna(row[name]):
        return 0.0
    low, high = limits[name]
    return min(max(float(row[name]), low), high) + float(f"{sign}{centre}")


@pytest.fixture(scope="module")
def regressor():
    return ModelTreeRegressor(max_leaf_nodes=5, max_leaf_features=3).fit(rows(), target(rows()))


def test_the_text_answers_as_predict_does(regressor, printed):
    fresh = rows(300, seed=1)
    fresh.loc[:5, "wind"] = [99.0, -99.0, np.nan, 0.0, 3.0, 1.0]  # beyond the range seen in fitting too
    assert regressor.complexity().n_leaves > 1
    np.testing.assert_allclose(answers(regressor.describe(), fresh, printed)[:, 0], regressor.predict(fresh), atol=1e-6)


@pytest.mark.parametrize("k", [2, 3])
def test_the_text_of_classes_answers_as_predict_does(k, printed):
    X, fresh = rows(), rows(300, seed=1)
    eta = np.column_stack([np.zeros(len(X)), target(X) / 10, -target(X) / 12][:k])
    P = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    student = ModelTreeClassifier(max_leaf_nodes=4, max_leaf_features=3).fit(
        X, pd.DataFrame(P, columns=list("abc")[:k])
    )
    scores = answers(student.describe(), fresh, printed)
    scores = np.column_stack([np.zeros(len(fresh)), scores]) if k == 2 else scores
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, student.predict_proba(fresh), atol=1e-6)


def test_a_leaf_shows_the_sum_of_the_coefficients_on_its_path(regressor):
    text = regressor.describe()
    assert "the terms above" not in text
    assert "add to" not in text
    for leaf in (v for v, node in enumerate(regressor.tree_.nodes) if node.feature < 0):
        for (t, _), coefficient in regressor.tree_.formula(leaf).items():
            term = regressor.tree_.terms[t]
            assert f"{coefficient:+.12g} × {term.words(regressor.tree_.schema[term.column.feature])}" in text
