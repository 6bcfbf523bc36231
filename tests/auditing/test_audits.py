import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.auditing.frames import groups as audit_groups
from explaindistill.data import datasets
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.report.render import render

FRAMES = (
    "calibration", "flips", "leaf_audit", "missing_bounds", "power", "proxies", "reliability", "strata", "tests",
    "worst_pairs", "complexity", "corpus", "fidelity", "gaps", "group_fidelity", "importance", "performance", "rates",
    "students", "transfer", "verdicts",
)  # fmt: skip


@pytest.fixture(scope="module")
def lending():
    return datasets.lending(6000, random_state=1)


class Rule:
    """A teacher whose rule is known: approve where debt is low, and for men a little more."""

    classes_ = np.array(["approved", "declined"])

    def predict_proba(self, X):
        z = 2.0 - 6.0 * X["debt_ratio"].fillna(0.3).to_numpy(dtype=float) + 1.5 * (X["sex"] == "male").to_numpy()
        p = 1 / (1 + np.exp(-3 * z))
        return np.c_[p, 1 - p]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return "rule"

    def __sklearn_clone__(self):
        return self


@pytest.fixture(scope="module")
def pair(lending):
    X, y = lending.X, lending.y
    train, test = X.iloc[:3000], X.iloc[3000:]
    tree = xd.Distiller(Rule(), xd.TreeClassifier(max_leaf_nodes=16), n_queries=6000, random_state=0).fit(train)
    linear = xd.Distiller(Rule(), xd.LinearClassifier(), n_queries=3000, random_state=0).fit(train)
    return tree, linear, (train, y.iloc[:3000]), (test, y.iloc[3000:])


@pytest.fixture(scope="module")
def report(pair, lending):
    tree, linear, train, (test, y) = pair
    return xd.audit(
        Rule(), {"tree": tree, "linear": linear}, test, y, train=train, sensitive=list(lending.sensitive),
        favorable="approved", date="2026-11-23",
    )  # fmt: skip


def pick(frame, **where):
    for key, value in where.items():
        frame = frame[frame[key] == value]
    return frame


def test_every_frame_is_there_with_counts_and_intervals(report):
    assert set(FRAMES) <= set(report.frames)
    for name in ("fidelity", "performance", "rates", "gaps", "group_fidelity"):
        assert {"n", "estimate", "low", "high", "status", "reason", "method"} <= set(report.frames[name].columns), name
        ok = pick(report.frames[name], status="ok").dropna(subset=["low", "high"])
        assert (ok["low"] <= ok["estimate"] + 1e-12).all(), name
        assert (ok["high"] >= ok["estimate"] - 1e-12).all(), name


def test_fidelity_is_agreement_of_decisions(report, pair):
    tree, _, _, (test, _) = pair
    row = pick(report.frames["fidelity"], subject="tree", metric="agreement").iloc[0]
    agreement = (tree.predict(test) == Rule().predict(test)).mean()
    assert row["estimate"] == pytest.approx(agreement)
    assert row["n"] == len(test)
    assert row["estimate"] > 0.9


def test_selection_rates_are_those_of_the_rule(report, pair):
    _, _, _, (test, _) = pair
    chosen = Rule().predict(test) == "approved"
    for sex in ("female", "male"):
        row = pick(report.frames["rates"], subject="teacher", attribute="sex", group=sex, metric="selection_rate").iloc[
            0
        ]
        assert row["estimate"] == pytest.approx(chosen[test["sex"] == sex].mean())


def test_the_gap_of_the_students_is_the_gap_of_the_teacher(report):
    gaps = pick(report.frames["gaps"], attribute="sex", metric="selection_rate_difference")
    assert {"labels", "teacher", "tree", "linear"} <= set(gaps["subject"])
    teacher, tree = (pick(gaps, subject=s).iloc[0] for s in ("teacher", "tree"))
    assert abs(teacher["estimate"]) > 0.1
    assert tree["low"] <= teacher["estimate"] <= tree["high"]


def test_what_the_rule_does_not_use_has_no_importance(report):
    table = pick(report.frames["importance"], subject="teacher", metric="permutation")
    by = table.set_index("feature")["estimate"]
    assert by.nlargest(2).index.tolist() == ["debt_ratio", "sex"]
    assert by.drop(["debt_ratio", "sex"]).abs().max() < 1e-12


def test_the_use_of_a_sensitive_column_is_said(report):
    assert any("“tree” uses the sensitive column sex." in n for n in report.notes)


def test_students_without_teacher_stand_beside(report):
    subjects = set(report.frames["performance"]["subject"])
    assert {"teacher", "tree", "tree without teacher", "linear", "linear without teacher"} <= subjects


def test_without_train_the_baseline_cannot_be_told(pair):
    tree, _, _, (test, y) = pair
    record = xd.audit(Rule(), tree, test, y)
    assert "student without teacher" in set(record.frames["performance"]["subject"])
    row = pick(record.frames["performance"], subject="student without teacher").iloc[0]
    assert row["status"] == "undefined"
    assert "train" in row["reason"]


def test_manifest_is_a_function_of_the_inputs(report, pair, lending):
    tree, linear, train, (test, y) = pair
    again = xd.audit(
        Rule(), {"tree": tree, "linear": linear}, test, y, train=train, sensitive=list(lending.sensitive),
        favorable="approved", date="2026-11-23",
    )  # fmt: skip
    assert json.dumps(again.manifest) == json.dumps(report.manifest)
    assert report.manifest["date"] == "2026-11-23"
    for name in FRAMES:
        pd.testing.assert_frame_equal(again.frames[name], report.frames[name])


def test_check_has_three_answers(report):
    table = report.check({"fidelity.agreement": ">= 0.5", "bias.impact_ratio": ">= 0.99"})
    assert set(pick(table, rule="fidelity.agreement >= 0.5")["verdict"]) == {"pass"} or set(table["verdict"]) <= {
        "pass", "fail", "inconclusive", "cannot say",
    }  # fmt: skip
    assert "fail" in set(table["verdict"])
    with pytest.raises(InvalidInputError, match="fidelity"):
        report.check({"fidelity.nonsense": ">= 0.5"})


def test_rows_of_fitting_are_left_out(pair):
    tree, _, train, (test, y) = pair
    both = pd.concat([train[0].head(100), test.head(200)])
    record = xd.audit(Rule(), tree, both)
    assert record.manifest["n_rows"] == 200
    assert any("100 of 300 rows were seen in fitting" in n for n in record.notes)
    with pytest.raises(InvalidInputError, match="X must hold rows that fitting did not see"):
        xd.audit(Rule(), tree, train[0])
    del y


def test_rows_merely_equal_in_value_are_counted_not_dropped(pair):
    tree, _, train, (test, _) = pair
    copies = train[0].head(50).set_axis(range(10**6, 10**6 + 50))
    record = xd.audit(Rule(), tree, pd.concat([copies, test.head(200)]))
    assert record.manifest["n_rows"] == 250
    assert any("50 rows equal, in value" in n for n in record.notes)
    subsets = set(record.frames["fidelity"]["subset"])
    assert "without rows equal to fitting rows" in subsets


def test_attributes_need_not_be_inputs(pair):
    tree, _, _, (test, y) = pair
    outside = pd.DataFrame({"region": np.where(np.arange(len(test)) % 3 == 0, "north", "south")})
    record = xd.audit(Rule(), tree, test, y, sensitive=outside, favorable="approved")
    assert set(record.frames["rates"]["attribute"]) == {"region"}
    assert not any("sensitive column" in n for n in record.notes)


def test_no_sensitive_columns_no_bias_frames(pair):
    tree, _, _, (test, y) = pair
    record = xd.audit(Rule(), tree, test, y)
    assert record.frames["rates"].empty
    assert not (record.frames["verdicts"]["rule"].str.contains("bias")).any()


def test_top_share_threshold(pair, lending):
    tree, _, _, (test, y) = pair
    record = xd.audit(
        Rule(), tree, test, y, sensitive=list(lending.sensitive), favorable="approved", threshold={"top": 0.2}
    )
    rates = pick(record.frames["rates"], subject="teacher", metric="selection_rate", attribute="sex")
    assert np.average(rates["estimate"], weights=rates["n"]) == pytest.approx(0.2, abs=0.01)


def test_multi_class_and_third_party_students():
    X, y = load_iris(return_X_y=True, as_frame=True)
    teacher = RandomForestClassifier(20, random_state=0).fit(X[::2], y[::2])
    student = xd.Distiller(teacher, DecisionTreeClassifier(random_state=0), random_state=0).fit(X[::2])
    direct = DecisionTreeClassifier(random_state=0).fit(X[::2], teacher.predict(X[::2]))
    record = xd.audit(teacher, {"distilled": student, "direct": direct}, X[1::2], y[1::2], train=(X[::2], y[::2]))
    assert pick(record.frames["fidelity"], subject="distilled", metric="agreement").iloc[0]["estimate"] > 0.9
    assert "DecisionTreeClassifier" in set(record.frames["students"]["family"])


def test_regression():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    teacher = RandomForestRegressor(20, random_state=0).fit(X[::2], y[::2])
    students = {
        "tree": xd.Distiller(teacher, xd.TreeRegressor(), random_state=0).fit(X[::2]),
        "linear": xd.Distiller(teacher, xd.LinearRegressor(), random_state=0).fit(X[::2]),
    }
    groups = pd.DataFrame({"sex": np.where(X["sex"][1::2] > 0, "a", "b")})
    record = xd.audit(teacher, students, X[1::2], y[1::2], train=(X[::2], y[::2]), sensitive=groups)
    r2 = pick(record.frames["fidelity"], subject="tree", metric="r2").iloc[0]
    assert r2["low"] < r2["estimate"] < r2["high"]
    assert not record.frames["rates"].empty
    assert "regression" in str(record.task)


def test_it_shows_and_saves_itself(report, tmp_path):
    assert "Audit of tree, linear against Rule on 3,000 rows" in repr(report)
    for name in ("audit.html", "audit.md", "audit.json"):
        path = report.save(tmp_path / name)
        assert path.stat().st_size > 500
    assert json.loads((tmp_path / "audit.json").read_text())
    assert "<" in report._repr_html_()
    assert report.save(tmp_path / "notes.txt", kind="markdown").exists()
    assert "tags:" in report.save(tmp_path / "README.md", kind="model-card").read_text()
    assert report.save(tmp_path / "audit.csv").read_text().startswith("frame")
    with pytest.raises(InvalidInputError, match=r"path must end in .*\.html.*got 'audit.docx'"):
        report.save(tmp_path / "audit.docx")


def test_frozen(report):
    with pytest.raises(AttributeError):
        report.notes = ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"students": {}}, "students must hold at least 1 fitted student"),
        ({"students": {"teacher": None}}, "must not be called teacher"),
        ({"students": {"a": object()}}, "student 'a' must be a fitted estimator, got object"),
        ({"students": {"a": xd.TreeClassifier()}}, "not fitted"),
        ({"sensitive": ["sexx"]}, "sensitive names sexx, the columns are: .*; for attributes outside"),
        ({"sensitive": pd.DataFrame({"a": [1]})}, "sensitive must have one row per row of X, 3000, got 1"),
        ({"favorable": "granted"}, r"favorable must be one of the classes \['approved', 'declined'\], got 'granted'"),
        ({"threshold": 1.5}, "threshold must lie between 0 and 1"),
        ({"y": ["approved"]}, "y must have one value per row of X, 3000, got 1"),
        ({"y": ["granted"] * 3000}, "label 'granted', which is not among classes"),
        ({"train": (pd.DataFrame({"a": [1]}), [1])}, "train must have the columns of X"),
        ({"min_group_size": 0}, "min_group_size must be at least 1, got 0; 1 shows everything"),
    ],
)
def test_bad_arguments(pair, changes, message):
    tree, _, _, (test, y) = pair
    given = {"students": {"tree": tree}, "X": test, "y": y} | changes
    with pytest.raises(ValueError, match=message):
        xd.audit(Rule(), **given)


def test_train_with_another_number_of_labels(pair):
    tree, _, train, (test, y) = pair
    with pytest.raises(InvalidInputError, match="train must hold as many labels as rows"):
        xd.audit(Rule(), tree, test, y, train=(train[0], train[1].head(3)))


def test_a_teacher_that_answers_nonsense(pair):
    tree, _, _, (test, _) = pair

    class Broken(Rule):
        def predict_proba(self, X):
            return super().predict_proba(X)[:-1]

    with pytest.raises(TeacherError, match="was asked about"):
        xd.audit(Broken(), tree, test)


def test_the_planted_gap_of_lending_lies_in_the_interval():
    data = datasets.lending(20_000, random_state=3)
    answers = pd.DataFrame(
        {"approved": (data.y == "approved").astype(float), "declined": (data.y != "approved").astype(float)}
    )
    teacher = (data.X, answers)
    student = xd.TreeClassifier(max_leaf_nodes=8).fit(data.X.iloc[:5000], data.y.iloc[:5000])
    record = xd.audit(teacher, student, data.X, data.y, sensitive=["sex"], favorable="approved")
    row = pick(record.frames["gaps"], subject="labels", attribute="sex", metric="selection_rate_difference").iloc[0]
    assert row["low"] <= -data.truth.gap["sex"] <= row["high"] or row["low"] <= data.truth.gap["sex"] <= row["high"]


def test_refits_measure_stability(pair):
    tree, linear, (X, labels), (test, y) = pair
    record = xd.audit(
        Rule(), {"tree": tree, "linear": linear}, test.head(500), y.head(500), train=(X, labels), n_refits=3
    )
    table = record.frames["stability"]
    assert set(table["subject"]) == {"tree", "linear"}
    assert pick(table, subject="tree", metric="refit_agreement").iloc[0]["estimate"] > 0.85
    assert pick(table, subject="linear", metric="refit_splits").iloc[0]["status"] == "undefined"
    with pytest.raises(InvalidInputError, match="n_refits must be 0 or at least 3, got 2"):
        xd.audit(Rule(), tree, test, y, n_refits=2)
    with pytest.raises(InvalidInputError, match="n_refits needs the rows of fitting"):
        xd.audit(Rule(), tree, test, y, n_refits=3)


def test_regressors_are_refitted_too():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    teacher = RandomForestRegressor(10, random_state=0).fit(X[::2], y[::2])
    student = xd.Distiller(teacher, xd.TreeRegressor(), n_queries=300, random_state=0).fit(X[::2])
    record = xd.audit(teacher, student, X[1::2], train=(X[::2], y[::2]), n_refits=3)
    assert pick(record.frames["stability"], metric="refit_agreement").iloc[0]["estimate"] < 1
    assert record.frames["mistakes"].empty


def test_mistakes_are_told_in_words(report):
    table = pick(report.frames["mistakes"], subject="tree")
    assert table["subset"].iloc[0] == ""
    assert len(table) > 1


def test_the_deployment_card_counts_and_times_only_when_asked(report):
    told = report.frames["deployment"].set_index(["metric", "subject"])["estimate"]
    student = next(iter(report.students))
    assert np.isnan(told["bytes", "teacher"])  # a function of the caller's own
    assert told["bytes", student] > told["gzip_bytes", student] > 0
    assert told["operations", student] >= 1
    assert not any(metric.endswith("_seconds") for metric, _ in told.index)
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(5, random_state=0).fit(X[:300], y[:300])
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X[:300], forest.predict_proba(X[:300]))
    timed = xd.audit(forest, {"tree": tree}, X[300:], y[300:], time_models=True)
    told = timed.frames["deployment"].set_index(["metric", "subject"])
    assert told["estimate"]["bytes", "teacher"] == len(pickle.dumps(forest, protocol=5))
    assert told["estimate"]["single_row_seconds_ratio", "tree"] > 0
    assert told["status"]["operations", "teacher"] == "undefined"
    assert told["reason"]["operations", "teacher"] == "a EstimatorTeacher does not tell"
    text = timed._repr_html_()
    assert "Traceback" not in text


def test_small_groups_are_withheld_everywhere_and_judged_by_nobody(pair):
    tree, _, _, (test, y) = pair
    kind = pd.DataFrame({"kind": np.repeat(["a", "b", "few"], [1700, len(test) - 1706, 6])})
    found = xd.audit(Rule(), {"tree": tree}, test, y, sensitive=kind, favorable="approved")
    for name in (
        "rates",
        "gaps",
        "group_fidelity",
        "transfer",
        "power",
        "calibration",
        "leaf_audit",
        "proxies",
    ):
        frame = found.frames[name]
        few = frame[frame["group"] == "few"]
        assert len(few), name
        assert (few["status"] == "suppressed").all(), name
        assert few.select_dtypes("number").isna().all(axis=None), name
    assert not (found.frames["tests"]["group"] == "few").any()
    shown = found.frames["rates"]
    assert set(shown[shown["status"] == "ok"]["group"]) == {"a"}, "b is needed: with it and the total, few would follow"
    verdicts = found.check({"bias.impact_ratio": ">= 0.8"})
    assert set(verdicts[verdicts["group"] == "few"]["verdict"]) == {"cannot say"}
    headline = found.frames["verdicts"]
    assert set(headline[headline["attribute"] == "kind"]["verdict"]) == {"cannot say"}
    assert "min_group_size=10" in render(found, "html")
    everything = xd.audit(Rule(), {"tree": tree}, test, y, sensitive=kind, favorable="approved", min_group_size=1)
    assert "suppressed" not in set(everything.frames["rates"]["status"])


def test_cells_hold_enough_rows_and_the_teacher_s_mean(report, pair):
    cells = report.frames["cells"]
    assert set(cells["subject"]) == set(report.cells) == {"tree", "linear"}
    one = pick(cells, subject="tree", output="approved")
    assert one["n"].min() >= 10
    assert one["n"].sum() == report.manifest["n_rows"]
    test = pair[3][0]
    truth = Rule().predict_proba(test)[:, 0]
    leaf = report.cells["tree"].apply(test[list(report.cells["tree"].feature_names_in_)])
    for line in one.to_dict("records"):
        assert line["estimate"] == pytest.approx(truth[leaf == line["cell"]].mean())


def test_shapley_values_name_the_columns_of_the_rule_and_split_its_gap(report, pair):
    frames = report.frames
    told = pick(frames["importance"], metric="shapley", subject="teacher", subset="probability")
    share = told.set_index("feature")["share"]
    assert share["debt_ratio"] + share["sex"] > 0.95
    exact = pick(frames["importance"], metric="shapley", subject="tree")
    assert set(exact["method"]) == {"exact"}
    alike = frames["importance_comparison"]
    assert {"top 5", "Shapley, probability", "Shapley, logit"} <= set(alike["subset"])
    shapley = alike[alike["subset"].str.startswith("Shapley")]
    assert (shapley["low"] <= shapley["estimate"] + 1e-12).all()
    gaps = pick(frames["attribution_gaps"], subject="tree", attribute="sex")
    for group, part in gaps.groupby("group"):
        total = pick(part, metric="attribution_gap_total")["estimate"].item()
        assert pick(part, metric="attribution_gap")["estimate"].sum() == pytest.approx(total), group
    assert set(pick(frames["interactions"], metric="interaction_missed")["subject"]) == {"tree", "linear"}


def test_the_teachers_shapley_values_do_not_hang_on_the_control(pair, lending):
    """One row's mean values: with a good student as control, a bad one, or none, the same within their errors."""
    tree, linear, _, (test, _) = pair
    found = []
    for students in ({"tree": tree}, {"linear": linear}):
        frames = xd.audit(Rule(), students, test.head(800), favorable="approved", n_explained=200).frames
        part = pick(frames["importance"], metric="shapley", subject="teacher").set_index("feature")["share"]
        found.append(part)
    assert found[0].drop(["debt_ratio", "sex"]).max() < 0.05
    assert (found[0] - found[1]).abs().max() < 0.15


def test_the_page_tells_of_shapley_values_interactions_and_gaps(report):
    page = render(report, "html")
    for words in (
        "By Shapley values",
        "Interactions that the students miss",
        "What differences between groups come from",
    ):
        assert words in page, words


def test_shapley_values_can_be_left_out(pair):
    tree, _, _, (test, _) = pair
    frames = xd.audit(Rule(), tree, test.head(300), favorable="approved", n_explained=0).frames
    assert "shapley" not in set(frames["importance"]["metric"])
    assert frames["interactions"].empty
    with pytest.raises(InvalidInputError, match="n_explained must be at least 0"):
        xd.audit(Rule(), tree, test, n_explained=-1)


def test_students_without_exact_values_are_sampled():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    forest = RandomForestRegressor(10, random_state=0).fit(X[:300], y[:300])
    other = RandomForestRegressor(3, random_state=1).fit(X[:300], y[:300])
    frames = xd.audit(forest, {"small": other}, X[300:], y[300:], n_explained=40).frames
    told = pick(frames["importance"], metric="shapley")
    assert set(told["method"]) == {"sampled, control variate"}
    assert set(told["subject"]) == {"teacher", "small"}


def test_the_teacher_is_compared_with_the_outcomes(pair, lending):
    tree, _, _, (test, y) = pair
    found = xd.audit(
        Rule(), {"tree": tree}, test, y, favorable="approved", sensitive=["sex"], compare=True, n_explained=0
    )
    terms = found.frames["comparison_terms"].set_index("feature")
    assert terms.loc["debt_ratio", "differs"]
    assert {"score_explained", "duplicate_rows"} <= set(found.frames["missing_inputs"]["metric"])
    assert {"female", "male"} <= set(found.frames["comparison_quality"]["group"])
    assert any(n.startswith("Inputs of the teacher: ") for n in found.notes)
    page = render(found, "html")
    assert "Teacher and outcomes compared" in page
    assert "Are inputs missing?" in page
    assert page == render(found, "html")
    with pytest.raises(InvalidInputError, match="compare needs true labels"):
        xd.audit(Rule(), tree, test, favorable="approved", compare=True)


def test_the_headline_verdict_holds_for_any_pair(report):
    table = report.frames["verdicts"]
    told = table[table["metric"] == "selection_rate_worst_ratio"]
    assert len(told) == 3 * 3  # teacher and two students, by sex, by age band, by both
    row = pick(told, subject="teacher", attribute="sex").iloc[0]
    assert row["group"] == "female against male"
    assert row["verdict"] == "fail"
    pairs = pick(report.frames["worst_pairs"], metric="selection_rate_worst_ratio", subject="teacher")
    assert pick(pairs, attribute="sex × age_band").iloc[0]["n_pairs"] == 28


def test_a_flip_of_the_attribute_that_the_rule_uses(report):
    rate = pick(report.frames["flips"], subject="teacher", metric="flip_rate").groupby("attribute")["estimate"].max()
    assert rate["sex"] > 0.02
    assert rate["age_band"] == 0


def test_the_proxy_stands_beside_its_use(report):
    table = pick(report.frames["proxies"], subject="teacher").set_index("feature")
    assert table.loc["sector", "estimate"].max() > 0.65
    assert table.loc["sector", "use"].max() == 0  # the rule never looks at it
    assert set(report.frames["proxies"]["subject"]) == {"teacher", "tree", "linear"}


def test_leaves_of_the_tree_and_their_fidelity(report):
    leaves = report.frames["leaf_audit"]
    assert set(leaves["subject"]) == {"tree"}
    inside = report.frames["fidelity"]
    inside = inside[inside["subset"].str.startswith("where ")]
    assert inside["n"].sum() == report.manifest["n_rows"]
    whole = pick(report.frames["fidelity"], subject="tree", metric="agreement", subset="").iloc[0]
    assert np.average(inside["estimate"], weights=inside["n"]) == pytest.approx(whole["estimate"])


def test_rules_that_few_rows_meet_are_one():
    leaf = np.repeat([3, 5, 7, 9], [100, 12, 8, 200])
    joined, words = audit_groups._joined(leaf, {3: "a", 5: "b", 7: "c", 9: "d"})
    assert np.unique(joined, return_counts=True)[1].tolist() == [200, 120]
    assert words[10] == "any of 3 rules that few rows meet"
    same, _ = audit_groups._joined(leaf[:100], {3: "a"})
    assert (same == 3).all()


def test_tests_are_one_declared_family(report):
    table = report.frames["tests"]
    assert table["family"].nunique() == 1
    assert set(table["subject"]) == {"teacher", "tree", "linear"}
    order = table.sort_values("p_value")
    assert order["p_holm"].iloc[0] == pytest.approx(min(1, order["p_value"].iloc[0] * len(table)))
    assert len(table)
    gaps = report.frames["gaps"].set_index(["metric", "subject", "attribute", "group"])
    for line in table.itertuples():
        gap = gaps.loc[(f"{line.metric}_difference", line.subject, line.attribute, line.group)]
        assert gap["status"] == "ok"


def test_strata_stress_and_a_second_teacher(pair):
    tree, _, train, (test, y) = pair

    class Again(Rule):
        def predict_proba(self, X):
            P = super().predict_proba(X)
            flipped = np.arange(len(X)) % 20 == 0
            P[flipped] = P[flipped, ::-1]
            return P

    record = xd.audit(
        Rule(), {"tree": tree}, test, y, sensitive=["sex"], favorable="approved", strata="education",
        stress=train[0].head(50), second_teacher=Again(),
    )  # fmt: skip
    table = record.frames["fidelity"]
    assert pick(table, metric="agreement", subset="what-if rows of the caller").iloc[0]["n"] == 50
    assert pick(table, metric="agreement", subset="stressed rows (columns shuffled apart)").iloc[0]["n"] == 2000
    ceiling = pick(table, metric="agreement", subject="second teacher").iloc[0]["estimate"]
    assert ceiling == pytest.approx(0.95)
    own = pick(table, metric="agreement", subject="tree", subset="").iloc[0]["estimate"]
    gap = pick(table, metric="agreement_over_ceiling").iloc[0]
    assert gap["estimate"] == pytest.approx(own - ceiling)
    assert gap["low"] < gap["estimate"] < gap["high"]
    odds = pick(record.frames["strata"], subject="teacher", metric="stratified_odds_ratio").iloc[0]
    assert odds["high"] < 1
    assert odds["p_value"] < 1e-6
    assert "second teacher" not in set(record.frames["verdicts"]["subject"])


def test_unknown_people_are_bounded(pair):
    tree, _, _, (test, y) = pair
    who = test[["sex"]].copy()
    who.iloc[::10] = None
    record = xd.audit(Rule(), tree, test, y, sensitive=who, favorable="approved")
    bounds = pick(record.frames["missing_bounds"], subject="teacher", metric="selection_rate_ratio").iloc[0]
    assert bounds["n_unknown"] == 300
    assert bounds["low"] < bounds["estimate"] < bounds["high"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strata": "office"}, "strata names 'office', the columns are"),
        ({"strata": [1, 2]}, "strata must have one entry per row of X, 3000"),
        ({"stress": pd.DataFrame({"a": [1]})}, "stress must have the columns of X"),
        ({"second_teacher": RandomForestClassifier().fit([[0], [1]], [0, 1])}, "second_teacher must have the teacher"),
    ],
)
def test_bad_extra_arguments(pair, changes, message):
    tree, _, _, (test, y) = pair
    with pytest.raises(InvalidInputError, match=message):
        xd.audit(Rule(), tree, test, y, **changes)


def test_a_recorded_teacher_cannot_be_asked_anew(pair):
    tree, _, _, (test, y) = pair
    P = pd.DataFrame(Rule().predict_proba(test), columns=Rule.classes_)
    record = xd.audit((test, P), tree, test, y, sensitive=["sex"], favorable="approved")
    assert pick(record.frames["flips"], subject="teacher").iloc[0]["status"] == "undefined"
    stressed = pick(record.frames["fidelity"], subset="stressed rows (columns shuffled apart)")
    assert set(stressed["status"]) == {"undefined"}


def test_a_rule_set_does_its_arithmetic_and_lists_what_is_missing(pair, lending):
    tree, _, train, (test, y) = pair
    asked = {"sensitive": list(lending.sensitive), "favorable": "approved", "train": train, "date": "2026-11-25"}
    said = {"data_source": "synthetic", "exclusion_justification": "too few"}
    record = xd.audit(Rule(), {"tree": tree}, test, y, profile="nyc-ll144@2023-07", statements=said, **asked)
    assert record.manifest["profile"]["id"] == "nyc-ll144@2023-07"
    assert record.manifest["statements"]["data_source"] == "synthetic"
    rates = pick(record.frames["profile"], subject="teacher", attribute="sex")
    women = pick(rates, metric="selection_rate_impact_ratio", group="female").iloc[0]
    chosen = Rule().predict(test) == "approved"
    of = {sex: chosen[test["sex"] == sex].mean() for sex in ("female", "male")}
    assert women["estimate"] == pytest.approx(of["female"] / of["male"])
    assert {"selection_rate", "scoring_rate", "unknown_share"} <= set(rates["metric"])
    needs = record.frames["profile_requirements"].set_index("key")["state"]
    assert needs[["date", "data_source", "profile"]].tolist() == ["given"] * 3
    assert needs["auditor"] == "not given"
    page = render(record, "html")
    assert "status may have changed" in page
    assert "complian" not in page.lower()


def test_rule_sets_by_name_and_statements_in_words(pair):
    tree, _, _, (test, y) = pair
    with pytest.raises(InvalidInputError, match=r"profile must be one of .*nyc-ll144@2023-07, got 'gdpr'"):
        xd.audit(Rule(), tree, test, y, profile="gdpr")
    with pytest.raises(InvalidInputError, match="statements must be texts, auditor is int"):
        xd.audit(Rule(), tree, test, y, statements={"auditor": 3})
    record = xd.audit(Rule(), tree, test, y, profile="four-fifths")
    assert record.frames["profile"]["reason"].tolist() == ["no sensitive attributes were given"]


def test_the_teacher_is_checked(report):
    table = report.frames["teacher"].set_index("metric")
    assert table.loc["noise_flip", "estimate"] < 0.2
    assert "debt_ratio" in set(table.loc["missing_flip", "feature"]) or "income" in set(
        table.loc["missing_flip", "feature"]
    )
    assert table.loc["accuracy", "n"] == report.manifest["n_rows"]


def test_the_report_says_why_a_check_is_not_there(report):
    page = render(report, "html")
    for words in (
        "no strata were given", "Any pair of groups", "One family of tests", "Which columns give an attribute away",
        "Is it worth distilling?", "No rule set was named", "By rule of the student",
    ):  # fmt: skip
        assert words in page, words
