"""The drawing of a tree says what the student says."""

import numpy as np
import pandas as pd
import pytest

from explaindistill import plots
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor


def rows(n: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "city": rng.choice(list("abcdefghij"), n),
            "owner": rng.random(n) < 0.5,
        }
    )
    frame.loc[:40, "age"] = np.nan
    return frame, (frame["age"].fillna(50) / 20 + frame["owner"] + frame["city"].isin(list("abcdefgh"))).to_numpy()


@pytest.mark.parametrize("student", [TreeClassifier(max_leaf_nodes=40), TreeRegressor(max_leaf_nodes=6)])
def test_its_leaves_are_those_of_the_tree(student):
    frame, z = rows()
    student.fit(frame, z > np.median(z) if isinstance(student, TreeClassifier) else z)
    drawn, table = student.drawing(), student.rules().set_index("leaf")
    assert drawn.root.share == 1.0
    assert drawn.root.n == len(frame)
    leaves = list(drawn.root.answers())
    assert [int(leaf.node) for leaf in leaves] == table.index.tolist()
    assert [leaf.share for leaf in leaves] == pytest.approx(table["share"].tolist())
    np.testing.assert_array_equal([leaf.values for leaf in leaves], student.tree_.value[student.tree_.leaves])
    assert plots.draw(drawn, plots.figure().subplots()).texts


def test_questions_are_asked_as_a_reader_would():
    frame, _ = rows()
    student = TreeRegressor(max_leaf_nodes=2)
    flag = student.fit(frame[["owner"]], frame["owner"] * 1.0).drawing().root
    assert (flag.text, [child.edge for child in flag.children]) == ("owner?", ["no", "yes"])
    city = student.fit(frame[["city"]], frame["city"].isin(list("abcdefgh")) * 1.0).drawing().root
    assert city.text in ("city is a or b or c or d or e or f … 2 more?", "city is i or j?")
    missing = student.fit(frame[["age"]], frame["age"].isna() * 1.0).drawing().root
    assert missing.text == "age is known?"


def test_a_single_leaf_is_an_answer():
    drawn = TreeRegressor().fit([[0.0], [1.0]] * 9, [0.5] * 18).drawing()
    assert [leaf.text for leaf in drawn.root.answers()] == ["0.5"]
    assert plots.draw(drawn, plots.figure().subplots()).texts[0].get_text() == "0.5"
