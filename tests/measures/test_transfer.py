"""Transfer of a gap: truths, the paired interval's twin, its advantage, every verdict."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.transfer import VERDICTS, Decisions, transfer
from explaindistill.numerics.statistics.score_limits import score_difference

WHO = pd.DataFrame({"sex": np.repeat(["f", "m"], 300)})

AGAINST_MEN = GroupOptions(reference={"sex": "m"})


def chosen(*rates):
    return np.concatenate([np.arange(300) < round(300 * r) for r in rates]).astype(int)


def judged(teacher, student, level=0.95, **more):
    options = replace(AGAINST_MEN, level=level)
    found = transfer(Decisions(None, teacher, student), attributes=WHO, favorable=1, options=options, **more)
    return found.set_index("metric").loc["transfer"]


@pytest.mark.parametrize(
    ("teacher", "student", "verdict"),
    [
        ((0.2, 0.5), (0.2, 0.5), "inherited"),
        ((0.2, 0.5), (0.3, 0.5), "reduced"),
        ((0.5, 0.2), (0.4, 0.2), "reduced"),
        ((0.2, 0.5), (0.21, 0.5), "inherited"),
        ((0.5, 0.2), (0.2, 0.5), "reversed"),
        ((0.2, 0.5), (0.5, 0.5), "cannot say"),
        ((0.4, 0.5), (0.1, 0.5), "amplified"),
        ((0.5, 0.5), (0.2, 0.5), "amplified"),
        ((0.5, 0.5), (0.5, 0.5), "cannot say"),
        ((0.5, 0.2), (0.5, 0.2), "inherited"),
        ((0.42, 0.5), (0.43, 0.5), "cannot say"),
    ],
)
def test_verdicts(teacher, student, verdict):
    found = judged(chosen(*teacher), chosen(*student))
    assert found["verdict"] == verdict
    assert found["verdict"] in VERDICTS
    assert bool(found["reason"]) == (verdict == "cannot say")


@pytest.mark.parametrize(
    ("teacher", "student", "right"),
    [((0.3, 0.5), (0.4, 0.5), "reduced"), ((0.3, 0.5), (0.46, 0.5), "reduced"), ((0.3, 0.5), (0.27, 0.5), "amplified")],
    ids=["half is left", "four points are left", "three points more"],
)
def test_words_that_claim_sameness_are_not_said_of_what_differs(teacher, student, right):
    """Of 300 and 300 people; a student that keeps half of the gap was called "hidden" in 53 of 100 samples."""
    rng, wrong, runs = np.random.default_rng(11), 0, 12
    for _ in range(runs):
        u, women = rng.random(600), np.arange(600) < 300
        sides = [np.where(women, u < rates[0], u < rates[1]) for rates in (teacher, student)]
        found = transfer(Decisions(None, *sides), attributes=WHO, favorable=True, options=AGAINST_MEN)
        wrong += found.set_index("metric").loc["transfer", "verdict"] not in {right, "cannot say"}
    assert wrong <= 1


def test_hidden_is_said_where_the_rows_show_it_and_a_flipped_sign_is_reversed():
    who = pd.DataFrame({"sex": np.repeat(["f", "m"], 6000)})

    def verdict(teacher, student, **more):
        sides = [np.concatenate([np.arange(6000) < 6000 * r for r in rates]) for rates in (teacher, student)]
        found = transfer(Decisions(None, *sides), attributes=who, favorable=True, options=AGAINST_MEN, **more)
        return found.set_index("metric").loc["transfer", "verdict"]

    assert verdict((0.3, 0.5), (0.5, 0.5)) == "hidden"
    assert verdict((0.3, 0.5), (0.5, 0.5), margin=0.01) == "cannot say"
    assert verdict((0.3, 0.5), (0.6, 0.5)) == "reversed"
    assert verdict((0.44, 0.5), (0.47, 0.5), margin=0.9) == "reduced"
    with pytest.raises(InvalidInputError, match="margin must lie strictly between 0 and 1"):
        verdict((0.3, 0.5), (0.5, 0.5), margin=5)


def test_verdicts_ask_more_than_the_limits_that_are_shown():
    """The student's gap of 8.2 points excludes 0 at 95 % and not at 99.2 %: no sign is claimed."""
    found = transfer(
        Decisions(None, chosen(0.5, 0.5), chosen(0.418, 0.5)),
        attributes=WHO,
        favorable=1,
        options=AGAINST_MEN,
    )
    gap = found[(found["metric"] == "selection_rate_difference") & (found["subject"] == "student")].iloc[0]
    assert gap["high"] < 0
    low, high = score_difference(125, 300, 150, 300, 1 - 0.05 / 6)
    assert low < 0 < high
    shift = found.set_index("metric").loc["transfer"]
    assert shift["high"] < 0
    assert shift["verdict"] == "cannot say"
    loose = judged(chosen(0.5, 0.5), chosen(0.418, 0.5), level=0.6)
    assert loose["verdict"] == "amplified"


def test_the_shift_by_hand_and_its_interval_by_the_formula():
    teacher, student = chosen(0.4, 0.5), chosen(0.4, 0.5)
    student[:20] = 0
    student[150:155] = 1
    found = judged(teacher, student)
    assert found["estimate"] == pytest.approx((5 - 20) / 300)
    z = stats.norm.ppf(0.975)

    def paired(gained, lost, n):
        p, q = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
        half = z * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
        return (gained - lost) / n, p - q - half, p - q + half

    (a, al, au), (b, bl, bu) = paired(5, 20, 300), paired(0, 0, 300)
    assert found["low"] == pytest.approx(a - b - np.hypot(a - al, bu - b))
    assert found["high"] == pytest.approx(a - b + np.hypot(au - a, b - bl))
    assert found["k"] == 25


def test_pairing_is_narrower_than_two_independent_gaps():
    teacher = chosen(0.3, 0.5)
    student = teacher.copy()
    student[::40] ^= 1
    found = transfer(Decisions(None, teacher, student), attributes=WHO, favorable=1, options=AGAINST_MEN)
    gaps = found[found["metric"] == "selection_rate_difference"]
    width = np.hypot(*(gaps["high"] - gaps["low"]))
    shift = found[found["metric"] == "transfer"].iloc[0]
    assert shift["high"] - shift["low"] < 0.5 * width


def test_all_four_in_one_table():
    labels, teacher = chosen(0.4, 0.5), chosen(0.3, 0.5)
    found = transfer(
        Decisions(labels, teacher, teacher, labels),
        attributes=WHO,
        favorable=1,
        subject="tree",
        options=AGAINST_MEN,
    )
    gaps = found[found["metric"] == "selection_rate_difference"].set_index("subject")["estimate"]
    assert gaps.round(6).to_dict() == {"labels": -0.1, "teacher": -0.2, "tree": -0.2, "tree without teacher": -0.1}
    shifts = found.set_index("metric")["estimate"]
    assert shifts["transfer"] == 0
    assert shifts["transfer_from_labels"] == pytest.approx(-0.1)
    assert shifts["transfer_from_baseline"] == pytest.approx(-0.1)
    assert found.loc[found["metric"] != "transfer", "verdict"].eq("").all()


def test_missing_labels_and_strings():
    labels = pd.Series(np.where(chosen(0.4, 0.5) == 1, "yes", "no"), dtype=object)
    labels[::2] = None
    teacher = np.where(chosen(0.3, 0.5) == 1, "yes", "no")
    found = transfer(Decisions(labels, teacher, teacher), attributes=WHO, favorable="yes").set_index("metric")
    assert found.loc["transfer_from_labels", "n"] == 150
    assert found.loc["transfer", "n"] == 300


def test_intersections_share_one_reference_per_attribute():
    who = WHO.assign(old=np.tile(["y", "n", "n"], 200))
    found = transfer(Decisions(None, chosen(0.3, 0.5), chosen(0.3, 0.4)), attributes=who, favorable=1)
    assert set(found["attribute"]) == {"sex", "old", "sex × old"}
    assert (found.groupby("attribute")["reference"].nunique() == 1).all()


def test_small_groups_and_single_groups():
    who = pd.DataFrame({"sex": ["f"] * 5 + ["m"] * 595})
    found = transfer(Decisions(None, chosen(0.3, 0.5), chosen(0.3, 0.5)), attributes=who, favorable=1).set_index(
        "metric"
    )
    assert found.loc["transfer", "status"] == "small"
    alone = transfer(Decisions(None, [1, 0], [1, 1]), attributes=pd.DataFrame({"sex": ["f", "f"]}), favorable=1)
    assert len(alone) == 0


def test_a_group_whose_labels_are_all_missing():
    labels = np.r_[np.full(300, np.nan), np.ones(300)]
    found = transfer(
        Decisions(labels, chosen(0.3, 0.5), chosen(0.3, 0.5)),
        attributes=WHO,
        favorable=1,
        options=AGAINST_MEN,
    )
    row = found.set_index("metric").loc["transfer_from_labels"]
    assert row[["n", "status"]].tolist() == [0, "undefined"]
    labels = labels[::-1]
    found = transfer(
        Decisions(labels, chosen(0.3, 0.5), chosen(0.3, 0.5)),
        attributes=WHO,
        favorable=1,
        options=AGAINST_MEN,
    )
    assert "labels" not in set(found["subject"])


def test_coverage_from_a_hundred_per_group():
    """Student flips 6 % of f and 2 % of m towards refusal: the interval holds the true shift."""
    rng, hits, runs = np.random.default_rng(7), 0, 50
    who = pd.DataFrame({"sex": np.repeat(["f", "m"], 100)})
    for _ in range(runs):
        teacher = rng.random(200) < 0.5
        lost = rng.random(200) < np.repeat([0.12, 0.04], 100)
        found = transfer(
            Decisions(None, teacher, teacher & ~lost),
            attributes=who,
            favorable=True,
            options=AGAINST_MEN,
        )
        shift = found.set_index("metric").loc["transfer"]
        hits += shift["low"] <= -0.04 <= shift["high"]
    assert hits / runs > 0.85


def test_weights_and_clusters_go_through():
    teacher, student = chosen(0.3, 0.5), chosen(0.4, 0.5)
    plain, doubled = judged(teacher, student), judged(teacher, student, sample_weight=np.full(600, 2.0))
    assert doubled["estimate"] == plain["estimate"]
    wide = judged(teacher, student, clusters=np.arange(600) // 10)
    assert wide["high"] - wide["low"] > plain["high"] - plain["low"]


def test_messages():
    with pytest.raises(InvalidInputError, match="student must have one decision per row: 2, got 1"):
        transfer(Decisions(None, [1, 0], [1]), attributes=WHO[:2], favorable=1)
    with pytest.raises(InvalidInputError, match="subject must be a student's name"):
        transfer(Decisions(None, [1, 0], [1, 0]), attributes=WHO[:2], favorable=1, subject="teacher")
