"""An audit of rows in partitions: counts of all rows, all else of drawn rows, and every line says which."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

import explaindistill as xd
from explaindistill.auditing.partitions import opening
from explaindistill.auditing.partitions.basis import OF_NO_ROWS
from explaindistill.domains.text import TextDomain
from explaindistill.errors import InvalidInputError
from explaindistill.measures import score_ranks
from explaindistill.scale.frames import partitions_of_frames
from explaindistill.teachers.callable import CallableTeacher
from scale.rows import Blend, InThreads, Turns, cut, mixed_rows

N, DRAWN = 3000, 600
NAMED = {"sensitive": ["sex", "race"], "favorable": "class 1", "n_explained": 0, "strict": True}
KEYS = ("metric", "subject", "attribute", "group", "reference", "subset", "decision")
FIGURES = ("n", "k", "n_effective", "estimate", "low", "high", "detectable_ratio", "p_holm", "predicted")
WORDS = ("status", "reason", "method", "verdict")
ASKED = ["skewed", "normal", "gaps", "city", "grade"]


class Even(Blend):
    """A teacher that decides every class for many rows."""

    def scores(self, X):
        z = X["normal"].to_numpy() - 0.4 * np.log(X["skewed"].to_numpy()) + 0.5 * (X["city"] == "Bern").to_numpy()
        gap = np.where(X["gaps"].isna(), 0.4, X["gaps"])
        return np.stack([0.8 * z * np.cos(2 * k) + gap * np.sin(5 * k) for k in range(len(self.classes_))], axis=1)


def rows_of(n, seed=1):
    rng = np.random.default_rng(seed)
    rows = mixed_rows(n, seed)[ASKED]
    P = Even().predict_proba(rows)
    rows["approved"] = np.where(rng.random(n) < P[:, 1], "class 1", "class 0")
    rows["sex"] = rng.choice(np.array(["f", "m", None], dtype=object), n, p=[0.5, 0.45, 0.05])
    rows["race"] = rng.choice(list("abcde"), n, p=[0.5, 0.3, 0.15, 0.047, 0.003])
    return rows


@pytest.fixture(scope="module")
def students():
    fit = mixed_rows(900, 7)[ASKED]
    made = {"tree": xd.TreeClassifier(max_leaf_nodes=6), "linear": xd.LinearClassifier()}
    return {name: xd.Distiller(Even(), student, random_state=0).fit(fit) for name, student in made.items()}


@pytest.fixture
def few_drawn(monkeypatch):
    monkeypatch.setattr(opening, "DRAWN", DRAWN)


def audited(rows, students, **how):
    return xd.audit(Even(), students, rows, "approved", **{**NAMED, **how})


def differences(parts, memory, tolerance=1e-9):
    """Figures of all rows that are not those of the same rows in memory."""
    out = []
    for name, table in parts.frames.items():
        if "rows" not in table or not (table["rows"] == "all").any():
            continue
        every, whole = table[table["rows"] == "all"], memory.frames[name]
        keys = [key for key in KEYS if key in whole]
        # sides that stand beside each student have the same lines more than once
        every, whole = (table.assign(copy=table.groupby(keys).cumcount()) for table in (every, whole))
        keys.append("copy")
        both = every.merge(whole, on=keys, suffixes=("", " in memory"), how="left", indicator="found")
        assert len(both) == len(every), name
        lost = both[both["found"] != "both"]
        out += [(name, *line) for line in lost[keys].itertuples(index=False)]
        for column in (c for c in FIGURES if c in whole):
            a, b = (both[c].astype(float) for c in (column, f"{column} in memory"))
            off = ~np.isclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
            out += [(name, column, *line) for line in both.loc[off, keys].itertuples(index=False)]
        for column in (c for c in WORDS if c in whole):
            off = both[column].astype(str) != both[f"{column} in memory"].astype(str)
            out += [(name, column, *line) for line in both.loc[off, keys].itertuples(index=False)]
    return out


class Tied(ClassifierMixin, BaseEstimator):
    """A fitted student of few probabilities, so that many classes are equally probable."""

    def __init__(self, student):
        self.student = student

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    @property
    def classes_(self):
        return self.student.classes_

    def predict_proba(self, X):
        P = np.round(2 * self.student.predict_proba(X)) + 1
        return P / P.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.mark.parametrize("weight", [None, "weight"])
def test_figures_of_all_rows_are_those_of_the_rows_in_memory(few_drawn, students, weight):
    rows = rows_of(N)
    if weight:
        rows[weight] = np.random.default_rng(2).integers(0, 4, N) / 2
    parts = audited(partitions_of_frames(cut(rows, 7, 0)), students, sample_weight=weight)
    memory = audited(rows, students, sample_weight=weight)
    assert differences(parts, memory) == []
    counted = {name for name, basis in parts.manifest["partitions"]["frames"].items() if "all" in basis}
    assert {"rates", "gaps", "worst_pairs", "tests", "missing_bounds", "power", "group_fidelity", "transfer",
            "fidelity", "performance", "decided_as", "calibration", "reliability"} <= counted  # fmt: skip
    for name in ("rates", "gaps", "transfer", "group_fidelity", "calibration", "reliability", "decided_as"):
        assert len(parts.frames[name]) == len(memory.frames[name]), name
    fidelity = parts.frames["fidelity"]
    elsewhere = fidelity["subset"].str.startswith(("where ", "stressed"))
    assert set(fidelity.loc[~elsewhere, "rows"]) == {"all"}
    assert set(fidelity.loc[elsewhere, "rows"]) == {"drawn"}


@pytest.mark.parametrize(
    "how",
    [
        {"threshold": 0.35},
        {"favorable": None, "sensitive": None},
        {"favorable": None},
        {"classes": 4},
        {"classes": 4, "favorable": None, "sensitive": None},
        {"classes": 5, "favorable": None, "sensitive": None, "ties": True},
        {"y": None, "sensitive": "sex"},
    ],
    ids=str,
)
def test_other_questions_have_the_figures_of_the_rows_in_memory_too(few_drawn, students, how):
    teacher = Even(how.pop("classes", 2))
    if len(teacher.classes_) > 2:
        fit = mixed_rows(900, 7)[ASKED]
        trees = {"tree": xd.TreeClassifier(max_leaf_nodes=6), "linear": xd.LinearClassifier()}
        students = {name: xd.Distiller(teacher, tree, random_state=0).fit(fit) for name, tree in trees.items()}
    if how.pop("ties", False):  # of classes that are equally probable the first comes first
        students = {"tied": Tied(students["tree"])}
    rows, y = rows_of(N), how.pop("y", "approved")
    rows = rows if y else rows.drop(columns=["approved", "race"])
    rows = rows if how.get("sensitive", True) is not None else rows.drop(columns=["sex", "race"])
    both = [
        xd.audit(teacher, students, X, y, **{**NAMED, **how}) for X in (partitions_of_frames(cut(rows, 6, 1)), rows)
    ]
    assert differences(*both) == []
    assert {"fidelity", "decided_as"} <= set(both[0].manifest["partitions"]["frames"])


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_values_of_all_rows_are_those_of_the_rows_in_memory(few_drawn, weight, outputs):
    rows = rows_of(N).drop(columns="approved")
    rng = np.random.default_rng(3)
    teacher = paid if outputs == 1 else paid_twice
    rows["paid"] = np.where(rng.random(N) < 0.1, np.nan, paid(rows) + rng.normal(size=N))
    rows["w"] = rng.integers(0, 4, N) / 2
    rows = rows.rename(columns={"w": "weight"}) if weight else rows.drop(columns="w")
    y = "paid" if outputs == 1 else None
    rows = rows if y else rows.drop(columns=["paid", "sex", "race"])
    fit = mixed_rows(900, 7)[ASKED]
    tree = xd.Distiller(teacher, xd.TreeRegressor(max_leaf_nodes=6), random_state=0).fit(fit)
    how = {"n_explained": 0, "strict": True, "sample_weight": weight}
    how |= {"sensitive": ["sex", "race"]} if outputs == 1 else {}  # gaps of several outputs are none
    parts, memory = (
        xd.audit(teacher, {"tree": tree}, X, y, **how) for X in (partitions_of_frames(cut(rows, 6, 2)), rows)
    )
    assert differences(parts, memory) == []
    counted = {name for name, basis in parts.manifest["partitions"]["frames"].items() if "all" in basis}
    assert counted >= {"fidelity"} | ({"rates", "gaps", "group_fidelity", "performance"} if outputs == 1 else set())


def paid(X):
    return 1000 + 30 * Even().scores(X)[:, 1] ** 3


def paid_twice(X):
    return np.stack([paid(X), Even().scores(X)[:, 0]], axis=1)


def test_ranks_of_drawn_rows_bound_what_they_hide(few_drawn, students, monkeypatch):
    """Of more scores than are told apart: every count is exact, the area is within its bound, tenths are nearly so."""
    monkeypatch.setattr(score_ranks, "RANKS", 50)
    rows = rows_of(N)
    parts, memory = audited(partitions_of_frames(cut(rows, 7, 0)), students), audited(rows, students)
    for name, keys in (("fidelity", ["subject"]), ("performance", ["subject"]), ("calibration", [*KEYS[1:4]])):
        areas = parts.frames[name].query("metric == 'auc' and rows == 'all' and status != 'suppressed'")
        assert len(areas) > 1
        both = areas.merge(
            memory.frames[name].query("metric == 'auc' and subset == ''"), on=keys, suffixes=("", " in memory")
        )
        assert len(both) == len(areas)
        for line in both.to_dict("records"):
            off = abs(line["estimate"] - line["estimate in memory"])
            within = float(line["method"].partition("within ")[2] or 0)
            assert off <= 1.1 * within + 1e-12
            assert line["low"] <= line["low in memory"] + 0.002
            assert line["high"] >= line["high in memory"] - 0.002
    ranked = {line[1] for line in differences(parts, memory) if line[0] == "fidelity"}
    assert "agreement" not in {line[2] for line in differences(parts, memory) if line[2:3] == ("",)}
    assert ranked <= {"n", "k", "n_effective", "estimate", "low", "high", "method", "reason", "status"}
    sizes = parts.frames["reliability"].groupby("subject")["n"].sum()
    assert (sizes == N).all()


class Leaky(Blend):
    def predict_proba(self, X):
        p = 0.1 + 0.8 * X["decision"].to_numpy()
        return np.stack([1 - p, p], axis=1)


def test_a_planted_label_among_the_inputs_is_caught(few_drawn):
    rows = rows_of(N)
    rows["decision"] = np.where(rows["approved"] == "class 1", 1.0, 0.0)
    rows = rows.drop(columns=["sex", "race"])

    leaky_teacher = Leaky()
    tree = xd.Distiller(leaky_teacher, xd.TreeClassifier(max_leaf_nodes=4), random_state=0)
    tree.fit(rows.drop(columns="approved").iloc[:500])
    parts = partitions_of_frames(cut(rows.iloc[500:], 5, 0))
    audit = xd.audit(leaky_teacher, {"tree": tree}, parts, "approved", favorable="class 1", n_explained=0)
    leak = audit.frames["teacher"].query("metric == 'single_feature_auc' and feature == 'decision'")
    assert leak["suspicious"].tolist() == [True]
    assert "The column decision alone tells the outcome" in " ".join(str(audit).split())


def test_every_group_has_the_rows_that_a_plain_count_gives(few_drawn, students):
    rows = rows_of(N)
    rates = audited(partitions_of_frames(cut(rows, 5, 3)), students, min_group_size=1).frames["rates"]
    chosen = rates[(rates["metric"] == "selection_rate") & (rates["subject"] == "tree")].set_index("group")
    decided = students["tree"].predict(rows[ASKED]) == "class 1"
    counts = rows.assign(k=decided).fillna({"sex": "(missing)"}).groupby(["sex", "race"])["k"].agg(["size", "sum"])
    for (sex, race), (n, k) in counts.iterrows():
        line = chosen.loc[f"{sex} × {race}"]
        assert (line["n"], line["k"]) == (n, k)


def test_any_cut_and_order_give_the_same_figures_and_the_same_drawn_rows(few_drawn, students):
    rows = rows_of(1500)
    one, *others = (
        audited(partitions_of_frames(cut(rows, n_parts, seed)), students) for n_parts, seed in ((1, 0), (4, 1), (30, 2))
    )
    for other in others:
        assert set(one.frames) == set(other.frames)
        for name, table in one.frames.items():
            if name not in {"cost", "deployment"}:  # seconds
                pd.testing.assert_frame_equal(table, other.frames[name], obj=name)
        assert one.manifest["data_sha256"] == other.manifest["data_sha256"]
        assert one.manifest["partitions"] | {"parts": 0} == other.manifest["partitions"] | {"parts": 0}


def test_every_line_and_the_front_say_which_rows_they_rest_on(few_drawn, students, tmp_path):
    audit = audited(partitions_of_frames(cut(rows_of(N), 7, 0)), students)
    facts = audit.manifest["partitions"]
    assert (audit.manifest["n_rows"], facts["rows"], facts["drawn"], facts["parts"]) == (N, N, DRAWN, 7)
    assert repr(audit).startswith("Audit of tree, linear against Even on 3,000 rows (600 drawn for what is not count")
    for name, table in audit.frames.items():
        if len(table) and name not in {"verdicts", "failures", *OF_NO_ROWS}:
            assert set(table["rows"]) <= {"all", "drawn"}, name
            assert facts["frames"][name] == " and ".join(sorted(set(table["rows"])))
    assert (audit.frames["importance"]["rows"] == "drawn").all()
    drawn = audit.frames["fidelity"].query("rows == 'drawn' and subset == ''")
    assert (drawn["n"] <= DRAWN).all()
    front = "The rows lie in 7 parts. All 3,000 are counted in: rates of groups, their gaps, transfer"
    assert audit.notes[0].startswith(front)
    opening = " ".join(str(audit).split())
    assert 0 < opening.index(front) < opening.index("Can a simple model stand in")
    html = audit.save(tmp_path / "audit.html").read_text("utf-8")
    assert html.index("The rows lie in 7 parts") < html.index("Which inputs carry it")
    assert html.count("All 3,000 rows are counted in") > 0  # a section of both kinds of frames
    opened = html[html.index('id="glance"') :].partition("</section>")[0]
    assert "The rows lie in 7 parts" in opened
    assert "drawn rows stand behind" not in opened
    assert "3,000 audited rows, 600 of them drawn" in html
    markdown = audit.save(tmp_path / "audit.md").read_text("utf-8")
    assert "600 drawn rows" in markdown.partition("## Which columns carry the answers")[2].partition("## ")[0]


def test_one_part_without_some_group_and_small_groups(few_drawn, students):
    rows = rows_of(1200).sort_values("sex").assign(race=lambda f: np.where(np.arange(len(f)) < 4, "rare", f["race"]))
    rows = rows.reset_index(drop=True)
    parts = audited(partitions_of_frames([rows.iloc[:400], rows.iloc[400:800], rows.iloc[800:]]), students)
    assert differences(parts, audited(rows, students)) == []
    assert "rare" not in parts.frames["rates"]["group"].to_numpy()


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_large_group_is_not_said_to_be_small_where_it_would_tell_of_a_small_one(few_drawn, students, is_cut):
    rows = rows_of(1200).drop(columns="race")
    rows["sex"] = np.where(np.arange(1200) < 6, "x", np.where(np.arange(1200) < 500, "m", "f"))
    X = partitions_of_frames(cut(rows, 3, 0)) if is_cut else rows
    audit = audited(X, {"tree": students["tree"]}, sensitive="sex")
    said = [sentence.text for sentence in audit.opening.of("warnings")]
    assert "sex = x has too few rows to rely on, or to show." in said
    assert "sex = m may not be shown: figures of too few rows could be worked out from it." in said


def test_bands_of_numbers_are_those_of_the_drawn_rows_and_count_all(students, monkeypatch):
    rows = rows_of(1200).drop(columns="sex").assign(age=np.random.default_rng(4).integers(18, 90, 1200) * 1.0)
    rows.loc[::50, "age"] = np.nan
    how = {"sensitive": ["age", "race"], "min_group_size": 1}
    one = {"tree": students["tree"]}
    memory, parts = audited(rows, one, **how), partitions_of_frames(cut(rows, 5, 0))
    assert differences(audited(parts, one, **how), memory) == []  # all rows are drawn
    monkeypatch.setattr(opening, "DRAWN", 300)
    rates = audited(parts, one, **how).frames["rates"].query("metric == 'selection_rate' and subject == 'tree'")
    ages = rates[rates["attribute"] == "age"].set_index("group")["n"]
    assert ages["(missing)"] == 24
    for band, n in ages.drop("(missing)").items():
        low, high = (float(x) if x else None for x in BAND.fullmatch(band).groups())
        assert n == ((rows["age"] >= (low or 0)) & (rows["age"] < (high or 1000))).sum(), band


BAND = re.compile(r"(?:([\d.]+) (?:to|and above) ?)?(?:below ([\d.]+))?")


def test_categories_that_differ_between_parts_are_joined_as_in_memory(few_drawn, students):
    rows = rows_of(900).drop(columns="race")
    first, second = rows.iloc[:500].copy(), rows.iloc[500:].copy()
    first["sex"] = pd.Categorical(first["sex"], ["m", "f"])
    second["sex"] = pd.Categorical(second["sex"].replace("f", "x"), ["x", "m", "never"])
    both, one = [first, second], {"tree": students["tree"]}
    whole = pd.concat(both, ignore_index=True)
    parts = audited(partitions_of_frames(both), one, sensitive="sex")
    assert differences(parts, audited(whole, one, sensitive="sex")) == []


class Asked(Even):
    def predict_proba(self, X):
        raise AssertionError("a model was asked")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"y": np.zeros(300)}, "y must name a column for rows in partitions, got ndarray; make it a column"),
        ({"sample_weight": np.zeros(300)}, "sample_weight must name a column for rows in partitions"),
        ({"y": "aproved"}, "y names 'aproved', the columns are: .*approved"),
        ({"sensitive": ["sexx"]}, "names 'sexx', the columns are"),
        ({"sensitive": pd.DataFrame({"sex": ["f"]})}, "sensitive must name columns for rows in partitions, got DataF"),
        ({"groups": "city"}, "groups must stay None for rows in partitions: intervals of clusters rest on"),
        ({"store": "answers.sqlite"}, "store needs rows in memory, got rows in partitions; leave it out, or audit"),
        ({"dry_run": True}, "dry_run needs rows in memory"),
        ({"threshold": {"top": 0.2}}, "threshold=.* needs rows in memory"),
        ({"requirements": {"fidelity.agrement": ">= 0.9"}}, "agrement"),
    ],
)
def test_what_rows_in_partitions_cannot_do_is_one_sentence(students, how, message):
    rows = rows_of(300)
    with pytest.raises(InvalidInputError, match=message):
        xd.audit(Asked(), students, partitions_of_frames(cut(rows, 3, 0)), **{"y": "approved", **NAMED, **how})


class Unread:
    """Rows in partitions that must not be read."""

    def ask(self, *arguments, **how):
        raise AssertionError("rows were read")

    step = ask

    def __len__(self):
        return 2


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"requirements": {"fidelity.agrement": ">= 0.9"}}, "agrement"),
        ({"favorable": "class 7"}, "class 7"),
        ({"min_group_size": -1}, "min_group_size"),
    ],
)
def test_what_is_wrong_is_said_before_rows_are_read(students, how, message):
    with pytest.raises(InvalidInputError, match=message):
        xd.audit(Asked(), students, Unread(), **{"y": "approved", **NAMED, **how})


def test_students_of_a_domain_need_objects_in_memory():
    texts = ["good and short", "bad and long", "so good", "so bad"] * 30
    words = CallableTeacher(lambda X: np.array([float("good" in t) for t in X]), classes=["no", "yes"])
    student = xd.Distiller(words, xd.LinearClassifier(), domain=TextDomain(), random_state=0).fit(texts)
    with pytest.raises(InvalidInputError, match="a domain needs rows in memory, got rows in partitions"):
        xd.audit(words, {"words": student}, Unread())


def test_threads_of_one_process_ask_one_after_the_other_in_an_audit_too(few_drawn):
    rows = rows_of(400)
    tree = xd.Distiller(Even(), xd.TreeClassifier(max_leaf_nodes=4), random_state=0).fit(mixed_rows(300, 7)[ASKED])
    parts = InThreads(partitions_of_frames([rows[i : i + 50] for i in range(0, 400, 50)]).parts)
    audit = xd.audit(EvenTurns(), {"tree": tree}, parts, "approved", **NAMED)
    assert audit.manifest["partitions"]["rows"] == 400


class EvenTurns(Turns, Even):
    pass
