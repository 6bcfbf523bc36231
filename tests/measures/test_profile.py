"""The arithmetic of rule sets, by hand, and the rule sets themselves."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.auditing.profiles.loading import FOLDER, load_profile, profile_names
from explaindistill.errors import InvalidInputError
from explaindistill.measures.profile import ProfileArithmetic, profile_rates
from explaindistill.numerics.statistics.hypotheses import fisher
from explaindistill.numerics.statistics.score_limits import score_ratio

SEX = ["f"] * 400 + ["m"] * 500 + ["x"] * 10 + [None] * 90
D = np.r_[np.ones(100), np.zeros(300), np.ones(250), np.zeros(250), np.ones(9), np.zeros(1), np.ones(45), np.zeros(45)]


def rates(justification="", bound=np.nan):
    arithmetic = ProfileArithmetic(smallest_share=0.02, bound=bound)
    attributes = pd.DataFrame({"sex": SEX})
    return profile_rates(D, arithmetic, attributes=attributes, favorable=1, justification=justification)


def at(found, metric, group=""):
    chosen = found[(found["metric"] == metric) & (found["group"] == group)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_the_reference_is_the_most_selected_category():
    found = rates()
    assert at(found, "selection_rate_impact_ratio", "m")["reference"] == "x"  # nobody gave a reason to leave x out
    assert at(found, "selection_rate_impact_ratio", "x")["estimate"] == 1
    assert "may be left out" in at(found, "selection_rate", "x")["reason"]


def test_a_category_below_two_percent_is_left_out_with_a_stated_reason_and_still_counted():
    found = rates(justification="ten people")
    small = at(found, "selection_rate", "x")
    assert (small["status"], small["n"], small["k"], small["estimate"]) == ("excluded", 10, 9, 0.9)
    assert small["reason"].endswith("Stated reason: ten people")
    assert np.isnan(at(found, "selection_rate_impact_ratio", "x")["estimate"])
    ratio = at(found, "selection_rate_impact_ratio", "f")
    assert (ratio["reference"], ratio["estimate"]) == ("m", 0.5)
    assert [ratio["low"], ratio["high"]] == [pytest.approx(float(x)) for x in score_ratio(100, 400, 250, 500)]
    assert ratio["p_value"] == pytest.approx(fisher(100, 400, 250, 500))


def test_unknown_people_are_counted_and_compared_with_nobody():
    found = rates()
    unknown = at(found, "unknown_share")
    assert (unknown["k"], unknown["n"], unknown["estimate"]) == (90, 1000, 0.09)
    assert unknown[["subject", "attribute", "method"]].tolist() == [*found[["subject", "attribute"]].iloc[0], "count"]
    assert unknown["subject"]
    assert not found["group"].str.contains("missing").any()
    assert at(found, "selection_rate", "f")["share"] == 0.4


def test_scoring_rate_counts_strictly_above_the_median_and_tells_ties():
    score = np.r_[np.zeros(3), np.full(4, 0.5), np.ones(3)]
    who = pd.DataFrame({"sex": list("ffffmmmmff")})
    found = profile_rates(
        score > 0.6, ProfileArithmetic(rates=["scoring_rate"]), attributes=who, favorable=True, score=score
    )
    assert at(found, "scoring_rate", "f")["estimate"] == pytest.approx(2 / 6)
    assert at(found, "scoring_rate", "m")["estimate"] == pytest.approx(1 / 4)
    assert at(found, "scoring_rate_impact_ratio", "m")["estimate"] == pytest.approx(0.75)
    ties = at(found, "scoring_tie_share")
    assert (ties["estimate"], ties["reason"]) == (0.4, "the median score is about 0.5")


def test_the_four_fifths_bound_has_three_answers():
    found = rates(justification="ten people", bound=0.8)
    assert at(found, "selection_rate_impact_ratio", "f")["verdict"] == "fail"
    assert at(found, "selection_rate_impact_ratio", "m")["verdict"] == ""
    assert not (rates()["verdict"] != "").any()


def test_nobody_selected_and_crossed_categories():
    who = pd.DataFrame({"sex": ["f", "m"] * 50, "race": ["a"] * 50 + ["b"] * 50})
    none = profile_rates(np.zeros(100), attributes=who[["sex"]], favorable=1)
    assert set(none[none["metric"].str.endswith("impact_ratio")]["status"]) == {"undefined"}
    d = np.tile([1, 0], 50)
    assert "sex × race" in set(profile_rates(d, attributes=who, favorable=1)["attribute"])
    assert "sex × race" not in set(
        profile_rates(d, ProfileArithmetic(crossed=False), attributes=who, favorable=1)["attribute"]
    )
    assert set(profile_rates(d, ProfileArithmetic(reference=""), attributes=who, favorable=1)["metric"]) == {
        "selection_rate",
        "unknown_share",
    }
    with pytest.raises(InvalidInputError, match=r"rates must be among .*, got nonsense"):
        profile_rates(d, ProfileArithmetic(rates=["nonsense"]), attributes=who, favorable=1)


@pytest.mark.parametrize("name", profile_names())
def test_every_rule_set_says_what_it_is_and_from_when(name):
    profile = load_profile(name)
    assert profile.status.endswith("status may have changed")
    assert all(profile.provenance().values())
    for day in (profile.dated, profile.retrieved):
        pd.Timestamp(day)
    assert profile.url.startswith("https://")
    arithmetic = ProfileArithmetic(**profile.arithmetic)
    assert len(profile_rates(D, arithmetic, attributes=pd.DataFrame({"sex": SEX}), favorable=1))


def test_names_and_messages():
    assert profile_names() == ["eu-ai-act-annex-iv@2024-1689", "four-fifths@1978", "nyc-ll144@2023-07"]
    assert load_profile("nyc-ll144").id == "nyc-ll144@2023-07"
    with pytest.raises(InvalidInputError, match=r"profile must be one of .*four-fifths@1978.*, got 'gdpr'"):
        load_profile("gdpr")


def test_no_rule_set_promises_anything():
    for path in FOLDER.glob("*.toml"):
        assert "complian" not in path.read_text("utf-8").lower()
