"""Reading tables: what comes in as it is, and every way a file can be wrong."""

import gzip
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from explaindistill.cli.tables import read_table
from explaindistill.data.datasets import lending
from explaindistill.errors import InvalidInputError


def write(folder, name, text):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.tsv.gz"])
def test_text_files(tmp_path, name):
    text = "age, job\n31, clerk\n?, ?\n".replace(", ", "\t" if "tsv" in name else ", ")
    frame = read_table(write(tmp_path, name, text))
    assert frame.to_dict("list")["age"][0] == 31
    assert frame.isna().sum().tolist() == [1, 1]


def test_other_words_for_missing(tmp_path):
    frame = read_table(write(tmp_path, "a.csv", "a,b\n-,?\n1,x\n"), na=("-",))
    assert frame["a"].isna().tolist() == [True, False]
    assert frame["b"].tolist() == ["?", "x"]


def test_dates_become_dates_and_what_only_looks_like_one_stays(tmp_path):
    text = "day,when,no\n2024-01-31,2024-01-31 12:00,2024-01-31\n,2024-02-01 13:00:01,2024-02-31\n"
    frame = read_table(write(tmp_path, "a.csv", text))
    assert pd.api.types.is_datetime64_any_dtype(frame["day"])
    assert pd.api.types.is_datetime64_any_dtype(frame["when"])
    assert not pd.api.types.is_datetime64_any_dtype(frame["no"])


def test_lending_survives_a_csv_file(tmp_path):
    data = lending(300)
    data.frame.to_csv(tmp_path / "loans.csv.gz", index=False)
    frame = read_table(tmp_path / "loans.csv.gz")
    assert pd.api.types.is_datetime64_any_dtype(frame["applied_on"])
    assert frame["homeowner"].dtype == bool
    pd.testing.assert_series_equal(frame["income"], data.X["income"])


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    lending(50).frame.to_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").shape == (50, 15)
    with pytest.raises(InvalidInputError, match=r"bad.parquet cannot be read as Parquet"):
        read_table(write(tmp_path, "bad.parquet", "no"))


def test_parquet_needs_a_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)  # as where it is not installed
    with pytest.raises(ImportError, match=r"pip install 'explaindistill\[parquet\]'"):
        read_table(write(tmp_path, "a.parquet", "x"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "a.csv is empty"),
        ("a.csv", "a,b\n", "a.csv has no rows"),
        ("a.csv", "a,b\n1,2\n1,2,3,4\n", "a.csv cannot be parsed: .*needs a header line"),
        ("a.csv", "a,b\n1,2,3\n1,2,3\n", "a.csv cannot be parsed: .*as many cells in every row"),
        ("a.csv", "a,b,a\n1,2,3\n", "column names must differ from each other, a.csv has twice: a"),
        ("a.csv", b"a\n\xff\xfe\n", "a.csv is not UTF-8 text: .*save it as UTF-8"),
        ("a.xlsx", "x", "data must end in .csv, .tsv .*got a.xlsx"),
        ("a", "x", "data must end in"),
    ],
)
def test_broken_files(tmp_path, name, content, message):
    with pytest.raises(InvalidInputError, match=message):
        read_table(write(tmp_path, name, content))


def test_a_small_file_cannot_fill_memory(tmp_path, monkeypatch):
    """Ten megabytes of one letter pack to 10 kB, two million equal cells to 10 kB; where one may come of any file."""
    monkeypatch.setattr("explaindistill.data.unpacking.FREE_BYTES", 2**20)
    path = write(tmp_path, "a.csv.gz", b"a" * 10 * 2**20)
    tracemalloc.start()
    with pytest.raises(InvalidInputError, match=r"a.csv.gz must unpack to at most \d+ bytes .* unpack it and give"):
        read_table(path)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
    pytest.importorskip("pyarrow")
    pd.DataFrame({"a": np.zeros(2_000_000, dtype="int8")}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InvalidInputError, match=r"a.parquet must unpack to at most \d+ bytes .* got 16000000"):
        read_table(tmp_path / "a.parquet")


def test_a_packed_file_behind_a_small_one_counts_too(tmp_path, monkeypatch):
    monkeypatch.setattr("explaindistill.data.unpacking.FREE_BYTES", 2**20)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"a" * 10 * 2**20))
    with pytest.raises(InvalidInputError, match=r"a.csv.gz must unpack to at most \d+ bytes"):
        read_table(path)


def test_a_large_table_may_unpack_to_a_hundred_times_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr("explaindistill.data.unpacking.FREE_BYTES", 2**10)
    rows = "\n".join(map(str, np.random.default_rng(0).normal(size=2_000)))
    assert len(read_table(write(tmp_path, "a.csv.gz", f"a\n{rows}\n"))) == 2_000


def test_several_gzip_files_in_one_are_one_table(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"))
    assert read_table(path)["b"].tolist() == [2, 4]


def test_half_a_gzip_file(tmp_path):
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 50_000)
    (tmp_path / "a.csv.gz").write_bytes(whole[:-20])
    with pytest.raises(InvalidInputError, match="is not a whole gzip file"):
        read_table(tmp_path / "a.csv.gz")
    (tmp_path / "b.csv.gz").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(InvalidInputError, match="is not a whole gzip file"):
        read_table(tmp_path / "b.csv.gz")


def test_no_file(tmp_path):
    with pytest.raises(InvalidInputError, match="which does not exist"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InvalidInputError, match="which is a folder"):
        read_table(tmp_path)


def test_codes_are_kept_as_they_are_written(tmp_path):
    path = write(tmp_path, "a.csv", "zip,day,n\n01234,2024-01-31,01\n?,2024-02-01,2\n")
    frame = read_table(path, texts=("zip", "day"))
    assert frame["zip"].tolist()[0] == "01234"
    assert frame["zip"].isna().tolist() == [False, True]
    assert frame["day"].tolist() == ["2024-01-31", "2024-02-01"]
    assert frame["n"].tolist() == [1, 2]


@pytest.mark.parametrize("name", ["a.CSV", "a.csv.GZ", "b.Csv"])
def test_endings_in_capitals(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") if name.endswith("GZ") else b"a,b\n1,2\n")
    assert read_table(path).to_dict("list") == {"a": [1], "b": [2]}


def test_semicolons_and_decimal_commas(tmp_path, capsys):
    text = "\ufeffa;b;c;d\n1,5;1.234,5;x,y;1.5\n-2;7;z;2\n;;;\n"
    frame = read_table(write(tmp_path, "a.csv", text))
    assert frame.columns.tolist() == ["a", "b", "c", "d"]
    assert frame["a"].tolist()[:2] == [1.5, -2.0]
    assert frame["b"].tolist()[:2] == [1234.5, 7.0]
    assert frame["c"].tolist()[:2] == ["x,y", "z"]
    assert frame["d"].tolist()[:2] == [1.5, 2.0]
    assert "a.csv is separated by semicolons" in capsys.readouterr().err


def test_a_comma_file_with_semicolons_in_it_stays_one(tmp_path, capsys):
    assert read_table(write(tmp_path, "a.csv", "a;x,b\n1,2\n")).columns.tolist() == ["a;x", "b"]
    assert capsys.readouterr().err == ""


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    assert read_table(write(tmp_path, "a.csv", "\ufeffa,b\n1,2\n")).columns.tolist() == ["a", "b"]
