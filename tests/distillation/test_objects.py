"""Distilling objects that are no rows: every container goes in, each object is read once, nothing is kept of it."""

from __future__ import annotations

import gc
import pickle
import sys
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

import explaindistill as xd
from explaindistill.asking.store import LabelStore
from explaindistill.data.raw_objects import RawObject
from explaindistill.data.row_keys import row_keys
from explaindistill.distillation.ways.synthetic_only import SyntheticOnly
from explaindistill.errors import InvalidInputError
from explaindistill.samplers.munge import MungeSampler
from explaindistill.teachers.callable import CallableTeacher

sys.path.insert(0, str(Path(__file__).parents[1]))
from series_domain import SeriesColumns, SeriesDomain, SeriesSampler

RNG = np.random.default_rng(0)
RAGGED = [RNG.normal(size=RNG.integers(4, 9)).cumsum() for _ in range(150)]
EVEN = np.stack([RNG.normal(size=6).cumsum() for _ in range(150)])


def rises(series):
    """A teacher that looks at the last value only."""
    return np.array([s[-1] > 0 for s in series], dtype=float)


def teacher(function=rises, version="1"):
    return CallableTeacher(function, classes=["no", "yes"], version=version)


def distiller(given=None, domain=None, **options):
    options = {"random_state": 0} | options
    student = options.pop("student", xd.TreeClassifier(max_leaf_nodes=4))
    return xd.Distiller(given or teacher(), student, domain=domain or SeriesDomain(), **options)


CONTAINERS = {
    "ragged list": RAGGED,
    "tuple": tuple(RAGGED),
    "series": pd.Series(RAGGED, index=[f"p{i}" for i in range(len(RAGGED))]),
    "array": EVEN,
    "object array": np.array([*RAGGED, None], dtype=object)[:-1],
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_column_that_decides_is_found_whatever_holds_the_objects(name):
    X = CONTAINERS[name]
    student = distiller().fit(X)
    assert student.score(X) == 1.0
    assert student.importance().set_index("feature")["estimate"].to_dict()["last value"] == 1.0
    assert student.predict(X).tolist() == teacher().predict(list(X)).tolist()
    assert student.predict_proba(X).shape == (len(X), 2)
    assert set(student.explain(list(X)[:2], as_frame=True)["row"]) == {0, 1}
    assert "last value" in student.describe()


def test_the_teacher_is_asked_in_its_own_container():
    kinds = []

    def ask(series):
        kinds.append(type(series))
        return rises(series)

    distiller(teacher(ask)).fit(RAGGED)
    distiller(teacher(ask)).fit(EVEN)
    assert set(kinds[:2]) == {list}
    assert kinds[-1] is np.ndarray


def test_columns_are_fitted_to_the_answers_and_each_object_is_read_once():
    seen: list[bytes] = []
    fits = []

    class Counted(SeriesColumns):
        def fit(self, objects, P=None):
            fits.append((objects, P))
            return self

        def transform(self, objects):
            seen.extend(o.tobytes() for o in objects)
            return super().transform(objects)

    class Domain(SeriesDomain):
        def columns(self):
            return Counted()

    student = distiller(domain=Domain()).fit([*RAGGED, RAGGED[0]])
    ((objects, P),) = fits
    assert len(objects) == len(RAGGED) + 1
    assert np.array_equal(P[:, 1], rises(objects))
    assert len(seen) == len(set(seen)) == student.n_queries_


def test_best_reads_each_object_once():
    seen: list[bytes] = []

    class Counted(SeriesColumns):
        def transform(self, objects):
            seen.extend(o.tobytes() for o in objects)
            return super().transform(objects)

    class Domain(SeriesDomain):
        def columns(self):
            return Counted()

    winner = xd.best(teacher(), RAGGED, max_lines=3, domain=Domain(), random_state=0)
    assert winner.score(RAGGED) == 1.0
    assert len(set(seen)) == winner.n_queries_
    seen_in_fit = len(seen) - len(RAGGED)  # score looked at the given ones again
    assert seen_in_fit == winner.n_queries_


def test_no_object_outlives_the_fit():
    held = [RNG.normal(size=5) for _ in range(60)]
    watch = [weakref.ref(s) for s in held]
    student = distiller().fit(held)
    del held
    gc.collect()
    assert [w() for w in watch if w() is not None] == []
    assert student.n_queries_ > 60


def test_pickle_and_clone_keep_the_answers():
    student = distiller().fit(RAGGED)
    again = pickle.loads(pickle.dumps(student))
    assert again.predict(RAGGED).tolist() == student.predict(RAGGED).tolist()
    copy = clone(student).fit(RAGGED)
    assert copy.student_.to_dict() == student.student_.to_dict()


def test_the_store_answers_what_was_asked(tmp_path):
    asked = []

    def ask(series):
        asked.append(len(series))
        return rises(series)

    with LabelStore(tmp_path / "labels.db") as store:
        first = distiller(teacher(ask), store=store).fit(RAGGED)
        n = sum(asked)
        assert n == first.n_queries_
        distiller(teacher(ask), store=store).fit(RAGGED[::-1], None)
        assert first.score(RAGGED) == 1.0
    assert sum(asked) - n < n  # the real ones came from the store


def test_cross_validation_scores_fidelity_on_objects_that_were_held_out():
    scores = cross_val_score(distiller(), RAGGED, cv=3, scoring=xd.fidelity_scorer)
    assert (scores > 0.9).all()


@pytest.mark.parametrize("n_queries", [40, 150, 200])
def test_n_queries_limits_all_that_is_asked(n_queries):
    asked = []

    def ask(series):
        asked.append(len(series))
        return rises(series)

    plan = distiller(teacher(ask), n_queries=n_queries)
    forecast = plan.dry_run(RAGGED)
    assert sum(asked) == 0
    student = plan.fit(RAGGED)
    assert sum(asked) == student.n_queries_ <= n_queries == sum(forecast.rows.values())


def test_a_dry_run_without_a_sampler_is_exact():
    class Domain(SeriesDomain):
        def sampler(self):
            return None

    plan = distiller(domain=Domain())
    forecast = plan.dry_run([*RAGGED, RAGGED[0]])
    student = plan.fit([*RAGGED, RAGGED[0]])
    assert forecast.at_most == frozenset()
    assert sum(forecast.rows.values()) == student.n_queries_ == len(RAGGED)
    assert student.sampler_ is None


def mixed(labels=("series", "age", 3)):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            labels[0]: RAGGED,
            labels[1]: rng.integers(20, 60, len(RAGGED)),
            labels[2]: rng.choice(["a", "b"], len(RAGGED)),
        }
    )


def test_one_column_of_a_frame_stands_beside_ordinary_ones():
    def ask(frame):
        assert frame.columns.tolist() == ["series", "age", 3]
        assert isinstance(frame["series"].iloc[0], np.ndarray)
        return ((frame["series"].map(lambda s: s[-1]) > 0) & (frame["age"] > 40)).astype(float)

    X = mixed()
    student = distiller(teacher(ask), SeriesDomain("series")).fit(X)
    shares = student.importance().set_index("feature")["estimate"]
    assert {name for name, share in shares.items() if share > 0} == {"last value", "age"}
    assert student.score(X) == 1.0
    assert student.view_.features.get_feature_names_out().tolist() == ["level", "slope", "last value", "age", "3"]
    assert student.show(X.iloc[0]).startswith("<p>")
    blind = distiller(teacher(ask), SeriesDomain("series"), features=["3"]).fit(X)
    assert "age" not in blind.importance()["feature"].tolist()
    assert blind.score(X) < 1.0


def test_made_up_rows_of_a_mixed_table_keep_the_ordinary_columns_of_a_parent():
    rows = []

    def ask(frame):
        rows.extend(zip(frame["age"], frame[3], strict=True))
        return np.zeros(len(frame))

    X = mixed()
    distiller(teacher(ask), SeriesDomain("series")).fit(X)
    assert set(rows) == set(zip(X["age"], X[3], strict=True))
    assert len(rows) > len(X)


def test_columns_may_ask_further_and_all_of_it_is_counted():
    class Asking(SeriesColumns):
        def fit(self, objects, P=None, ask=None, classes=None):
            flat = np.empty(len(objects), dtype=object)
            for i, series in enumerate(objects):
                flat[i] = np.zeros(len(series))
            self.answers_, self.classes_ = ask(flat, np.arange(len(objects))), classes
            self.n_listed_ = 7
            return self

        def describe(self):
            return "a list of seven"

    class Domain(SeriesDomain):
        def columns(self):
            return Asking()

    student = distiller(domain=Domain()).fit(RAGGED)
    columns = student.view_.features.columns_
    assert columns.classes_.tolist() == ["no", "yes"]
    assert (columns.answers_[:, 1] == 0).all()
    assert student.corpus_.n_columns == len({len(s) for s in RAGGED})
    assert student.complexity().n_listed == 7
    assert student.describe().endswith("a list of seven")
    facts = student.corpus_.to_frame().set_index("fact")["value"]
    assert facts["of the distinct ones, changed objects that the columns asked about"] == str(student.corpus_.n_columns)


class Copying(SeriesSampler):
    """Makes nothing new."""

    def draw(self, n, rng):
        at = rng.integers(len(self.objects_), size=n)
        return self.objects_[at], at[:, None]


def test_a_sampler_that_makes_no_new_object_is_refused():
    with pytest.raises(InvalidInputError, match=r"Copying made \d+ objects and all .* n_queries=150"):
        distiller(sampler=Copying()).fit(RAGGED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"domain": "text"}, "domain must be a domain such as TextDomain"),
        ({"domain": SeriesDomain}, "got the class SeriesDomain"),
        ({"sampler": MungeSampler()}, "MungeSampler makes rows of a table"),
        ({"sampler": 3}, "sampler must be a sampler such as"),
        ({"features": ["level"]}, "features must be a list of the ordinary columns"),
        ({"proxy": "gam"}, "proxy must be None with domain=, got 'gam'.* n_queries= asks less"),
        ({"query_strategy": "committee"}, "random.* with domain=, got 'committee'.* n_queries= asks a random share"),
        ({"query_strategy": "boundary"}, "random.* with domain=, got 'boundary'"),
        ({"sampler": "auto"}, "a sampler of objects with domain=, got 'auto'"),
        ({"n_queries": "all", "sampler": MungeSampler()}, "asks about every real row and makes none"),
        ({"n_queries": 0}, "n_queries must be at least 1"),
    ],
)
def test_what_cannot_go_with_a_domain_is_refused_before_any_question(options, message):
    def ask(series):
        pytest.fail("asked")

    with pytest.raises(InvalidInputError, match=message):
        distiller(teacher(ask), **options).fit(RAGGED)


class Quiet(SeriesDomain):
    def sampler(self):
        return None


def test_all_asks_the_given_objects_and_makes_none():
    student = distiller(n_queries="all").fit([*RAGGED, *RAGGED[:3]])
    assert (student.n_queries_, student.corpus_.n_synthetic) == (len(RAGGED), 0)
    assert distiller(n_queries="all").dry_run(RAGGED).total == len(RAGGED)


def test_stable_makes_objects_until_the_student_no_longer_changes():
    forecast = distiller(n_queries="stable").dry_run(RAGGED).total
    student = distiller(n_queries="stable").fit(RAGGED)
    path = student.enlargements_
    assert path["n_queries"].iloc[0] <= 8 * len(RAGGED)
    assert path["n_queries"].is_monotonic_increasing
    assert student.corpus_.stopped
    assert student.n_queries_ == path["n_queries"].iloc[-1] <= forecast == 64 * len(RAGGED)
    assert student.score(RAGGED) > 0.9
    again = distiller(n_queries="stable").fit(RAGGED)
    assert again.student_.describe() == student.student_.describe()
    with pytest.raises(InvalidInputError, match="this Quiet makes none; give sampler= or a domain that makes some"):
        distiller(n_queries="stable", domain=Quiet()).fit(RAGGED)


def test_further_ways_take_objects():
    """Made-up objects alone: what a student is fitted to, and what it is measured on, are no object in common."""
    student = distiller(ways=[SyntheticOnly()]).fit(RAGGED)
    assert student.corpus_.n_synthetic > 0
    assert student.score(RAGGED) > 0.9


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(
        InvalidInputError, match="the domain's column is 'seires', the columns are: series, age, 3; did"
    ):
        distiller(domain=SeriesDomain("seires")).fit(mixed())


def test_two_columns_of_objects_are_refused_with_a_way_out():
    with pytest.raises(InvalidInputError, match=r"one name, got .*put the texts of several together"):
        distiller(domain=SeriesDomain(["series", "3"])).fit(mixed())


def test_no_objects_are_refused():
    with pytest.raises(InvalidInputError, match="at least 1 object"):
        distiller().fit([])


def test_without_a_domain_objects_fail_as_before():
    student = xd.Distiller(teacher(), xd.TreeClassifier())
    with pytest.raises(InvalidInputError, match="Expected 2D array"):
        student.fit(["a text", "another"])
    with pytest.raises(InvalidInputError, match="dim 3"):
        student.fit(np.zeros((4, 2, 2)))
    with pytest.raises(InvalidInputError, match="say domain="):
        student.fit(pd.DataFrame({"wave": RAGGED}))
    with pytest.raises(InvalidInputError, match="show needs a Distiller with domain="):
        xd.Distiller(lambda X: X[:, 0], xd.TreeRegressor()).fit(np.eye(4)).show([1.0])


def test_a_record_of_objects_is_a_teacher():
    class Domain(SeriesDomain):
        def sampler(self):
            return None

    P = np.column_stack([1 - rises(RAGGED), rises(RAGGED)])
    student = xd.Distiller((RAGGED, P), xd.TreeClassifier(max_leaf_nodes=2), domain=Domain(), random_state=0).fit(
        RAGGED
    )
    assert student.score(RAGGED) == 1.0
    with pytest.raises(InvalidInputError, match="only recorded answers"):
        xd.Distiller((RAGGED, P), xd.TreeClassifier(), domain=SeriesDomain(), random_state=0).fit(RAGGED)


def test_a_frontier_over_the_columns_of_a_domain():
    students = {f"{n} leaves": xd.TreeClassifier(max_leaf_nodes=n) for n in (2, 4)}
    front = xd.frontier(teacher(), RAGGED, students, domain=SeriesDomain())
    assert front.simplest(agreement=0.5).importance()["feature"].tolist()[0] == "last value"
    assert (front.frame["estimate"] > 0.9).all()
    given = xd.frontier(teacher(), RAGGED, students, X_test=RAGGED[:40], domain=SeriesDomain())
    assert given.frame["n"].tolist() == [40, 40]


def test_regression_and_weights():
    weight = np.where(rises(RAGGED) > 0, 3.0, 1.0)
    student = xd.Distiller(
        lambda series: [s[:-1].mean() for s in series], xd.LinearRegressor(), domain=SeriesDomain(), random_state=0
    ).fit(RAGGED, sample_weight=weight)
    assert student.score(RAGGED) > 0.999
    assert student.importance().set_index("feature")["estimate"]["level"] == pytest.approx(1.0, abs=1e-3)


def test_a_cell_never_says_what_it_holds():
    frame = pd.DataFrame({"text": [RawObject("a secret", b"a secret"), RawObject("another", b"another")]})
    assert "secret" not in f"{frame} {frame.to_csv()} {frame['text'].iloc[0]!r}"
    assert row_keys(frame).tolist() == row_keys(frame.iloc[::-1])[::-1].tolist()
    assert len({tuple(key) for key in row_keys(frame).tolist()}) == 2
