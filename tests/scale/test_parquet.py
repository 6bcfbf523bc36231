import decimal
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


def test_a_table_below_a_hidden_folder_is_a_table(tmp_path):
    (tmp_path / "_runs" / ".cache").mkdir(parents=True)
    halves(same, same)(tmp_path / "_runs" / ".cache")
    assert xd.open_parquet(tmp_path / "_runs" / ".cache").n_rows == len(BASE)


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
        (
            lambda path: _frames(path, *({n: [1]} for n in "xy")),
            "all files must have the same columns, .* differs in x, y",
        ),
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


BASE = pd.DataFrame({"a": np.random.default_rng(0).normal(size=120), "b": np.arange(120) % 5})


def halves(first, second):
    def write(path):
        for name, how, rows in (("a", first, BASE[:60]), ("b", second, BASE[60:])):
            how(rows).to_parquet(path / f"{name}.parquet", index=False)

    return write


def same(rows):
    return rows


def one_file(how):
    return lambda path: how(BASE).to_parquet(path / "a.parquet", row_group_size=40)


def in_folders(**columns):
    return lambda path: BASE.assign(**columns).to_parquet(path, partition_cols=list(columns), index=False)


def left_behind(path):
    halves(same, same)(path)
    (path / "_temporary").mkdir()
    BASE[:9].to_parquet(path / "_temporary" / "part.parquet")
    (path / "._a.parquet").write_bytes(b"of another system")
    (path / "_SUCCESS").touch()


def of(**kinds):
    return lambda rows: rows.astype(kinds)


SECOND = BASE.index >= 60
HALF = [None] * 60 + ["x"] * 60
LEVEL = np.where(BASE.a > 0, "x", "y")


@pytest.mark.parametrize(
    "write",
    [
        in_folders(sex=LEVEL),
        in_folders(year=2000 + BASE.b, sex="F/1 é"),
        in_folders(code=np.where(BASE.a > 0, "01", "02")),
        in_folders(code=np.where(BASE.a > 0, 2**31, 5)),
        halves(same, lambda rows: rows.assign(b=rows.b.where(rows.b > 1))),
        halves(same, lambda rows: rows.assign(b=rows.b.where(rows.b > 1).astype("Int64"))),
        halves(same, lambda rows: rows.assign(b=None)),
        halves(lambda rows: rows.assign(c="x"), lambda rows: rows.assign(c=None)),
        halves(lambda rows: rows.assign(c=rows.a > 0), lambda rows: rows.assign(c=[True, None] * 30)),
        halves(same, lambda rows: rows[["b", "a"]]),
        lambda path: (halves(same, same)(path), BASE[:0].to_parquet(path / "c.parquet", index=False)),
        left_behind,
        one_file(lambda rows: rows.assign(c=pd.date_range("2020", periods=120, tz="Europe/Berlin"))),
        one_file(lambda rows: rows.assign(c=pd.Categorical(LEVEL, ["y", "x"], ordered=True))),
        one_file(lambda rows: rows.assign(c=rows.b.map(decimal.Decimal))),
        one_file(lambda rows: rows.assign(c=pd.to_timedelta(rows.b, unit="h"))),
    ],
)
def test_parts_of_odd_tables_are_of_the_kinds_of_the_whole(tmp_path, write):
    write(tmp_path)
    assert_same(tmp_path, pd.read_parquet(tmp_path))


@pytest.mark.parametrize(
    ("write", "whole"),
    [
        (halves(lambda rows: rows.assign(b=None), same), BASE.assign(b=BASE.b.where(BASE.index >= 60))),
        (halves(lambda rows: rows.assign(c=None), lambda rows: rows.assign(c="x")), BASE.assign(c=HALF)),
        (halves(lambda rows: rows.assign(b=None), of(b="Int64")), BASE.assign(b=BASE.b.astype("Int64").where(SECOND))),
        (halves(of(b="int8"), of(b="int32")), BASE.astype({"b": "int32"})),
        (halves(of(a="float32"), same), BASE.assign(a=[*BASE.a[:60].astype("float32"), *BASE.a[60:]])),
    ],
)
def test_parts_are_of_the_wider_kind_where_pandas_takes_that_of_the_first_file(tmp_path, write, whole):
    write(tmp_path)
    assert_same(tmp_path, whole.astype({"c": "str"}) if "c" in whole and pd.__version__ >= "3" else whole)


def assert_same(path, whole):
    opened = xd.open_parquet(path)
    assert opened.columns == whole.columns.tolist()
    for rows in opened:  # a teacher sees in a part what it would see in the whole table
        assert rows.dtypes.tolist() == whole.dtypes.tolist()
    assert pd.concat(list(opened), ignore_index=True).equals(whole)
    here, there = (xd.Distiller(Slope(), TREE, n_queries="all", random_state=0).fit(rows) for rows in (whole, opened))
    assert json.dumps(there.to_dict()) == json.dumps(here.to_dict())


TREE = xd.TreeClassifier(max_leaf_nodes=4, search="greedy")


class Slope(Blend):
    def predict_proba(self, X):
        yes = 1 / (1 + np.exp(-2 * X["a"].to_numpy(dtype=float)))
        return np.column_stack([1 - yes, yes])


def test_a_folder_of_rows_without_a_key(tmp_path):
    in_folders(sex=np.where(BASE.a > 0, "F", None))(tmp_path)  # pandas itself cannot read these
    opened = xd.open_parquet(tmp_path)
    assert {str(rows["sex"].iloc[0]) for rows in opened} == {"nan", "F"}
    assert fitted(opened).schema_["sex"].categories == ("F",)
    assert opened.drop(columns="sex").columns == ["a", "b"]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (
            halves(same, lambda rows: rows.assign(z=1)),
            r"have the same columns, .*b\.parquet differs in z",
        ),
        (lambda path: (halves(same, same)(path), in_folders(sex="F")(path)), "the same columns, .* differs in sex"),
        (lambda path: (in_folders(k="F")(path), _with_key(path)), "'k' must stand in the file or in the name of its"),
    ],
)
def test_files_that_are_of_several_tables(tmp_path, write, message):
    write(tmp_path)
    with pytest.raises(InvalidInputError, match=message):
        xd.open_parquet(tmp_path)


def _with_key(path):
    for file in path.rglob("*.parquet"):
        BASE.assign(k="F").to_parquet(file, index=False)


def test_files_that_change_while_they_are_read(tmp_path):
    halves(same, same)(tmp_path)
    opened = xd.open_parquet(tmp_path)
    BASE[:30].to_parquet(tmp_path / "b.parquet", index=False)
    with pytest.raises(InvalidInputError, match=r"b\.parquet was changed since it was opened; open the rows again"):
        fitted(opened)
    (tmp_path / "b.parquet").unlink()
    with pytest.raises(InvalidInputError, match=r"b\.parquet is gone since it was opened"):
        fitted(opened)
    with pytest.raises(InvalidInputError, match=r"got '.*b\.parquet', which is not there"):
        xd.open_parquet([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    with pytest.raises(InvalidInputError, match="must name at least 1 Parquet file, got an empty list"):
        xd.open_parquet([])


@pytest.mark.parametrize("what", ["size", "time"])
def test_a_file_of_another_size_or_of_another_time_is_another_file(tmp_path, what):
    halves(same, same)(tmp_path)
    opened, file = xd.open_parquet(tmp_path), tmp_path / "a.parquet"
    state = file.stat()
    if what == "size":
        BASE[:30].to_parquet(file, index=False)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + (what == "time")))
    assert (file.stat().st_size == state.st_size) == (what == "time")
    with pytest.raises(InvalidInputError, match=r"a\.parquet was changed since it was opened"):
        list(opened)


def test_kinds_that_no_type_holds_are_said_when_they_are_read(tmp_path):
    halves(same, lambda rows: rows.assign(b=LEVEL[60:]))(tmp_path)
    with pytest.raises(InvalidInputError, match="'b'"):
        fitted(xd.open_parquet(tmp_path))
