import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from explaindistill.data.rows import as_frame
from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError


@pytest.fixture
def frame():
    days = pd.to_datetime(["2020-01-01", None, "2021-05-05"])
    return pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "gap": [1, 2, None],
            "text": ["x", None, "y"],
            "grade": pd.Categorical(["lo", "hi", "lo"], ["lo", "hi"], ordered=True),
            "colour": pd.Categorical(["red", None, "red"], ["red", "green"]),
            "flag": [True, False, True],
            "maybe": [True, None, False],
            "nullable_flag": pd.array([True, None, False], dtype="boolean"),
            "day": days,
            "zoned": pd.to_datetime(["2020-01-01", "2020-06-01", "2021-05-05"]).tz_localize("Europe/Zurich"),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "tiny": np.array([1, 2, 3], dtype="int8"),
            "single": np.array([1, 2.5, 3], dtype="float32"),
            "objects": pd.Series([1, 2.5, None], dtype=object),
        }
    )


def test_kinds_are_read_from_dtype_and_values(frame):
    kinds = {f.name: f.kind for f in Schema.infer(frame)}
    assert kinds == {
        "whole": "integer",
        "gap": "integer",
        "text": "categorical",
        "grade": "ordered",
        "colour": "categorical",
        "flag": "boolean",
        "maybe": "boolean",
        "nullable_flag": "boolean",
        "day": "datetime",
        "zoned": "datetime",
        "nullable": "integer",
        "tiny": "integer",
        "single": "numeric",
        "objects": "numeric",
    }


@pytest.mark.parametrize(
    "name",
    [
        "whole", "gap", "text", "grade", "colour", "flag", "maybe", "nullable_flag", "day", "zoned", "nullable", "tiny",
        "single",
    ],
)  # fmt: skip
def test_decode_is_the_inverse_of_encode(frame, name):
    schema = Schema.infer(frame)
    back = schema.decode(schema.encode(frame))
    pd.testing.assert_series_equal(back[name], frame[name])


def test_decode_keeps_bounds_and_rounds_integers():
    schema = Schema.infer(pd.DataFrame({"age": [18, 90], "rate": [0.5, 1.5]}))
    rows = schema.decode(np.array([[200.0, -3.0], [41.6, 1.0]]))
    assert rows["age"].tolist() == [90, 42]
    assert rows["rate"].tolist() == [0.5, 1.0]
    assert rows["age"].dtype == "int64"


def test_missing_made_up_for_a_column_without_missing_values_does_not_crash():
    schema = Schema.infer(
        pd.DataFrame({"age": [18, 90], "on": [True, False], "code": [1, 2]}), kinds={"code": "categorical"}
    )
    rows = schema.decode(np.full((2, 3), np.nan))
    assert rows.isna().all().all()


def test_categories_stored_as_numbers_can_be_declared():
    frame = pd.DataFrame({"code": [10, 30, 20, 10]})
    schema = Schema.infer(frame, kinds={"code": "categorical"})
    assert schema["code"].categories == (10, 20, 30)
    assert schema.encode(pd.DataFrame({"code": [30.0, 11.0]}))[:, 0].tolist() == [2.0, -1.0]


def test_unseen_category_is_minus_one_and_missing_is_nan():
    schema = Schema.infer(pd.DataFrame({"city": ["Bern", "Aarau"]}))
    codes = schema.column(pd.DataFrame({"city": ["Aarau", "Chur", None]}), "city")
    assert codes[:2].tolist() == [0.0, -1.0]
    assert math.isnan(codes[2])


def test_dates_are_seconds_whatever_their_zone():
    zurich = pd.DataFrame({"at": pd.to_datetime(["2020-01-01 01:00", "2020-01-02 00:00"]).tz_localize("Europe/Zurich")})
    utc = pd.DataFrame({"at": pd.to_datetime(["2020-01-01 00:00", "2020-01-01 23:00"]).tz_localize("UTC")})
    schema = Schema.infer(utc)
    assert schema.encode(zurich).tolist() == schema.encode(utc).tolist()
    with pytest.raises(InvalidInputError, match="must hold dates of a time zone, as in fitting, got plain dates"):
        schema.encode(utc.assign(at=utc["at"].dt.tz_localize(None)))


def test_arrays_get_names_and_come_back_as_arrays():
    X = np.arange(6.0).reshape(3, 2) / 4
    schema = Schema.infer(X)
    assert schema.names == ["x0", "x1"]
    assert schema.container == "array"
    np.testing.assert_array_equal(schema.restore(schema.frame(X)), X)


def test_columns_in_another_order_are_found_by_name(frame):
    schema = Schema.infer(frame)
    turned = frame[frame.columns[::-1]]
    np.testing.assert_array_equal(schema.encode(turned), schema.encode(frame))


def test_numbers_as_column_names_become_text():
    assert Schema.infer(pd.DataFrame({0: [1, 2], 1: [3, 4]})).names == ["0", "1"]


def test_one_hot_columns_and_keys_are_noticed():
    n = 60
    rng = np.random.default_rng(0)
    code = rng.integers(0, 3, n)
    frame = pd.DataFrame({f"job_{j}": (code == j).astype(int) for j in range(3)})
    frame["id"] = np.arange(n)
    frame["name"] = [f"person {i}" for i in range(n)]
    frame["constant"] = 1
    schema = Schema.infer(frame)
    assert schema.one_hot_groups == {"job": ("job_0", "job_1", "job_2")}
    assert [f.name for f in schema if f.id_like] == ["id", "name"]
    assert any("one-hot" in n for n in schema.notices)
    assert any("constant has one value" in n for n in schema.notices)
    assert "job_0" in schema.describe()


def test_two_flags_that_do_not_sum_to_one_are_no_group():
    frame = pd.DataFrame({"is_a": [0, 1, 1], "is_b": [0, 1, 0]})
    assert Schema.infer(frame).one_hot_groups == {}


def test_dict_form_comes_back(frame):
    schema = Schema.infer(frame, sensitive=["grade"])
    again = Schema.from_dict(schema.to_dict())
    assert again == schema
    assert again.sensitive == ["grade"]


def test_from_dict_refuses_another_version():
    with pytest.raises(InvalidInputError, match="schema_version must be 1, got 7"):
        Schema.from_dict({"schema_version": 7})


def test_select_and_getitem(frame):
    schema = Schema.infer(frame)
    assert schema.select(["text", "whole"]).names == ["text", "whole"]
    assert schema[0].name == "whole"
    assert len(schema) == len(list(schema)) == 14
    with pytest.raises(InvalidInputError, match="no column 'nope'; the columns are: whole"):
        schema["nope"]


def test_schema_shows_itself(frame):
    schema = Schema.infer(frame)
    assert "<table" in schema._repr_html_()
    assert "2 categories (lo, hi)" in schema.describe()
    many = Schema.infer(pd.DataFrame({"c": list("abcdefgh")}))
    assert "…" in many.describe()


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        (Feature("a", "numeric"), 0.1, "0.1"),
        (Feature("a", "integer"), 3.0, "3"),
        (Feature("a", "numeric"), math.nan, "missing"),
        (Feature("a", "boolean"), 1.0, "yes"),
        (Feature("a", "boolean"), 0.5, "0.5"),
        (Feature("a", "categorical", categories=("x",)), -1.0, "(unseen)"),
        (Feature("a", "datetime"), 86400.5, "1970-01-02T00:00:00.500000"),
    ],
)
def test_words(feature, value, words):
    assert feature.words(value) == words


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame({"a": []}), "0 sample"),
        (pd.DataFrame(index=[1, 2]), "0 feature"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "differ from each other, got 'a' twice"),
        (pd.DataFrame({"a": [None, None]}), "column 'a' has no value at all"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "column 'a' must be finite, got infinity"),
        (pd.DataFrame({"a": [1j, 2j]}), "Complex data not supported"),
    ],
)
def test_bad_frames(X, message):
    with pytest.raises(InvalidInputError, match=message):
        Schema.infer(X)


def test_things_that_are_no_cells():
    with pytest.raises(TypeError, match="column 'a' holds a dict"):
        Schema.infer(pd.DataFrame({"a": [{}, {}]}))
    with pytest.raises(TypeError, match="sparse"):
        as_frame(sparse.eye(3))


def test_names_that_are_no_columns():
    frame = pd.DataFrame({"a": [1, 2]})
    with pytest.raises(InvalidInputError, match="sensitive names sex, the columns are: a"):
        Schema.infer(frame, sensitive=["sex"])
    with pytest.raises(InvalidInputError, match="kinds names b"):
        Schema.infer(frame, kinds={"b": "categorical"})
    with pytest.raises(InvalidInputError, match="kind of 'a' must be one of"):
        Schema.infer(frame, kinds={"a": "colour"})


def test_rows_that_do_not_fit():
    schema = Schema.infer(pd.DataFrame({"a": [1, 2], "b": [1, 2]}))
    with pytest.raises(InvalidInputError, match="b missing; got: a"):
        schema.frame(pd.DataFrame({"a": [1]}))
    with pytest.raises(InvalidInputError, match="column 'a' is integer and must not hold text, got 'old'"):
        schema.encode(pd.DataFrame({"a": ["old"], "b": [1]}))
    dated = Schema.infer(pd.DataFrame({"d": pd.to_datetime(["2020-01-01"])}))
    with pytest.raises(InvalidInputError, match="column 'd' is datetime and could not be read"):
        dated.encode(pd.DataFrame({"d": ["yesterday-ish"]}))


def test_frames_of_other_packages_are_taken():
    class Foreign:
        def to_pandas(self):
            return pd.DataFrame({"a": [1]})

    assert as_frame(Foreign()).columns.tolist() == ["a"]


def test_direct_schema_with_equal_names_is_refused():
    with pytest.raises(InvalidInputError, match="got a twice"):
        Schema((Feature("a", "numeric"), Feature("a", "integer")))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=1, max_size=20).filter(
        lambda v: any(x is not None for x in v)
    )
)
def test_any_text_goes_there_and_back(values):
    frame = pd.DataFrame({"t": pd.Series(values, dtype=object)})
    schema = Schema.infer(frame)
    back = schema.decode(schema.encode(frame))["t"]
    assert [None if pd.isna(v) else v for v in back] == values


def test_plain_columns_are_the_columns_uncopied_where_they_are_numbers_already(frame):
    schema = Schema.infer(frame)
    for f in schema:
        plain = schema.plain_column(frame, f.name)
        np.testing.assert_array_equal(plain.astype(float), schema.column(frame, f.name))
        kept = f.name in ("whole", "gap", "flag", "tiny", "single")
        assert np.shares_memory(plain, frame[f.name].to_numpy()) == kept


def test_a_polars_name_that_would_end_in_a_panic_is_refused():
    polars = pytest.importorskip("polars")
    with pytest.raises(InvalidInputError, match="must have a name without a NUL character in a polars frame"):
        as_frame(polars.DataFrame({"in\0come": [1, 2]}))


def test_features_whose_bounds_are_not_known_are_equal_and_have_one_hash():
    once, again = (Feature("home", "categorical", minimum=float("nan"), categories=("own",)) for _ in range(2))
    assert once == again
    assert hash(once) == hash(again)
    assert once != Feature("home", "categorical", minimum=1.0, categories=("own",))
    assert once != "home"
