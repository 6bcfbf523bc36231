import json
import os

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from scale.rows import Blend, cut, mixed_rows


@pytest.fixture
def folder(tmp_path):
    rows = mixed_rows(500, seed=4)
    for i, piece in enumerate(cut(rows, 3, 5)):
        piece.to_parquet(tmp_path / f"rows {i}.parquet", row_group_size=60, index=False)
    pd.DataFrame(rows.iloc[:0]).to_parquet(tmp_path / "none.parquet", index=False)
    return tmp_path, rows


def fitted(rows, **how):
    student = xd.TreeClassifier(max_leaf_nodes=6)
    return xd.Distiller(Blend(), student, n_queries="all", random_state=0, **how).fit(rows)


def test_the_tree_of_files_is_that_of_a_frame(folder):
    path, rows = folder
    opened = xd.open_parquet(path)
    assert (opened.n_rows, opened.columns) == (500, rows.columns.tolist())
    assert len(opened) == 9
    here, there = fitted(rows), fitted(opened)
    assert json.dumps(here.to_dict()) == json.dumps(there.to_dict())
    assert there.schema_.to_dict() == here.schema_.to_dict()
    read = pd.concat(list(opened), ignore_index=True)
    assert np.concatenate(list(there.predict(opened))).tolist() == here.predict(read).tolist()
    assert there.predict(read).tolist() == here.predict(read).tolist()
    assert there.score(read) == here.score(read)
    assert (
        xd.audit(there.teacher_, {"tree": there}, mixed_rows(200, seed=5)).frames["fidelity"]["estimate"].notna().any()
    )


def test_columns_are_left_out_before_anything_is_read(folder, monkeypatch):
    path, _ = folder
    monkeypatch.setattr(pd, "concat", lambda *a, **k: pytest.fail("rows were read"))
    opened = xd.open_parquet(sorted(path.glob("rows*.parquet")))
    assert "city" not in opened.drop(columns="city").columns
    assert opened[["flag", "count"]].columns == ["flag", "count"]
    assert [len(rows.columns) for rows in opened[["flag"]]] == [1] * 9
    assert repr(opened) == "500 rows of 12 columns in 3 Parquet files, 9 parts"


def test_an_index_that_pandas_wrote_is_no_column(tmp_path):
    pd.DataFrame({"x": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="who")).to_parquet(tmp_path / "x.parquet")
    assert xd.open_parquet(tmp_path / "x.parquet").columns == ["x"]


def test_categories_that_differ_between_files_are_joined(tmp_path):
    for i, levels in enumerate((["a", "b"], ["b", "c"])):
        rows = pd.DataFrame({"level": pd.Categorical(levels * 20), "x": np.arange(40.0) + 40 * i})
        rows.to_parquet(tmp_path / f"{i}.parquet")
    student = fitted(xd.open_parquet(tmp_path))
    assert student.schema_["level"].categories == ("a", "b", "c")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "gone", "path must be a Parquet file or a folder of them, .* is not there"),
        (lambda path: path, "files whose name ends with .parquet"),
        (lambda path: _write(path, b"no rows"), "must be a Parquet file"),
        (lambda path: _frames(path, pd.DataFrame({"x": []})), "at least 1 row"),
        (lambda path: _frames(path, *({n: [1]} for n in "xy")), "same columns in one order, .* differs in x, y"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path, make, message):
    with pytest.raises(InvalidInputError, match=message):
        xd.open_parquet(make(tmp_path))


def _write(path, content):
    (path / "x.parquet").write_bytes(content)
    return path


def _frames(path, *tables):
    for i, table in enumerate(tables):
        pd.DataFrame(table).to_parquet(path / f"{i}.parquet")
    return os.fspath(path)


def test_columns_that_are_not_there(folder):
    rows = xd.open_parquet(folder[0])
    with pytest.raises(InvalidInputError, match=r"no column .cty.; .*; did you mean .city."):
        rows.drop(columns=["cty"])
    with pytest.raises(InvalidInputError, match="columns must be a list"):
        rows["city"]
    with pytest.raises(InvalidInputError, match="at least 1 column"):
        rows[[]]
