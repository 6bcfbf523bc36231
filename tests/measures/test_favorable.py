"""The decision that people want is named, found among the labels, or refused; never guessed."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import group_rates
from explaindistill.measures.favorable import class_typed, favorable_label
from explaindistill.measures.profile import profile_rates
from explaindistill.measures.strata import stratified_gaps
from explaindistill.measures.transfer import Decisions, transfer

WHO = pd.DataFrame({"sex": ["f", "m"] * 40})
MEASURES = {
    "rates": lambda d, f: group_rates(d, attributes=WHO, favorable=f),
    "profile": lambda d, f: profile_rates(d, attributes=WHO, favorable=f),
    "strata": lambda d, f: stratified_gaps(d, attributes=WHO, strata=["a"] * 80, favorable=f),
    "transfer": lambda d, f: transfer(Decisions(None, d, d), attributes=WHO, favorable=f),
}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("labels", "favorable", "nearest"),
    [(["1", "0"], 1, "'1'"), ([1, 0], "1", "1"), ([1.0, 0.0], "1", "1.0"), (["yes", "no"], "Yes", "'yes'"),
     ([True, False], "True", "True"), (["granted", "denied"], "grantd", "'granted'")],
)  # fmt: skip
def test_a_value_that_is_no_label_is_refused_with_the_nearest(measure, labels, favorable, nearest):
    with pytest.raises(InvalidInputError, match=f"favorable must be one of.*did you mean {nearest}") as raised:
        MEASURES[measure](labels * 40, favorable)
    assert all(repr(label) in str(raised.value) for label in labels)


@pytest.mark.parametrize("labels", [[1, 0], [1.0, 0.0], [True, False]])
@pytest.mark.parametrize("favorable", [1, 1.0, True, np.int64(1), np.float32(1), np.True_])
def test_equal_numbers_and_truths_are_one_label(labels, favorable):
    rates = group_rates(labels * 40, attributes=WHO, favorable=favorable)
    assert rates["estimate"].tolist() == [1.0, 0.0]


def test_nobody_said_which():
    for measure in MEASURES.values():
        with pytest.raises(InvalidInputError, match="say which decision people want, for instance favorable='yes'"):
            measure(["yes", "no"] * 40, None)


def test_a_decision_that_nobody_got_has_the_rate_0_where_the_classes_are_known():
    classes = pd.Categorical(["a", "b"] * 40, categories=["a", "b", "c"])
    assert group_rates(classes, attributes=WHO, favorable="c")["estimate"].tolist() == [0.0, 0.0]
    assert group_rates(["no"] * 80, attributes=WHO, favorable="yes")["estimate"].tolist() == [0.0, 0.0]
    with pytest.raises(InvalidInputError, match="with all classes"):
        group_rates(["a", "b"] * 40, attributes=WHO, favorable="c")
    with pytest.raises(InvalidInputError, match="favorable must be one of"):
        favorable_label(1, ["0", "0"])


@pytest.mark.parametrize(
    ("text", "classes", "meant"),
    [("1", [0.0, 1.0], 1.0), ("1.0", [0, 1], 1), ("1", ["0.0", "1.0"], "1.0"), ("true", [False, True], True),
     ("1", [False, True], True), ("1", ["1", "1.0"], "1"), (">50K", ["<=50K", ">50K"], ">50K")],
)  # fmt: skip
def test_what_was_typed_names_a_class(text, classes, meant):
    named = class_typed(text, np.array(classes))
    assert named == meant
    assert type(named) is type(meant)


def test_what_was_typed_and_is_none_gets_the_nearest():
    with pytest.raises(InvalidInputError, match="favorable must be one of good, bad, got 'Good'; did you mean good"):
        class_typed("Good", ["good", "bad"])


def test_one_label_only_is_spelt_as_the_labels_are():
    for favorable, labels, kind in ((1, [True, True], bool), (1.0, [1, 1], int), (True, [1.0, 1.0], float)):
        found = favorable_label(favorable, np.array(labels))
        assert found == 1
        assert type(found) is kind
    assert favorable_label("yes", ["no", "no"]) == "yes"
    with pytest.raises(InvalidInputError, match=r"if nobody got it, give the decisions as pandas\.Categorical"):
        favorable_label("1", np.array([1, 1]))
