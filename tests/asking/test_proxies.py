"""Models that answer in the teacher's place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.asking.proxies import fit_proxy
from explaindistill.data.targets import SoftTargets
from explaindistill.errors import InvalidInputError


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.random(1500), "b": rng.random(1500), "c": rng.random(1500)})


def answered(X, p):
    return SoftTargets(X, np.c_[1 - p, p], np.ones(len(X)), np.full(len(X), "observed"), np.array([0, 1]), len(X))


def error(proxy, X, p, fresh, q):
    return float(np.mean((fit_proxy(proxy, answered(X, p), xd.GAMClassifier)(fresh)[:, 1] - q) ** 2))


def test_the_mixture_takes_the_model_that_the_teacher_is_like(rows):
    fresh = pd.DataFrame(np.random.default_rng(5).random((2000, 3)), columns=list("abc"))

    def additive(X):
        return 1 / (1 + np.exp(-(6 * np.abs(X["a"] - 0.5) + 4 * (X["b"] > 0.5) - 3).to_numpy()))

    def tangled(X):
        return 1 / (1 + np.exp(-(40 * (X["a"] - 0.5) * (X["b"] - 0.5) * (X["c"] + 0.5)).to_numpy()))

    few = rows[:600]
    for truth, better, worse in ((additive, "gam", "network"), (tangled, "network", "gam")):
        loss = {p: error(p, few, truth(few), fresh, truth(fresh)) for p in ("gam", "network", "auto")}
        assert loss["auto"] < 1.3 * loss[better] < loss[worse]


def test_proxies_of_several_classes_and_of_values(rows):
    z = np.c_[3 * rows["a"], 3 * rows["b"], 3 * rows["c"]] ** 2
    P = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    three = SoftTargets(rows, P, np.ones(1500), np.full(1500, "observed"), np.array(list("xyz")), 1500)
    said = fit_proxy("network", three, xd.GAMClassifier)(rows)
    np.testing.assert_allclose(said.sum(axis=1), 1)
    assert (said.argmax(axis=1) == P.argmax(axis=1)).mean() > 0.95
    two = SoftTargets(rows, z[:, :2], np.ones(1500), np.full(1500, "observed"), None, 1500)
    values = fit_proxy("auto", two, xd.GAMRegressor)(rows)
    assert values.shape == (1500, 2)
    assert np.corrcoef(values[:, 0], z[:, 0])[0, 1] > 0.99
    one = SoftTargets(rows, z[:, 0], np.ones(1500), np.full(1500, "observed"), None, 1500)
    assert fit_proxy("auto", one, xd.GAMRegressor)(rows).shape == (1500,)


def test_a_proxy_of_very_few_answers(rows):
    p = rows["a"].to_numpy()[:6]
    few = answered(rows[:6], p)
    assert np.isfinite(fit_proxy("auto", few, xd.GAMClassifier)(rows)).all()
    np.testing.assert_array_equal(
        fit_proxy("auto", few, xd.GAMClassifier)(rows), fit_proxy("network", few, xd.GAMClassifier)(rows)
    )


def test_wrong_proxies(rows):
    two = SoftTargets(rows, np.c_[rows["a"], rows["b"]], np.ones(1500), np.full(1500, "observed"), None, 1500)
    with pytest.raises(InvalidInputError, match='proxy="gam" is for one output'):
        fit_proxy("gam", two, xd.GAMRegressor)
    with pytest.raises(InvalidInputError, match="proxy must be one of auto"):
        fit_proxy("tree", two, xd.GAMRegressor)
