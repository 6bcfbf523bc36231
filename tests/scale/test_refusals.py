"""What rows in partitions cannot do is said in a sentence, before anything is asked."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.parts import schema_of
from explaindistill.errors import InvalidInputError
from explaindistill.samplers.munge import MungeSampler
from explaindistill.scale.frames import partitions_of_frames
from scale.rows import Blend, cut, mixed_rows

ROWS = xd.lending(120).X


class Silent(Blend):
    def predict_proba(self, X):
        raise AssertionError("the teacher was asked")


def fit(rows, student=None, **how):
    student = xd.TreeClassifier() if student is None else student
    named = {k: how.pop(k) for k in ("y", "sample_weight") if k in how}
    return xd.Distiller(Silent(), student, **{"n_queries": "all", **how}).fit(partitions_of_frames(rows), **named)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"n_queries": "auto"}, 'n_queries must be "all" or a whole number for rows in partitions, got .auto.'),
        ({"n_queries": "stable"}, "got .stable."),
        ({"sampler": MungeSampler()}, "sampler must stay None .*; leave it out, or give n_queries a whole number"),
        ({"query_strategy": "committee"}, "query_strategy must stay 'random'"),
        ({"proxy": "gam"}, "proxy must stay None"),
        ({"store": "answers.sqlite"}, "store must stay None"),
        ({"label_weight": 0.5, "y": "age"}, "label_weight must stay 0"),
        (
            {"student": xd.RuleListClassifier()},
            "student must be a tree, a linear .*, got RuleListCl",
        ),
        ({"student": xd.LinearClassifier(max_levels=0)}, "max_levels must be"),
        ({"student": xd.ScorecardClassifier()}, "or give n_queries a whole number to fit to a sample"),
        ({"student": xd.GAMClassifier(n_knots=1)}, "n_knots must be"),
        ({"student": xd.TreeRegressor()}, "student must do classification"),
        ({"student": xd.TreeClassifier(search="optimal")}, r'search="optimal" needs rows in memory'),
        ({"student": xd.TreeClassifier(tie_tolerance=0.1)}, "tie_tolerance=0.1 needs rows in memory"),
        ({"sample_weight": np.ones(120)}, "sample_weight must name a column for rows in partitions, got ndarray"),
        ({"sample_weight": "wieght"}, "sample_weight names .wieght."),
        ({"features": ["agee"]}, "features names agee"),
    ],
)
def test_what_does_not_add_up(how, message):
    with pytest.raises(InvalidInputError, match=message):
        fit([ROWS.iloc[:60], ROWS.iloc[60:]], **how)


def parts_with(first, second):
    return [pd.DataFrame({"x": np.arange(30.0), "c": first}), pd.DataFrame({"x": np.arange(30.0), "c": second})]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (["a"] * 30, [1.5] * 30, r"'c' must be of one kind in all parts, got number \(numeric\) in one and text"),
        ([True] * 30, [1] * 30, "'c' must be of one kind in all parts"),
        ([None] * 30, [None] * 30, "'c' has no value at all"),
        ([1.0] * 30, [np.inf] * 30, "'c' must be finite"),
        (pd.Categorical(["a"] * 30, ["a", "b"], ordered=True), pd.Categorical(["a"] * 30, ["b", "a"], ordered=True),
         "must have one order of categories"),
    ],
)  # fmt: skip
def test_parts_that_are_of_different_kinds(first, second, message):
    with pytest.raises(InvalidInputError, match=message):
        fit(parts_with(first, second))


def test_parts_with_other_columns_and_weights_that_are_none():
    with pytest.raises(InvalidInputError, match="same columns in one order, they differ in income"):
        fit([ROWS, ROWS.drop(columns="income")])
    with pytest.raises(InvalidInputError, match="must not be zero everywhere"):
        fit([ROWS.assign(w=0.0), ROWS.assign(w=0.0)], sample_weight="w")
    with pytest.raises(InvalidInputError, match="non-negative"):
        fit([ROWS.assign(w=1.0), ROWS.assign(w=-1.0)], sample_weight="w")
    with pytest.raises(InvalidInputError, match="at least 1 partition"):
        partitions_of_frames([ROWS.iloc[:0]])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.arange(30), np.arange(30) + 0.5),
        (np.arange(30), [np.nan] * 30),
        ([np.nan] * 30, np.arange(30) * 1.0),
        (["a", "b"] * 15, ["b", "c"] * 15),
        (["a"] * 29 + [None], ["b"] * 30),
        (np.arange(30), np.arange(30, 60)),
    ],
)
def test_parts_of_kinds_that_fit_have_the_schema_of_all_rows(first, second):
    frames = parts_with(first, second)
    whole = xd.Schema.infer(pd.concat(frames, ignore_index=True))
    assert schema_of(partitions_of_frames(frames), ["x", "c"]) == whole


@pytest.mark.parametrize("seed", range(3))
def test_the_schema_of_many_kinds_and_its_keys(seed):
    rows = mixed_rows(300, seed)
    ordered = [rows.iloc[i : i + 40] for i in range(0, 300, 40)]
    for frames in (cut(rows, 6, seed), ordered):
        assert schema_of(partitions_of_frames(frames), rows.columns.tolist()) == xd.Schema.infer(rows)


def test_rows_in_partitions_where_rows_in_memory_are_needed(tmp_path):
    ROWS.to_parquet(tmp_path / "rows.parquet")
    rows = xd.open_parquet(tmp_path)
    student = xd.TreeClassifier(max_leaf_nodes=2).fit(ROWS, np.arange(120) % 2)
    message = r"rows in memory here, got rows in partitions; draw some of them, .*X.sample\(100_000\)"
    with pytest.raises(InvalidInputError, match=message):
        student.predict(rows)
    with pytest.raises(InvalidInputError, match=message):
        xd.audit(student, {"tree": student}, ROWS, stress=rows)
    with pytest.raises(InvalidInputError, match="dry_run needs rows in memory"):
        xd.Distiller(Blend(), xd.TreeClassifier(), n_queries="all").dry_run(rows)
    drawn = rows.sample(50)
    assert len(drawn) == 50
    assert drawn.equals(rows.sample(50))
    assert not drawn.equals(rows.sample(50, seed=1))
