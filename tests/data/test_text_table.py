"""Tables as text: nothing is cut, lines have 80 columns at most."""

import pickle
import textwrap

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from explaindistill.data.readable import ReadableFrame
from explaindistill.data.text_table import text_table

words = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12)
sentences = st.lists(words, min_size=1, max_size=30).map(" ".join)


@given(st.lists(st.tuples(st.integers(-(10**6), 10**6).map(str), sentences, sentences), min_size=1, max_size=8))
def test_every_word_stands_in_80_columns(lines):
    text = text_table(lines, right=[0])
    assert max(map(len, text.splitlines())) <= 80
    letters = sorted("".join("".join(line) for line in lines).replace(" ", ""))
    assert sorted("".join(text.split())) == letters


def test_numbers_end_on_one_line_and_headings_stand_above():
    text = text_table([("tree", "0.5"), ("linear", "12.25")], ("student", "gap"), right=[1])
    assert text == textwrap.dedent(
        """\
        student    gap
        tree       0.5
        linear   12.25"""
    )


def test_no_line_is_an_empty_text():
    assert text_table([]) == ""


def written(frame: pd.DataFrame) -> str:
    return f"{frame['n'].sum()} in all"


def test_a_readable_frame_is_a_frame_that_prints_otherwise():
    frame = ReadableFrame(pd.DataFrame({"n": [1, 2], "why": ["x" * 90, "<b>"]}), written)
    frame.attrs["scale"] = "points"
    assert (repr(frame), str(frame), f"{frame}") == ("3 in all",) * 3
    again = pickle.loads(pickle.dumps(frame))
    assert repr(again) == "3 in all"
    pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(frame))
    for plain in (frame[frame["n"] > 1], frame.assign(m=1), frame.copy(), frame.merge(frame), pd.DataFrame(frame)):
        assert type(plain) is pd.DataFrame
        assert "in all" not in repr(plain)


def test_a_readable_frame_without_its_columns_prints_as_a_frame():
    frame = ReadableFrame(pd.DataFrame({"n": [1, 2]}), written)
    del frame["n"]
    assert repr(frame).startswith("Empty")
    assert repr(ReadableFrame(pd.DataFrame())).startswith("Empty")


def test_a_notebook_shows_whole_cells_and_escapes_them():
    page = ReadableFrame(pd.DataFrame({"n": [1], "why": ["<script>" + "x" * 90]}), written)._repr_html_()
    assert "x" * 90 in page
    assert "<script>" not in page
