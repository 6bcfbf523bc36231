"""One frame that fails never ends an audit, and what rests on it is never silently passed."""

import json

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.frames import every, fidelity, groups, teacher
from explaindistill.cli.audit import _exit_code
from explaindistill.errors import InvalidInputError
from explaindistill.report.render import render
from explaindistill.report.sections import stability as section_on_stability

N = 240


@pytest.fixture(scope="module")
def rows():
    debt = np.linspace(0, 1, N)
    X = pd.DataFrame({"debt": debt, "sex": ["f", "m"] * (N // 2)})
    P = pd.DataFrame({"no": debt**2, "yes": 1 - debt**2})
    return X, P, xd.TreeClassifier(max_leaf_nodes=3).fit(X, P)


def audited(rows, **options):
    X, P, tree = rows
    rules = {"fidelity.agreement": ">= 0.9", "bias.worst_impact_ratio": ">= 0.8"}
    defaults = {"sensitive": ["sex"], "favorable": "yes", "n_explained": 0, "strict": False, "requirements": rules}
    return xd.audit((X, P), {"tree": tree}, X, **(defaults | options))


def broken(*_args, **_options):
    raise RuntimeError("out of luck")


@pytest.mark.parametrize("module", every.ORDER, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_module_that_fails_leaves_empty_frames_and_a_cause(rows, module, monkeypatch):
    whole = audited(rows)
    monkeypatch.setattr(module, "measure", broken)
    found = audited(rows)
    failures = found.frames["failures"]
    assert set(failures["frame"]) == set(module.FRAMES)
    assert set(failures["cause"]) == {"RuntimeError: out of luck"}
    assert set(found.frames) == set(whole.frames)
    assert all(found.frames[name].empty for name in module.FRAMES)
    assert any("out of luck" in note for note in found.notes)
    for kind in ("html", "markdown", "json", "csv", "model-card"):
        text = render(found, kind)
        assert "out of luck" in text or kind == "model-card"
    assert json.loads(render(found, "json"))["frames"]["failures"]["rows"]
    with pytest.raises(RuntimeError, match="out of luck"):
        audited(rows, strict=True)


def test_a_part_that_fails_takes_only_its_own_lines(rows, monkeypatch):
    monkeypatch.setattr(fidelity, "_by_region", broken)
    monkeypatch.setattr(groups, "proxies", broken)
    found = audited(rows)
    assert set(found.frames["failures"]["frame"]) == {"fidelity", "proxies"}
    assert not found.frames["rates"].empty
    assert set(found.frames["verdicts"]["verdict"]) == {"pass"}


def test_what_rests_on_a_failed_frame_cannot_be_said(rows, monkeypatch):
    monkeypatch.setattr(groups, "measure", broken)
    found = audited(rows)
    line = found.frames["verdicts"].set_index("rule").loc["bias.worst_impact_ratio >= 0.8"]
    assert line["verdict"] == "cannot say"
    assert "out of luck" in line["reason"]
    assert "No sensitive attributes were given" not in render(found, "html")
    assert _exit_code(found.check({"bias.worst_impact_ratio": ">= 0.8"})) == 3
    assert _exit_code(found.check({"fidelity.agreement": ">= 0.1"}), complete=False) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_is_no_matter_of_a_frame_passes_through(rows, monkeypatch, error):
    def stopped(*_args):
        raise error

    monkeypatch.setattr(teacher, "measure", stopped)
    with pytest.raises(error):
        audited(rows)


def test_a_section_that_fails_is_a_sentence(rows, monkeypatch):
    found = audited(rows)
    monkeypatch.setattr(section_on_stability, "section", broken)
    with pytest.raises(RuntimeError):
        render(found, "html")
    monkeypatch.setenv("EXPLAINDISTILL_STRICT", "")
    page = render(found, "html")
    assert "this section could not be written. RuntimeError: out of luck" in page
    assert 'id="fidelity"' in page


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"fidelity.agreemnt": ">= 0.9"}, "did you mean 'agreement'"),
        ({"fidelty.agreement": ">= 0.9"}, "did you mean 'fidelity'"),
        ({"fidelity.agreement[subject=tre]": ">= 0.9"}, "did you mean 'tree'"),
        ({"fidelity.agreement[subjet=tree]": ">= 0.9"}, "it may select by"),
        ({"fidelity.agreement": "about 0.9"}, "a rule must read like"),
        ({"bias.worst_inpact_ratio": ">= 0.8"}, "did you mean 'worst_impact_ratio'"),
    ],
)
def test_rules_are_checked_before_any_work(rows, rule, words):
    with pytest.raises(InvalidInputError, match=words):
        xd.audit(NeverAsked(), {"tree": rows[2]}, rows[0], requirements=rule)


class NeverAsked:
    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        raise AssertionError("asked")

    def predict(self, X):
        raise AssertionError("asked")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_refits": 2}, "n_refits must be 0 or at least 3"),
        ({"n_refits": 3}, "n_refits needs the rows of fitting"),
        ({"n_explained": -1}, "n_explained must be a whole number of at least 0"),
        ({"min_group_size": 0}, "min_group_size must be a whole number of at least 1"),
        ({"price_per_row": -1}, "price_per_row must be a finite number of at least 0"),
        ({"query_curve": pd.DataFrame()}, "query_curve must have the columns"),
        ({"profile": "gdpr"}, "profile"),
        ({"statements": {"auditor": 3}}, "statements must be texts"),
        ({"compare": True}, "compare needs true labels"),
        ({"threshold": 0.7, "favorable": None}, "say which decision people want, for instance favorable='no'"),
        ({"threshold": {"best": 0.7}}, "threshold must lie between 0 and 1"),
        ({"favorable": "Yes"}, "did you mean 'yes'"),
        ({"y": ["maybe"] * N}, "y has the label 'maybe'"),
        ({"stress": pd.DataFrame({"age": [1]})}, "stress must have the columns of X"),
        ({"train": (pd.DataFrame({"age": [1]}), ["yes"])}, "train must have the columns of X"),
        ({"sensitive": ["sexx"]}, "sensitive names sexx"),
        ({"strata": "office"}, "strata names 'office'"),
        ({"sample_weight": [1.0]}, "sample_weight"),
    ],
)
def test_options_are_checked_before_any_work(rows, options, words):
    given = {"favorable": "yes", **options}
    with pytest.raises(ValueError, match=words):
        xd.audit(NeverAsked(), {"tree": rows[2]}, rows[0], **given)


class Unwell(xd.TreeClassifier):
    """A student that cannot be fitted a second time."""

    def fit(self, X, y, sample_weight=None):
        if hasattr(y, "ndim") and y.ndim == 2 and set(np.unique(y)) <= {0.0, 1.0}:
            raise RuntimeError("never on hard labels")
        return super().fit(X, y, sample_weight)


class Silent(NeverAsked):
    """A second teacher that never answers."""

    def predict_proba(self, X):
        raise RuntimeError("out of order")


def test_what_optional_models_meet_is_said_and_ends_nothing(rows):
    X, P, _ = rows
    tree = Unwell(max_leaf_nodes=3).fit(X, P.to_numpy())
    train = (X.assign(debt=X["debt"] + 1), P["yes"].gt(0.5).map({True: "yes", False: "no"}).to_numpy())
    rule = {"performance.accuracy[subject=student without teacher]": ">= 0.5", "fidelity.agreement": ">= 0.1"}
    asked = {"train": train, "second_teacher": Silent(), "n_explained": 0, "requirements": rule}
    tree.classes_ = np.array(["no", "yes"])
    report = xd.audit((X, P), tree, X, train[1], strict=False, **asked)
    failures = report.frames["failures"]
    parts = set(zip(failures["frame"], failures["part"], strict=True))
    assert {("performance", "student without teacher"), ("fidelity", "second teacher")} <= parts
    verdicts = report.frames["verdicts"].set_index("metric")
    assert verdicts.loc["accuracy", "verdict"] == "cannot say"
    assert "never on hard labels" in verdicts.loc["accuracy", "reason"]
    assert verdicts.loc["agreement", "verdict"] == "pass"
    assert any("out of order" in note for note in report.notes)
    with pytest.raises(RuntimeError):
        xd.audit((X, P), tree, X, train[1], strict=True, **asked)


@pytest.mark.parametrize(
    "column",
    [["f"] * N, [0] * (N - 36) + [1, 2, 3] * 12, [1234567.0, 1234568.0] * (N // 2), list(range(N)), [None] * N,
     ["f"] * (N - 3) + ["m"] * 3],
)  # fmt: skip
@pytest.mark.parametrize("minimum", [1, 10])
def test_every_sensitive_column_is_audited_and_saved(rows, column, minimum):
    found = audited(rows, sensitive=pd.DataFrame({"s": column}), min_group_size=minimum, strict=True)
    assert "bias.worst_impact_ratio >= 0.8" in set(found.frames["verdicts"]["rule"])
    assert render(found, "html")
    assert render(found, "json")


def test_labels_and_attributes_are_joined_by_index(rows):
    X = rows[0].set_axis([f"r{i}" for i in range(N)])
    y = pd.Series(np.where(X["debt"] > 0.5, "no", "yes"), index=X.index)
    who = X[["sex"]]
    again = audited((X, rows[1], rows[2]), y=y, sensitive=who)
    order = np.random.default_rng(0).permutation(N)
    other = audited((X, rows[1], rows[2]), y=y.iloc[order], sensitive=who.iloc[order[::-1]])
    pd.testing.assert_frame_equal(again.frames["rates"], other.frames["rates"])
    with pytest.raises(InvalidInputError, match="y must have the index of X"):
        audited((X, rows[1], rows[2]), y=y.set_axis([f"q{i}" for i in range(N)]))


def test_metrics_are_known_before_they_are_measured(report):
    from explaindistill.measures.metric_names import METRIC_NAMES

    unknown = {name: set(report.frames[name].get("metric", ())) - set(names) for name, names in METRIC_NAMES.items()}
    assert {name: words for name, words in unknown.items() if words} == {}


def test_a_sensitive_column_of_the_rows_that_no_model_was_fitted_on():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300), "sex": rng.integers(0, 2, 300)})
    y = (X["a"] > 0).astype(int)
    fitted = X[["a", "b"]]
    teacher = LogisticRegression().fit(fitted, y)
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=3), n_queries=100, random_state=0).fit(
        fitted[:150]
    )
    found = xd.audit(teacher, {"tree": student}, X[150:], y[150:], sensitive=["sex"], favorable=1, n_explained=0)
    assert set(found.frames["rates"]["attribute"]) == {"sex"}
    assert "sex" not in found.schema.names
