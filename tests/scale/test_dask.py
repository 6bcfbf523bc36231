"""Workers of a cluster give the tree of one machine, also where one of them dies on the way."""

import importlib
import json
import os
import signal
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import explaindistill as xd
import scale.rows as rows_of_every_kind
from explaindistill.auditing.partitions import opening
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.sums import added
from explaindistill.scale.dask import DaskPartitions, shared_out
from explaindistill.scale.frames import partitions_of_frames
from explaindistill.teachers import Rights
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.ensemble import EnsembleTeacher
from explaindistill.teachers.pate import PateTeacher
from scale.rows import Blend, cut, mixed_rows

ABSENT = "dask is not installed: pip install explaindistill[dask]"
distributed = pytest.importorskip("distributed", reason=ABSENT)
cloudpickle = pytest.importorskip("cloudpickle", reason=ABSENT)
dask = pytest.importorskip("dask", reason=ABSENT)
dd = pytest.importorskip("dask.dataframe", reason=ABSENT)

ROWS = mixed_rows(600, seed=6)


@pytest.fixture(scope="module")
def cluster():
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    # workers know nothing of the tests: what these define is sent as it is
    for module in (rows_of_every_kind, sys.modules[__name__]):
        cloudpickle.register_pickle_by_value(module)
    with distributed.LocalCluster(**settings) as workers, distributed.Client(workers) as client:
        yield client


def fitted(rows, student=None, teacher=None, **how):
    student = xd.TreeClassifier(max_leaf_nodes=6, search="greedy") if student is None else student
    return xd.Distiller(teacher or Blend(), student, n_queries="all", random_state=0, **how).fit(rows)


def test_the_tree_of_two_workers_is_that_of_one_machine(cluster, tmp_path):
    ROWS.to_parquet(tmp_path / "rows.parquet", row_group_size=150, index=False)
    read = pd.read_parquet(tmp_path / "rows.parquet")
    here = json.dumps(fitted(read).to_dict())
    assert json.dumps(fitted(dd.read_parquet(tmp_path, split_row_groups=True)).to_dict()) == here
    assert json.dumps(fitted(xd.open_parquet(tmp_path)).to_dict()) == here


@pytest.mark.parametrize("student", [xd.LinearClassifier(), xd.GAMClassifier(n_knots=6, n_pairs=1)])
def test_the_sum_of_two_workers_is_that_of_one_machine(cluster, student):
    here = json.dumps(fitted(ROWS, student).to_dict())
    assert json.dumps(fitted(dd.from_pandas(ROWS, npartitions=3), student).to_dict()) == here


def test_a_question_is_one_task_for_the_parts_of_a_thread(cluster):
    parts = DaskPartitions.of(dd.from_pandas(ROWS, npartitions=7))
    stepped = parts.step(rows_of_part)
    assert [len(p) for p in (parts, parts.bundles, stepped, stepped.bundles)] == [7, 2, 7, 2]
    assert sorted(len(bundle.result()) for bundle in stepped.bundles) == [3, 4]
    assert stepped.ask(len, reduce=added) == 600


def rows_of_part(part):
    return part.rows


@pytest.mark.parametrize(
    ("holders", "threads", "shared"),
    [
        ([["a"], ["b"], ["a"], ["b"]], {"a": 1, "b": 1}, [[0, 2], [1, 3]]),
        ([["a"]] * 4, {"a": 1, "b": 1}, [[0, 1], [2, 3]]),  # no worker passes many more than the others
        ([["a"]] * 3 + [["b"]] * 3, {"a": 1, "b": 2}, [[0, 1], [2, 4], [3, 5]]),  # threads are shares
        ([["a", "b"], ["gone"], [], ["a"]], {"a": 1, "b": 1}, [[0, 3], [1, 2]]),
        ([["a"]], {"a": 2, "b": 2}, [[0]]),
        ([["a"], ["b"]], {}, [[0, 1]]),
    ],
)
def test_parts_are_shared_out_as_they_lie(holders, threads, shared):
    assert shared_out(holders, threads) == shared


def test_answers_are_reckoned_when_they_are_read(cluster):
    there = dd.from_pandas(ROWS, npartitions=3)
    student = fitted(there, teacher=Blend(3))
    answers, probabilities = student.predict(there), student.predict_proba(there)
    assert isinstance(answers, dd.Series)
    assert answers.compute().tolist() == student.predict(ROWS).tolist()
    assert np.array_equal(probabilities.compute().to_numpy(), student.predict_proba(ROWS))


def test_a_worker_that_dies_changes_nothing(cluster):
    there = dd.from_pandas(ROWS, npartitions=4)
    here = json.dumps(fitted(ROWS).student_.tree_.to_dict())
    student = Dying(max_leaf_nodes=6, search="greedy")
    assert json.dumps(fitted(there, student).student_.tree_.to_dict()) == here
    assert Dying.killed


class Dying(xd.TreeClassifier):
    """A tree in whose fit a worker is killed, after the teacher answered."""

    killed = ()

    def fit_parts(self, parts, schema, classes):
        parts.ask(len_of, reduce=max)
        pids = distributed.default_client().run(os.getpid)
        Dying.killed = (next(iter(pids.values())),)
        os.kill(Dying.killed[0], signal.SIGKILL)
        return super().fit_parts(parts, schema, classes)


def test_the_audit_of_two_workers_is_that_of_one_machine(cluster, monkeypatch):
    monkeypatch.setattr(opening, "DRAWN", 200)
    rows = ROWS.drop(columns=["number", "since"])
    yes = np.random.default_rng(0).random(600) < Blend().predict_proba(rows)[:, 1]
    rows = rows.assign(y=np.where(yes, "class 1", "class 0"), sex=["f", "m", "f"] * 200)
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(rows.drop(columns=["y", "sex"])[:300], yes[:300] * 1)
    tree.classes_ = Blend().classes_
    how = {"sensitive": "sex", "favorable": "class 1", "n_explained": 0, "strict": True}
    here, there = (
        xd.audit(Blend(), {"tree": tree}, parts, "y", **how)
        for parts in (partitions_of_frames(cut(rows, 3, 0)), dd.from_pandas(rows, npartitions=4))
    )
    for name, table in here.frames.items():
        if name != "deployment":  # seconds
            pd.testing.assert_frame_equal(table, there.frames[name], obj=name)
    assert here.manifest["data_sha256"] == there.manifest["data_sha256"]
    assert here.manifest["rows_sent"]["by_purpose"]["audit: all rows"] == 600
    assert here.manifest["rows_sent"] == there.manifest["rows_sent"]


def len_of(part):
    return len(part.Y)


def test_a_frame_of_dask_needs_a_client():
    there = dd.from_pandas(ROWS, npartitions=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, "default_client", lambda: (_ for _ in ()).throw(ValueError("no client")))
        with pytest.raises(InvalidInputError, match=r"needs a cluster; start one first: .* Client\(\)"):
            fitted(there)


class Unknown(Blend):
    """A teacher whose module is on no worker."""

    def __reduce__(self):
        return importlib.import_module, ("a_module_that_no_worker_has",)


def test_a_teacher_that_no_worker_can_load_is_an_error_and_no_wait(cluster):
    with pytest.raises(InvalidInputError, match=r"a worker could not load .*a_module_that_no_worker_has.*; install"):
        fitted(dd.from_pandas(ROWS, npartitions=2), teacher=Unknown())


NUMBERS = pd.DataFrame(np.random.default_rng(3).normal(size=(900, 5)), columns=list("abcde"))


def networks():
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch==2.13.0")
    from explaindistill.teachers.torch import TorchTeacher

    torch.manual_seed(0)
    layers = torch.nn.Linear(5, 32), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(32, 2)
    net = torch.nn.Sequential(*layers).double()
    net.train()  # as a notebook leaves it: the adapter leaves this mode for a question only
    return TorchTeacher(net, classes=["no", "yes"])


def perceptron():
    return make_pipeline(StandardScaler(), MLPClassifier(max_iter=20, random_state=0)).fit(NUMBERS, NUMBERS.a > 0)


def forest():
    return RandomForestClassifier(9, random_state=0).fit(NUMBERS, NUMBERS.a > 0)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("make", [networks, perceptron, forest])
def test_real_teachers_answer_alike_in_any_cut_and_on_workers(cluster, make):
    teacher = make()
    here = json.dumps(fitted(NUMBERS, teacher=teacher).to_dict())
    cut = [NUMBERS.iloc[:1], NUMBERS.iloc[1:34], NUMBERS.iloc[34:]]
    assert json.dumps(fitted(partitions_of_frames(cut), teacher=teacher).to_dict()) == here
    assert json.dumps(fitted(dd.from_pandas(NUMBERS, npartitions=4), teacher=teacher).to_dict()) == here


def test_what_workers_ask_is_counted_here(cluster):
    teacher = CallableTeacher(lambda X: X["a"] ** 2)
    ensemble = EnsembleTeacher([teacher, CallableTeacher(lambda X: X["b"])])
    student = fitted(dd.from_pandas(NUMBERS, npartitions=4), xd.TreeRegressor(max_leaf_nodes=3), ensemble)
    assert teacher.rows_sent_.by_purpose == {"fit": 900}
    assert student.cost_.n_asked == 900
    audit = xd.audit(ensemble, {"tree": student}, dd.from_pandas(NUMBERS + 1, npartitions=4), n_explained=0)
    assert teacher.rows_sent_.by_purpose["audit: all rows"] == 900
    assert audit.manifest["rows_sent"]["by_purpose"]["audit: all rows"] == 2 * 900


@pytest.mark.parametrize("how", ["vote", "ensemble", "server"])
def test_teachers_that_hold_limits_in_one_process_are_not_copied_to_workers(cluster, how):
    one = CallableTeacher(lambda X: (X["a"] > 0).astype(float), classes=["no", "yes"])
    vote = PateTeacher([one, one, one], noise_scale=1.0, seed=0)
    http = pytest.importorskip("explaindistill.teachers.http", reason="httpx is not installed")
    server = http.HttpTeacher(
        "http://127.0.0.1:9", classes=["no", "yes"], rights=Rights("mine", "own model", "I trained it")
    )
    teacher = {"vote": vote, "ensemble": EnsembleTeacher([one, vote]), "server": server}[how]
    with pytest.raises(InvalidInputError, match=r"workers of a cluster .*(privacy|limits).*; read the rows on this"):
        fitted(dd.from_pandas(NUMBERS, npartitions=2), teacher=teacher)
    tree = fitted(NUMBERS, teacher=one)
    with pytest.raises(InvalidInputError, match=r"workers of a cluster .*(privacy|limits).*; read the rows on this"):
        xd.audit(teacher, {"tree": tree}, dd.from_pandas(NUMBERS, npartitions=2))
    if how == "vote":
        assert vote.n_answered == 0
        fitted(partitions_of_frames([NUMBERS.iloc[:500], NUMBERS.iloc[400:]]), teacher=vote)
        assert vote.n_answered == 900  # rows in two parts have one vote


@pytest.mark.parametrize(
    ("rows", "there"),
    [
        (NUMBERS[:40], lambda rows: dd.from_pandas(rows, npartitions=3)),
        (NUMBERS[:400], lambda rows: dd.from_pandas(NUMBERS, npartitions=4).map_partitions(lambda r: r[r.index < 400])),
        (NUMBERS.set_index(np.arange(900) // 7), lambda rows: dd.from_pandas(rows, npartitions=3)),
        (NUMBERS.sample(frac=1, random_state=0), lambda rows: dd.from_pandas(rows, npartitions=3, sort=False)),
        (
            NUMBERS.assign(a=pd.Categorical(np.where(NUMBERS.b > 0, "x", "y"))),
            lambda rows: dd.from_pandas(rows.astype({"a": str}), npartitions=3).astype({"a": "category"}),
        ),
        (
            NUMBERS.round(),
            lambda rows: dd.concat([dd.from_pandas(r, npartitions=1) for r in (rows[:500].astype(int), rows[500:])]),
        ),
    ],
)
def test_frames_of_dask_that_break_other_tools(cluster, rows, there):
    teacher = CallableTeacher(lambda X: X["b"].to_numpy(dtype=float) ** 2)
    frames = there(rows)
    one, many = (fitted(r, xd.TreeRegressor(max_leaf_nodes=4), teacher) for r in (rows, frames))
    assert json.dumps(many.to_dict()) == json.dumps(one.to_dict())
    answers = many.predict(frames).compute()
    assert answers.tolist() == one.predict(rows).tolist()
    assert answers.index.tolist() == rows.index.tolist()


def test_what_is_no_frame_of_dask(cluster):
    frame = dd.from_pandas(NUMBERS, npartitions=2)
    for rows in (frame.to_dask_array(), frame["a"], dask.delayed(NUMBERS)):
        with pytest.raises(InvalidInputError, match=r"rows of dask must be a dask\.dataframe\.DataFrame, got"):
            fitted(rows)
