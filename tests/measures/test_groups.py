"""Groups: values, bands, intersections, the missing."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures.groups import MISSING, bands, groupings


def test_every_row_is_in_one_group_of_each_grouping():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"sex": rng.choice(["f", "m"], 300), "age": rng.integers(17, 90, 300), "race": rng.choice(["x", None], 300)}
    )
    found = groupings(X)
    assert [g.attribute for g in found] == [
        "sex",
        "age",
        "race",
        "sex × age",
        "sex × race",
        "age × race",
        "sex × age × race",
    ]
    for grouping in found:
        assert set(grouping.codes) == set(range(len(grouping)))
        assert len(set(grouping.names)) == len(grouping)


def test_at_most_so_many_columns():
    X = pd.DataFrame({"a": [1, 2], "b": [1, 2], "c": [1, 2]})
    assert len(groupings(X, False)) == 3
    assert len(groupings(X, 2)) == 6


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pd.Series(["b", "a", None]), ("a", "b", MISSING)),
        (pd.Series([True, False, True]), ("False", "True")),
        (pd.Series([2, 1, 10]), ("1", "2", "10")),
        (pd.Series([1.0, np.nan, 0.0]), ("0", "1", MISSING)),
        (pd.Series(pd.Categorical(["low", "high"], categories=["low", "mid", "high"], ordered=True)), ("low", "high")),
        (pd.Series([1, "1"], dtype=object), ("1 (int)", "1 (str)")),
        (pd.Series([None, None], dtype=object), (MISSING,)),
        (pd.Series(pd.array([1, None], dtype="Int64")), ("1", MISSING)),
    ],
)
def test_names_of_any_kind_of_value(values, names):
    (found,) = groupings(values.to_frame("x"))
    assert found.names == names
    assert found.missing.tolist() == [name == MISSING for name in names]


def test_bands_cut_at_round_numbers_and_hold_every_value():
    age = pd.Series(np.r_[np.arange(17, 91), np.nan])
    found = bands(age)
    assert found.cat.categories.tolist()[0] == "below 30"
    assert found.isna().sum() == 1
    assert found.value_counts().min() >= 5
    for word, values in age.groupby(found, observed=True):
        if word.startswith("below"):
            assert values.max() < float(word.split()[1])


def test_bands_of_money_and_of_a_constant():
    money = pd.Series(np.random.default_rng(1).lognormal(8, 0.5, 500))
    assert all(float(w.split()[-1] if "below" in w else w.split()[0]) % 10 == 0 for w in bands(money).cat.categories)
    assert bands(pd.Series([3.0] * 5)).cat.categories.tolist() == ["all values"]
    assert bands(pd.Series([np.nan])).isna().all()
    with pytest.raises(InvalidInputError, match="n_bands must be at least 2"):
        bands(money, 1)


def test_two_columns_of_one_name():
    with pytest.raises(InvalidInputError, match="different names"):
        groupings(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_crossed_group_with_one_missing_attribute_counts_as_missing():
    who = pd.DataFrame({"sex": ["f", "m", None, "f"], "race": ["a", None, "b", "a"]})
    crossed = groupings(who)[-1]
    told = dict(zip(crossed.names, crossed.missing.tolist(), strict=True))
    assert told == {"f × a": False, "m × (missing)": True, "(missing) × b": True}
