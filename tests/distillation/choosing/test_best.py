"""best(): the most faithful student within a reader's budget, whatever its family."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.distillation.choosing import competition
from explaindistill.distillation.choosing.reading_budget import ReadingBudget
from explaindistill.distillation.choosing.rivals import rivals
from explaindistill.errors import InvalidInputError
from explaindistill.teachers.callable import CallableTeacher


def rows(n=1000, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 6)).round(3), columns=list("abcdef"))
    X["home"] = rng.choice(["own", "rent", "free", "other"], n)
    return X


class Counted:
    """A teacher that counts the rows it is asked about."""

    classes_ = np.array(["no", "yes"])

    def __init__(self, score):
        self.score, self.n_rows = score, 0

    def predict_proba(self, X):
        self.n_rows += len(X)
        p = 1 / (1 + np.exp(-self.score(X)))
        return np.column_stack([1 - p, p])


def steps(X):
    """A tree of four leaves."""
    return np.select([(X["a"] > 0) & (X["b"] > 0.5), X["a"] > 0, X["c"] > 0.3], [3.0, -3.0, 2.0], -2.5)


def line(X):
    """A weighted sum of five columns and a level."""
    return (X["a"] + 0.8 * X["b"] - 0.9 * X["c"] + 0.7 * X["d"] - 0.6 * X["e"]).to_numpy() * 2 + (X["home"] == "own")


def test_the_family_of_the_teacher_wins():
    X = rows()
    tree = xd.best(Counted(steps), X, max_lines=4, n_queries=1500, random_state=0)
    assert tree.student_.complexity().family in ("tree", "rules")
    assert tree.score(rows(seed=1)) > 0.97
    total = xd.best(Counted(line), X, max_lines=6, n_queries=1500, random_state=0)
    assert total.student_.complexity().family in ("linear", "gam")
    assert total.score(rows(seed=1)) > 0.96


@pytest.mark.parametrize(
    "limits",
    [
        {"max_lines": 1},
        {"max_lines": 4},
        {"max_numbers": 3},
        {"max_numbers": 12},
        {"max_columns": 2},
        {"max_lines": 5, "max_numbers": 12, "max_columns": 2},
    ],
)
@pytest.mark.parametrize("teacher", ["classes", "values"])
def test_every_budget_is_kept(limits, teacher):
    X = rows(200)
    asked = line if teacher == "values" else Counted(line)
    student = xd.best(asked, X, **limits, n_queries=200, random_state=0)
    size = student.student_.complexity()
    counts = {"max_lines": size.n_lines, "max_numbers": size.n_numbers, "max_columns": size.n_features}
    assert all(counts[name] <= limit for name, limit in limits.items())
    table = student.candidates_
    assert table["chosen"].sum() == 1
    assert len(student.predict(X)) == len(X)


def test_more_to_read_is_no_worse():
    X, teacher = rows(1000), Counted(line)
    scores = [
        xd.best(teacher, X, max_lines=n, n_queries=1000, random_state=0).candidates_["score"].max() for n in (2, 4, 8)
    ]
    assert scores[0] < scores[1] < scores[2]


def test_the_teacher_is_asked_no_more_than_for_one_student():
    X, teacher, other = rows(), Counted(steps), Counted(steps)
    xd.best(teacher, X, max_lines=6, n_queries=1200, random_state=0)
    xd.Distiller(other, xd.TreeClassifier(6), n_queries=1200, random_state=0).fit(X)
    assert 1190 <= teacher.n_rows == other.n_rows


def test_the_table_says_how_all_did():
    X = rows()
    student = xd.best(Counted(steps), X, max_lines=4, n_queries=1000, random_state=0)
    table = student.candidates_
    assert table.attrs["metric"] == "agreement"
    assert {"tree", "rules", "linear", "scorecard", "gam"} <= set(table["student"])
    assert table["score"].iloc[0] == table.loc[table["folds"] == table["folds"].max(), "score"].max()
    assert table["behind"].iloc[0] == 0
    assert (table["behind_high"] >= table["behind_low"]).all()
    assert (table["n_lines"] <= 4).all()
    again = xd.best(Counted(steps), X, max_lines=4, n_queries=1000, random_state=0)
    pd.testing.assert_frame_equal(table, again.candidates_)
    assert again.describe() == student.describe()


def test_order_of_rows_changes_no_choice():
    X = rows(300)
    order = np.random.default_rng(3).permutation(len(X))
    first = xd.best(Counted(steps), X, max_lines=4, n_queries=300, random_state=0)
    turned = xd.best(Counted(steps), X.iloc[order], max_lines=4, n_queries=300, random_state=0)
    pd.testing.assert_frame_equal(first.candidates_, turned.candidates_)
    assert first.describe() == turned.describe()


def test_probabilities_and_values_are_compared_by_their_own_measure():
    X = rows()
    by_probability = xd.best(Counted(line), X, max_lines=4, optimize="probabilities", n_queries=1000, random_state=0)
    assert by_probability.candidates_.attrs["metric"] == "-kl"
    assert (by_probability.candidates_["score"] <= 0).all()
    values = xd.best(line, X, max_lines=8, n_queries=1000, random_state=0)
    assert values.candidates_.attrs["metric"] == "r2"
    assert values.candidates_["score"].max() == pytest.approx(values.score(rows(seed=5)), abs=0.03)
    assert "scorecard" not in set(values.candidates_["student"])


def votes(X):
    z = np.column_stack([X["a"], X["b"], X["c"]]) * 3
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_three_classes():
    X = rows()
    student = xd.best(CallableTeacher(votes, classes=["x", "y", "z"]), X, max_lines=6, n_queries=1000, random_state=0)
    assert student.classes_.tolist() == ["x", "y", "z"]
    assert student.score(rows(seed=2)) > 0.85


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, "ten"])
def test_wrong_limits_ask_nothing(wrong):
    teacher = Counted(steps)
    with pytest.raises(InvalidInputError, match="max_lines must be a whole number of at least 1 or None"):
        xd.best(teacher, rows(50), max_lines=wrong)
    with pytest.raises(InvalidInputError, match="optimize must be one of 'decisions', 'probabilities'"):
        xd.best(teacher, rows(50), optimize="speed")
    assert teacher.n_rows == 0


def test_a_budget_that_nobody_keeps_is_said():
    """The constant of three classes is three numbers in the smallest form there is."""
    teacher = CallableTeacher(votes, classes=["x", "y", "z"])
    with pytest.raises(InvalidInputError, match="no student keeps to max_lines, max_numbers and max_columns"):
        xd.best(teacher, rows(100), max_numbers=1, n_queries=100, random_state=0)


def test_a_column_of_many_categories_does_not_leave_trees_out():
    """A first split that lists twenty of forty towns is more than twelve numbers: there is no smaller tree."""
    X = rows(800)
    X["town"] = [f"town {i:02}" for i in np.arange(800) % 40]
    worth = dict(zip(sorted(X["town"].unique()), np.tile([-3.0, 3.0], 20), strict=True))

    def decide(X):
        return X["town"].map(worth).to_numpy() + 2.5 * np.sign(X["a"].to_numpy()) + (X["a"] * X["b"] > 0) * 0.5

    student = xd.best(Counted(decide), X, max_numbers=12, n_queries=800, random_state=0)
    table = student.candidates_.set_index("student")
    assert "tree" not in table.index
    assert (table.loc[["tree, short columns", "rules, short columns"], "n_numbers"] <= 12).all()
    assert student.student_.complexity().n_numbers <= 12


def test_a_rival_starts_where_the_budget_may_end():
    for n_classes in (None, 2, 4):
        for budget in (ReadingBudget(10), ReadingBudget(None, 20), ReadingBudget(), ReadingBudget(3, 9, 2)):
            for rival in rivals(n_classes, budget, ("a",)):
                assert rival.least <= rival.start
                assert rival.make(rival.start).get_params()
    assert ReadingBudget().is_open
    assert ReadingBudget(10, None, 3).words() == "at most 10 lines, 3 columns"


def test_an_audit_takes_the_winner():
    X = rows(400)
    y = np.where(line(X) > 0, "yes", "no")
    student = xd.best(Counted(line), X, max_lines=3, n_queries=400, random_state=0)
    fresh = rows(300, seed=4)
    audit = xd.audit(
        Counted(line),
        {"best": student},
        fresh,
        np.where(line(fresh) > 0, "yes", "no"),
        train=(X, y),
        n_explained=0,
    )
    without = audit.frames["performance"]
    assert set(without["subject"]) >= {"best"}
    assert audit.frames["complexity"].loc[0, "n_lines"] == student.student_.complexity().n_lines


def test_a_choice_alone_is_refused():
    with pytest.raises(InvalidInputError, match="a StudentChoice is for Distiller alone"):
        xd.frontier(Counted(steps), rows(100), {"best": xd.StudentChoice(max_lines=3)}, n_queries=100)


def test_the_same_winner_on_both_sides_of_the_limits(monkeypatch):
    X = rows(400)

    def winner():
        student = xd.best(Counted(line), X, max_lines=6, n_queries=400, random_state=0)
        return student.describe(), int(student.candidates_["n"].max()), int(student.candidates_["folds"].max())

    whole = winner()
    assert whole[1:] == (400, 9)
    monkeypatch.setattr(competition, "MOST", 399)
    assert winner()[:2] == (whole[0], 399)
    monkeypatch.setattr(competition, "SMALL", 399)
    assert winner() == (whole[0], 399, 3)
