"""Columns that look like keys of persons or places, and those that only look as if."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.measures.key_columns import key_columns

TABLES = ("adult", "bike_sharing", "california_housing", "compas", "credit_default", "german_credit", "heloc", "page")


def visits(n_people=150, each=4, seed=0):
    """Persons with several rows each: sex, birthplace and year of birth are the person's, the pulse is the row's."""
    rng = np.random.default_rng(seed)
    who = np.repeat(rng.permutation(n_people) + 1_000, each)
    of = who - 1_000
    return pd.DataFrame(
        {"subject_code_no": who, "x": who, "sex": rng.choice(["f", "m"], n_people)[of],
         "born": rng.integers(1940, 2000, n_people)[of], "place": rng.choice(list("abcdef"), n_people)[of],
         "pulse": rng.normal(70, 9, len(who)).round()}
    )  # fmt: skip


def seen(rows, **more):
    table = key_columns(rows, **more)
    return dict(zip(table["feature"], table["verdict"], strict=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("branch", 1), ("patientId", 1), ("CUSTOMER_ID", 1), ("branch_code", 1), ("uuid", 1), ("store", 1),
     ("family_size", 0), ("customer_age", 0), ("paid", 0), ("zip_code", 0), ("number_of_credits", 0), ("2", 0)],
)  # fmt: skip
def test_keys_by_their_names(name, expected):
    rows = pd.DataFrame({name: np.arange(300) % 30, "x": np.random.default_rng(0).normal(size=300)})
    assert len(seen(rows)) == expected


def test_a_key_without_a_name_is_known_by_what_its_rows_share():
    rows = visits().drop(columns="subject_code_no")
    assert seen(rows) == {"x": "dependent"}
    assert seen(rows.assign(x="p" + rows["x"].astype(str))) == {"x": "dependent"}
    assert "alike in sex, born, place" in key_columns(rows)["reason"].iloc[0]


def test_a_few_typing_errors_hide_no_key():
    rows = visits().drop(columns="subject_code_no")
    rows.loc[[3, 40, 200], "sex"] = "x"
    assert seen(rows) == {"x": "dependent"}


def test_bands_towns_and_numbers_that_repeat_are_no_keys():
    rng = np.random.default_rng(1)
    age, town = rng.integers(18, 80, 2_000), rng.integers(0, 60, 2_000)
    rows = pd.DataFrame(
        {"age": age, "band": age // 20, "old": age > 60, "town": town.astype(str), "state": (town % 8).astype(str),
         "part": (town % 8 < 4), "income": rng.lognormal(10, 1, 2_000).round(-3), "x": rng.normal(size=2_000).round(1)}
    )  # fmt: skip
    assert seen(rows) == {}


def test_copies_make_no_key_of_every_number():
    rng = np.random.default_rng(2)
    once = pd.DataFrame({"a": rng.integers(0, 10**6, 300), "b": rng.choice(["u", "v"], 300), "c": rng.normal(size=300)})
    assert seen(pd.concat([once] * 5)) == {}


def test_clusters_cover_a_key_that_lies_inside_of_them():
    rows = visits()
    person = rows["x"].to_numpy()
    assert set(seen(rows, clusters=person).values()) == {"covered"}
    assert set(seen(rows, clusters=person // 5).values()) == {"covered"}
    assert set(seen(rows, clusters=np.arange(len(rows))).values()) == {"dependent"}


def test_a_key_that_hardly_repeats_is_harmless():
    rows = pd.DataFrame({"patient": np.r_[np.arange(380), np.arange(20)], "x": np.arange(400) * 0.1})
    assert seen(rows) == {}


@pytest.mark.data
@pytest.mark.parametrize("name", TABLES)
def test_real_tables_of_one_row_a_person_have_no_key(name, real_data):
    whole = pd.read_csv(real_data / f"{name}.csv.gz", low_memory=False)
    assert seen(whole) == {}
    assert seen(whole.sample(800, random_state=0)) == {}
