"""A top share is a place among the audited rows: changed, made-up and fewer rows are held against its cut."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd

N = 400


class Teacher:
    """Its probability of yes is ``score``, and 0.3 more for men."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        p = X["score"].to_numpy(float) + 0.3 * (X["sex"] == "m").to_numpy(float)
        return np.c_[1 - p, p]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return "score"

    def __sklearn_clone__(self):
        return self


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    score = rng.permutation((np.arange(N) + 0.5) / N * 0.7)
    return pd.DataFrame({"score": score, "sex": np.where(np.arange(N) % 2, "m", "f")})


@pytest.fixture(scope="module")
def audit(rows):
    train = rows.assign(score=rows["score"] * 0.99).set_axis(np.arange(N) + 10_000)
    student = xd.Distiller(Teacher(), xd.TreeClassifier(max_leaf_nodes=16), n_queries=2000, random_state=0).fit(train)
    best = rows[Teacher().predict_proba(rows)[:, 1] > 0.9]
    return xd.audit(
        Teacher(), {"tree": student}, rows, Teacher().predict(rows), train=(train, Teacher().predict(train)),
        sensitive=["sex"], favorable="yes", threshold={"top": 0.25}, stress=best, n_explained=0, date="2026-01-01",
    )  # fmt: skip


def cut_of(rows):
    return np.sort(Teacher().predict_proba(rows)[:, 1])[-N // 4]


def test_flips_hold_changed_rows_against_the_cut_of_the_real_ones(rows, audit):
    p, cut = Teacher().predict_proba(rows)[:, 1], cut_of(rows)
    flips = audit.frames["flips"].query("subject == 'teacher' and metric == 'flip_rate'").set_index("group")["estimate"]
    for sex, other in (("f", "m"), ("m", "f")):
        who = (rows["sex"] == other).to_numpy()
        changed = Teacher().predict_proba(rows.assign(sex=sex))[:, 1]
        assert flips[sex] == pytest.approx(np.mean((p >= cut)[who] != (changed >= cut)[who]))


class Wary(Teacher):
    """Gives 0.2 more to rows whose score is none of the audited ones."""

    def predict_proba(self, X):
        place = X["score"].to_numpy(float) * N / 0.7 - 0.5
        P = super().predict_proba(X)
        P[:, 1] = np.minimum(P[:, 1] + 0.2 * (np.abs(place - np.rint(place)) > 1e-6), 1.0)
        P[:, 0] = 1 - P[:, 1]
        return P


def test_the_noise_check_holds_noisy_rows_against_it(rows):
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(rows, Teacher().predict(rows))
    audit = xd.audit(
        Wary(), {"tree": tree}, rows, sensitive=["sex"], favorable="yes", threshold={"top": 0.25}, n_explained=0,
        date="2026-01-01",
    )  # fmt: skip
    p, cut = Teacher().predict_proba(rows)[:, 1], cut_of(rows)
    lifted = np.mean((p >= cut) != (p + 0.2 >= cut))
    noise = audit.frames["teacher"].query("metric == 'noise_flip'")["estimate"].iloc[0]
    assert noise == pytest.approx(lifted, abs=0.03), "ranked among themselves, hardly any row would move"
    assert lifted > 0.15


def test_rows_of_the_caller_are_not_ranked_among_themselves(audit):
    line = audit.frames["fidelity"].query("subset == 'what-if rows of the caller' and metric == 'agreement'").iloc[0]
    assert line["estimate"] == 1.0, "teacher and student select all of the very best, not a quarter of them"
    assert (
        audit.frames["fidelity"]
        .query("subset == 'what-if rows of the caller' and metric == 'auc'")["status"]
        .ne("ok")
        .all()
    ), "there is one decision only"
