"""Without a favourable class there is no verdict of bias, anywhere, and the way out is said; nothing else is lost."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import explaindistill as xd
from explaindistill.auditing.gates import gate
from explaindistill.report.render import render

SAY = "say which decision people want, for instance favorable="
RULES = {"bias.worst_impact_ratio": ">= 0.8", "bias.tpr": ">= 0.5", "gaps.selection_rate_difference": "abs <= 0.1",
         "transfer.transfer": "abs <= 0.1", "calibration.calibration_gap": "abs <= 0.1",
         "fidelity.bias_probability": "abs <= 0.1"}  # fmt: skip


@pytest.fixture(scope="module", params=[[1, 2], ["good", "bad"], ["a", "b", "c"]], ids=str)
def credit(request):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"debt": rng.random(300), "sex": rng.choice(["f", "m"], 300)})
    risk = X["debt"] + 0.3 * (X["sex"] == "f") + 0.1 * rng.normal(size=300)
    y = np.array(request.param)[pd.qcut(risk, len(request.param), labels=False)]
    model = LogisticRegression().fit(X[["debt"]], y)
    return X, y, model, xd.TreeClassifier(max_leaf_nodes=4).fit(X[["debt"]], model.predict(X[["debt"]]))


def audited(credit, **options):
    X, y, model, tree = credit
    return xd.audit(model, {"tree": tree}, X[["debt"]], y, sensitive=X[["sex"]], n_explained=20, **options)


def test_no_verdict_of_bias_is_guessed(credit, tmp_path):
    report = audited(credit)
    first = report.classes.tolist()[0]
    assert report.favorable is None
    assert report.frames["verdicts"].empty
    assert report.notes[0].startswith("No verdict of bias")
    assert f"{SAY}{first!r}" in report.notes[0]
    assert f"--favorable {first}" in report.notes[0]
    rules = RULES if len(report.classes) == 2 else {k: v for k, v in RULES.items() if "probability" not in k}
    verdicts = report.check(rules)
    assert set(verdicts["verdict"]) == {"cannot say"}
    assert verdicts["reason"].str.contains(SAY, regex=False).all()
    stored = report.save(tmp_path / "audit.json")
    answer = gate(stored, rules)
    assert answer.exit_code == 3
    assert SAY in str(answer)
    assert json.loads(stored.read_text())["favorable"] is None
    for kind in ("html", "markdown", "model-card"):
        text = render(report, kind).replace("&#39;", "'").replace("\\", "")
        assert text.index("No verdict of bias") < text.index("decides like the teacher")
        assert "impact ratio of" not in text


def test_what_does_not_depend_on_the_direction_stays(credit):
    silent, said = audited(credit), audited(credit, favorable=credit[2].classes_[0])
    two = len(silent.classes) == 2
    for frame, metrics in {
        "fidelity": ["agreement", "kl", "skill", *(["r2_probability", "teacher_slope", "auc"] if two else [])],
        "performance": ["accuracy", "log_loss", *(["auc"] if two else [])],
        "group_fidelity": ["agreement", "agreement_difference"],
        "importance": ["permutation", *(["shapley"] if two else [])],
    }.items():
        for metric in metrics:
            one, other = (r.frames[frame][r.frames[frame]["metric"] == metric]["estimate"] for r in (silent, said))
            assert one.tolist() == pytest.approx(other.tolist(), rel=1e-6, nan_ok=True), (frame, metric)


def test_requirements_are_the_callers(credit):
    favorable = credit[2].classes_[0]
    plain = audited(credit, favorable=favorable)
    assert plain.frames["verdicts"].empty
    assert plain.requirements == {}
    assert "nothing passes or fails" in render(plain, "html")
    asked = audited(credit, favorable=favorable, requirements={"fidelity.agreement": ">= 0.01"})
    assert asked.frames["verdicts"]["verdict"].tolist() == ["pass"]
