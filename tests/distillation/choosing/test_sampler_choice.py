"""Samplers compete: what is held out, what counts, what it costs, and that both stay unless chance is ruled out."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.folds import content_folds
from explaindistill.distillation.choosing import sampler_choice
from explaindistill.distillation.choosing.sampler_choice import SamplerContest
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Draw
from explaindistill.samplers.copula import CopulaSampler
from explaindistill.samplers.mixed import MixedSampler
from explaindistill.samplers.munge import MungeSampler
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.recorded import RecordedTeacher


def frame(n, seed=0):
    return pd.DataFrame(np.random.default_rng(seed).random((n, 2)), columns=["a", "b"])


def answers(X):
    """Changes its mind at .1, where the rows are, and at 15, where nobody is."""
    a = X["a"].to_numpy()
    p = np.where((a > 0.1) ^ (a > 15), 0.9, 0.1)
    return np.column_stack([1 - p, p])


STEP = CallableTeacher(answers, classes=[0, 1])


class Near:
    """Makes rows where the real ones are, and remembers what it was fitted to."""

    fitted: ClassVar = []

    def __init__(self):
        self.low, self.high = 0.0, 1.0

    def fit(self, X, schema=None):
        self.rows = X
        Near.fitted.append(X)
        return self

    def draw(self, n, rng):
        rows = pd.DataFrame({"a": rng.uniform(self.low, self.high, n), "b": rng.random(n)})
        return Draw(rows, np.full((n, 1), -1), np.zeros(n, dtype=bool))


class Far(Near):
    """Makes rows where nobody is: two leaves are then spent on what happens there."""

    def __init__(self):
        self.low, self.high = 10.0, 20.0


def distilled(X, teacher=STEP, student=None, **options):
    options = {"n_queries": 5 * len(X)} | options
    student = xd.TreeClassifier(2, shrinkage=0) if student is None else student
    return xd.Distiller(teacher, student, sampler="auto", random_state=0, **options).fit(X)


@pytest.fixture
def rivals(monkeypatch):
    Near.fitted = []
    monkeypatch.setattr(sampler_choice, "_samplers", lambda: (Near(), Far()))


@pytest.mark.usefixtures("rivals")
def test_rows_that_mislead_are_left_out():
    X = frame(300)
    d = distilled(X, student=xd.TreeClassifier(2, min_samples_leaf=30, shrinkage=0))  # of 20 real rows no leaf is made
    table = d.sampler_candidates_.set_index("sampler")
    assert table.loc[["Far", "both", "none"], "score"].max() < 0.97
    assert table.loc["Near", "score"] > 0.98
    assert table.loc["Near", "ahead_low"] > 0
    assert table["chosen"].to_dict() == {"both": False, "none": False, "Near": True, "Far": False}
    assert type(d.sampler_) is Near
    assert d.score(frame(500, seed=1)) > 0.95
    assert (d.corpus_.n_synthetic, d.corpus_.n_unused, d.n_queries_) == (600, 600, 1500)
    assert d.corpus_.synthetic_weight == pytest.approx(600 / 900)
    facts = d.corpus_.to_frame().set_index("fact")["value"]
    assert facts["how the sampler was chosen"].startswith("Near, by held-out agreement (both ")
    assert facts["made-up rows that were answered and left out"] == "600"


@pytest.mark.usefixtures("rivals")
def test_neither_sampler_nor_student_saw_the_rows_that_are_held_out():
    X = frame(90, seed=9)
    asked = []

    class Watched(xd.TreeClassifier):
        def fit(self, X, y, sample_weight=None):
            asked.append(X)
            return super().fit(X, y, sample_weight)

    distilled(X, student=Watched(2, shrinkage=0))
    folds = content_folds(X, 3)
    assert len(Near.fitted) == 6
    for i, rows in enumerate(Near.fitted):
        pd.testing.assert_frame_equal(rows, X[folds != i // 2].reset_index(drop=True))
    assert len(asked) == 4 * 3 + 1  # four candidates on three folds, and the student itself
    for i, rows in enumerate(asked[:12]):
        held = X[folds == i % 3]["a"]
        assert not rows["a"].isin(held).any()
        assert X[folds != i % 3]["a"].isin(rows["a"]).all()


def test_both_stay_unless_another_is_better_by_more_than_chance():
    X = frame(240)
    d = distilled(X, lambda X: answers(X)[:, 1], xd.TreeRegressor(4))
    table = d.sampler_candidates_
    assert table["sampler"].tolist() == ["both", "none", "MungeSampler", "CopulaSampler"]
    assert table["n_made"].tolist() == [960, 0, 480, 480]
    assert (table["n"] == 240).all()
    assert table.attrs["metric"] == "R²"
    ahead = table["ahead"]
    error = (table["ahead_high"] - ahead) / 1.96
    beyond = (ahead > 2 * error) & (ahead > 0)
    assert table.loc[table["chosen"], "sampler"].item() == (
        "both" if not beyond.any() else table["sampler"][ahead.where(beyond).idxmax()]
    )
    np.testing.assert_allclose(ahead, table["score"] - table["score"][0], atol=1e-12)


def test_figures_are_those_of_the_formula():
    rng = np.random.default_rng(3)
    weight = rng.integers(1, 4, 50).astype(float)
    scores = {name: rng.integers(0, 2, 50).astype(float) for name in ("both", "none")}
    exam = type("Exam", (), {"weight": weight, "rows": np.arange(50), "targets": type("T", (), {"classes": [0, 1]})})
    table = sampler_choice._compared(scores, exam, {"both": 7, "none": 0})
    gain = scores["none"] - scores["both"]
    mean = sum(w * g for w, g in zip(weight, gain, strict=True)) / weight.sum()
    error = sum((w / weight.sum() * (g - mean)) ** 2 for w, g in zip(weight, gain, strict=True)) ** 0.5
    assert table["ahead"][1] == pytest.approx(mean)
    assert table["ahead_low"][1] == pytest.approx(mean - 1.96 * error)
    assert table["score"].tolist() == pytest.approx([np.average(scores[s], weights=weight) for s in ("both", "none")])


def test_it_asks_no_more_than_was_said():
    X = frame(100)
    d = xd.Distiller(STEP, xd.TreeClassifier(4), sampler="auto", random_state=0)
    forecast = d.dry_run(X)
    assert not forecast.at_most
    assert forecast.total == d.fit(X).cost_.n_asked == d.n_queries_
    assert 800 < forecast.total <= 1000  # chance makes equal rows
    few = distilled(X, n_queries=60)
    assert few.n_queries_ == 60
    assert few.sampler_ is None
    assert not hasattr(few, "sampler_candidates_")


@pytest.mark.parametrize(("n", "asked"), [(499, 4990), (501, 5000), (999, 5000), (1001, 5005)])
def test_of_a_small_table_more_is_asked(n, asked):
    total = xd.Distiller(STEP, xd.TreeClassifier(4), sampler="auto", random_state=0).dry_run(frame(n)).total
    assert 0.8 * asked < total <= asked  # chance makes equal rows


def test_one_seed_gives_one_choice_and_one_student():
    X = frame(150)
    first, again = distilled(X), distilled(X)
    pd.testing.assert_frame_equal(first.sampler_candidates_, again.sampler_candidates_)
    assert first.student_.to_dict() == again.student_.to_dict()


def test_copies_of_rows_do_not_count_as_further_rows():
    X = frame(60)
    once, often = SamplerContest().fit(X), SamplerContest().fit(pd.concat([X] * 5, ignore_index=True))
    assert often.folds_.reshape(5, -1).tolist() == [once.folds_.tolist()] * 5
    d = distilled(pd.concat([X] * 5, ignore_index=True))
    assert (d.sampler_candidates_["n"] == 60).all()


@pytest.mark.parametrize(("n", "held"), [(29, 0), (30, 30)])
def test_a_handful_of_rows_holds_none_out(n, held):
    d = distilled(frame(n), student=xd.TreeClassifier(2, min_samples_leaf=1))
    table = d.sampler_candidates_
    assert table["n"].tolist() == [held] * 4
    assert table["score"].isna().all() == (held == 0)
    assert held or (isinstance(d.sampler_, MixedSampler) and "too few real rows" in d.corpus_.sampler_choice)


def test_beyond_a_limit_a_share_of_real_and_made_up_rows_takes_part(monkeypatch):
    X = frame(300)
    whole = distilled(X).sampler_candidates_
    monkeypatch.setattr(sampler_choice, "MOST", 150)
    sizes = []

    class Counted(xd.TreeClassifier):
        def fit(self, X, y, sample_weight=None):
            sizes.append(len(X))
            return super().fit(X, y, sample_weight)

    table = distilled(X, student=Counted(2, shrinkage=0)).sampler_candidates_
    assert (table["n"] == 150).all()
    assert table["n_made"].tolist() == whole["n_made"].tolist()
    np.testing.assert_allclose(sizes[:3], 100 + 200, atol=3)  # both: two thirds of the real rows, half of a fold's 400
    np.testing.assert_allclose(sizes[3:6], 100, atol=3)
    assert sizes[-1] == 1500
    np.testing.assert_allclose(table["score"], whole["score"], atol=0.05)


def test_a_student_that_is_still_to_be_chosen_is_spoken_for_by_a_tree():
    d = xd.best(STEP, frame(40), max_lines=2, sampler="auto", random_state=0)
    assert d.sampler_candidates_["chosen"].sum() == 1
    assert d.student_.complexity().n_lines <= 2


def test_a_record_makes_no_rows():
    X = frame(60)
    d = distilled(X, RecordedTeacher(X, answers(X), classes=[0, 1]), n_queries="auto")
    assert d.corpus_.sampler == "none"
    assert d.sampler_ is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query_strategy": "committee"}, 'sampler="auto" needs query_strategy="random" and proxy=None'),
        ({"proxy": "gam"}, "got 'random' and 'gam'; name a sampler"),
        ({"n_queries": "stable"}, "needs one sampler that asks nothing itself, got .auto."),
    ],
)
def test_what_it_does_not_go_with(options, message):
    with pytest.raises(InvalidInputError, match=message):
        distilled(frame(50), **options)
    with pytest.raises(InvalidInputError, match=r"sampler must be a sampler such as MungeSampler\(\), .auto., or None"):
        xd.Distiller(STEP, xd.TreeClassifier(2), sampler="best").fit(frame(50))


def test_half_of_the_rows_by_each():
    X = frame(80)
    draw = MixedSampler().fit(X).draw(101, np.random.default_rng(0))
    near = draw.parents[:, 0] >= 0
    assert near.sum() == 51
    assert not (np.diff(np.flatnonzero(near)) == 1).all()  # in random order
    assert (draw.parents[~near] == -1).all()
    assert len(MixedSampler().fit(X).draw(1, np.random.default_rng(0)).rows) == 1
    rng = np.random.default_rng(5)
    apart = MungeSampler().fit(X).draw(10, rng).rows, CopulaSampler().fit(X).draw(10, rng).rows
    mixed = MixedSampler().fit(X).draw(20, np.random.default_rng(5)).rows
    assert sorted(mixed["a"]) == sorted(pd.concat(apart)["a"])
