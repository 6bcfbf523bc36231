"""One row as a record, in every language that takes one: absent is an error, null is missing, more does not matter."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.program import AtMost, Input, Leaf, Program, Split
from explaindistill.errors import InvalidInputError
from explaindistill.export import c, javascript, python
from explaindistill.students.tree.estimators import TreeRegressor

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed: apt install nodejs")


def python_answer(student):
    module: dict = {}
    exec(python.generate(student), module)
    return module["predict"]


def node_answers(student, expressions, folder, zone="UTC"):
    """What ``predict`` gives for rows in JavaScript, or the message of what it throws."""
    (folder / "s.js").write_text(javascript.generate(student), encoding="utf-8")
    asked = ", ".join(f"ask(() => s.predict({e}))" for e in expressions)
    code = "const s = require('./s.js'), ask = f => { try { return f() } catch (e) { return e.message } }; "
    code += f"process.stdout.write(JSON.stringify([{asked}]))"
    settings = {**os.environ, "TZ": zone}
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True, cwd=folder, env=settings)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def tree():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(18, 80, 400), "city": rng.choice(["Bern", "Zug"], 400)}).astype(object)
    X.loc[::9, "age"] = None
    X["unused"] = 1.5
    y = np.where(X["age"].isna(), 9.0, np.where(X["city"] == "Bern", 1.0, np.where(X["age"] > 40, 5.0, 3.0)))
    return TreeRegressor(max_leaf_nodes=8, min_samples_leaf=5).fit(X, y)


FULL = {"age": 50, "city": "Zug"}


def one_answer(student):
    return student.compile().one


@pytest.mark.parametrize("made", [python_answer, one_answer])
def test_python_and_one(tree, made):
    answer = made(tree)
    assert answer(FULL) == 5
    assert answer(FULL | {"more": object(), "unused": "x"}) == 5
    assert answer(FULL | {"age": None}) == answer(FULL | {"age": math.nan}) == 9
    for name in FULL:
        row = {k: v for k, v in FULL.items() if k != name}
        with pytest.raises((KeyError, InvalidInputError), match=f"the row has no column '{name}'; say None where"):
            answer(row)


@needs_node
@pytest.mark.node
def test_javascript(tree, tmp_path):
    rows = ['{age: 50, city: "Zug"}', '{age: 50, city: "Zug", more: 1}', '{age: null, city: "Zug"}', '{city: "Zug"}']
    rows += ['{age: undefined, city: "Zug"}', '{age: NaN, city: "Zug"}', "{age: 50}", '{age: "", city: "Zug"}']
    told = node_answers(tree, rows, tmp_path)
    assert told[:3] == [5, 5, 9]
    assert told[3] == 'the row has no column "age"; say null where its value is missing'
    assert told[4:6] == [9, 9]
    assert told[6] == 'the row has no column "city"; say null where its value is missing'
    assert told[7] == "age must be a finite number or missing"


@pytest.mark.parametrize("value", ["50", "20200101", "1_000", " ", b"50", math.inf, -math.inf])
def test_text_and_infinity_are_no_numbers_in_python(tree, value):
    with pytest.raises(ValueError, match="'age' must be a finite number or missing"):
        python_answer(tree)(FULL | {"age": value})


@needs_node
@pytest.mark.node
def test_text_and_infinity_are_no_numbers_in_javascript(tree, tmp_path):
    values = ['"50"', '" "', '"0x10"', "Infinity", "[50]", "{}"]
    told = node_answers(tree, [f'{{age: {v}, city: "Zug"}}' for v in values], tmp_path)
    assert told == ["age must be a finite number or missing"] * len(values)


@pytest.fixture(scope="module")
def by_date():
    days = pd.date_range("2020-01-01", periods=400, freq="h")
    return TreeRegressor(max_leaf_nodes=2).fit(pd.DataFrame({"at": days}), (days >= "2020-01-06 12:00").astype(float))


MOMENTS = ["2020-01-06T11:00:00", "2020-01-06T12:00:00", "2020-01-06 11:00", "2020-01-06 12:00", "2020-01-07"]
ZONED = ["2020-01-06T12:00:00+01:00", "2020-01-06T11:00:00-02:00", "2020-01-06T11:00:00Z"]


@needs_node
@pytest.mark.node
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_moments_without_a_zone_are_in_utc_wherever_the_engine_runs(by_date, zone, tmp_path):
    texts = MOMENTS + ZONED
    wanted = [float(pd.to_datetime(t, utc=True) >= pd.Timestamp("2020-01-06 12:00", tz="UTC")) for t in texts]
    assert [python_answer(by_date)({"at": t}) for t in texts] == wanted
    told = node_answers(by_date, [json.dumps({"at": t}) for t in texts], tmp_path, zone)
    assert told == wanted
    assert node_answers(by_date, ['{at: "yesterday"}'], tmp_path) == ["at must be a finite number or missing"]


def test_dates_come_as_python_has_them(by_date):
    answer = python_answer(by_date)
    rows = [date(2020, 1, 6), date(2020, 1, 7), datetime(2020, 1, 6, 12), datetime(2020, 1, 6, 11, tzinfo=UTC)]
    assert [answer({"at": v}) for v in (*rows, pd.Timestamp("2020-01-06 12:00"), pd.NaT)][:5] == [0, 1, 1, 0, 1]
    with pytest.raises(ValueError, match="Invalid isoformat"):
        answer({"at": "yesterday"})


class Deep:
    """A chain of questions below the "yes" or the "no" of the one before, deeper than Python and clang can nest."""

    def __init__(self, side):
        x, tree = Input("x", "numeric", (), "x_x"), Leaf((-1.0,))
        for i in range(300):
            sides = (tree, Leaf((float(i),))) if side == "yes" else (Leaf((float(i),)), tree)
            tree = Split(AtMost(x, float(i) if side == "yes" else float(-i)), *sides)
        self._program = Program("Deep", (x,), None, 1, "identity", tree)

    def program(self):
        return self._program


@pytest.mark.parametrize("side", ["yes", "no"])
def test_deep_chains_are_flat_in_python_and_c(side):
    answer = python_answer(Deep(side))
    for x in (-400.0, -299.0, -7.5, 0.0, 3.5, 298.0, 500.0):
        wanted = Deep(side).program().tree
        while isinstance(wanted, Split):
            wanted = wanted.yes if x <= wanted.condition.bound else wanted.no
        assert answer({"x": x}) == wanted.values[0]
    deepest = max(len(line) - len(line.lstrip()) for line in c.generate(Deep(side)).splitlines())
    assert deepest <= 4 * 12
