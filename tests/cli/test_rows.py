"""The same options split the rows alike in every command."""

import numpy as np
import pytest

from explaindistill.cli.arguments import build_parser
from explaindistill.cli.audit import _favorable
from explaindistill.cli.rows import read_rows, split
from explaindistill.errors import InvalidInputError


def test_split_is_the_same_for_all_commands():
    one, two = split(100, 0.3, seed=4), split(100, 0.3, seed=4)
    assert np.array_equal(one[1], two[1])
    assert not set(one[0]) & set(one[1])
    assert not np.array_equal(one[1], split(100, 0.3, seed=5)[1])


def rows_of(folder, text, *more):
    (folder / "a.csv").write_text(text)
    words = ["teach", "--data", str(folder / "a.csv"), "--target", "y", "--out", "t", *more]
    return read_rows(build_parser().parse_args(words))


def test_categories_are_text_as_written(tmp_path):
    rows = rows_of(tmp_path, "zip,y\n" + "01234,a\n00007,b\n" * 5, "--categories", "zip")
    assert rows.X["zip"].cat.categories.tolist() == ["00007", "01234"]


def test_a_column_without_a_name_is_dropped_with_a_word(tmp_path, capsys):
    text = ",b,y\n" + "".join(f"{i},{i % 3},{i % 2}\n" for i in range(10))
    assert rows_of(tmp_path, text).X.columns.tolist() == ["b"]
    assert "Unnamed: 0: a column without a name" in capsys.readouterr().err
    assert rows_of(tmp_path, text, "--drop", "Unnamed: 0").X.columns.tolist() == ["b"]
    assert capsys.readouterr().err == ""


def test_what_was_taken_for_the_task_is_said(tmp_path, capsys):
    text = "a,y\n" + "".join(f"{i % 7},{i}\n" for i in range(200))
    assert rows_of(tmp_path, text).task == "regression"
    said = capsys.readouterr().err
    assert "target 'y' has 200 different numbers and is taken for regression" in said
    assert "--task classification" in said
    assert rows_of(tmp_path, text, "--task", "classification").task == "classification"
    assert capsys.readouterr().err == ""


def test_rows_that_belong_together_are_on_one_side_and_their_column_is_no_input(tmp_path):
    text = "a,branch,y\n" + "".join(f"{i % 7},b{i % 20},{'uv'[i % 2]}\n" for i in range(200))
    rows = rows_of(tmp_path, text, "--groups", "branch")
    assert rows.X.columns.tolist() == ["a"]
    fitted, measured = (set(rows.groups.iloc[at]) for at in (rows.train, rows.test))
    assert not fitted & measured
    assert len(measured) == 6
    with pytest.raises(InvalidInputError, match="groups names office, which the file does not have"):
        rows_of(tmp_path, text, "--groups", "office")


def test_the_favorable_class_as_people_type_it():
    assert _favorable("1", np.array([0.0, 1.0])) == 1.0
    assert _favorable("1.0", np.array([0.0, 1.0])) == 1.0
    assert _favorable("1", np.array(["1", "1.0"])) == "1"
    assert _favorable("True", np.array([False, True])) is True
