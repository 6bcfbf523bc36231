"""Sizes, operations and times."""

import pickle

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

import explaindistill as xd


def test_the_deployment_card_counts_and_times_only_when_asked(report):
    told = report.frames["deployment"].set_index(["metric", "subject"])["estimate"]
    student = next(iter(report.students))
    assert np.isnan(told["bytes", "teacher"])  # a function of the caller's own
    assert told["bytes", student] > told["gzip_bytes", student] > 0
    assert told["operations", student] >= 1
    assert not any(metric.endswith("_seconds") for metric, _ in told.index)
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(5, random_state=0).fit(X[:300], y[:300])
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X[:300], forest.predict_proba(X[:300]))
    timed = xd.audit(forest, {"tree": tree}, X[300:], y[300:], time_models=True)
    told = timed.frames["deployment"].set_index(["metric", "subject"])
    assert told["estimate"]["bytes", "teacher"] == len(pickle.dumps(forest, protocol=5))
    assert told["estimate"]["single_row_seconds_ratio", "tree"] > 0
    assert told["status"]["operations", "teacher"] == "undefined"
    assert told["reason"]["operations", "teacher"] == "a EstimatorTeacher does not tell"
    text = timed._repr_html_()
    assert "Traceback" not in text
