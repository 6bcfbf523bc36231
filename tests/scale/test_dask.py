"""Workers of a cluster give the tree of one machine, also where one of them dies on the way."""

import importlib
import json
import os
import signal
import sys

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
import scale.rows as rows_of_every_kind
from explaindistill.auditing.partitions import opening
from explaindistill.errors import InvalidInputError
from explaindistill.scale.frames import partitions_of_frames
from scale.rows import Blend, cut, mixed_rows

ABSENT = "dask is not installed: pip install explaindistill[dask]"
distributed = pytest.importorskip("distributed", reason=ABSENT)
cloudpickle = pytest.importorskip("cloudpickle", reason=ABSENT)
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
