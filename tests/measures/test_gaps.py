"""Gaps of groups: all at once as one by one."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from explaindistill.measures.bias import group_means_frame, group_rates
from explaindistill.measures.gaps import group_gaps


@pytest.mark.parametrize("clusters", [None, 3, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_gaps_of_many_groups_are_those_of_each_pair_alone(clusters, weighted):
    rng = np.random.default_rng(0)
    n = 600
    shared = {
        "attributes": pd.DataFrame({"sex": rng.choice(["f", "m"], n), "race": rng.choice(list("abcd"), n)}),
        "clusters": None if clusters is None else rng.integers(0, clusters, n),
        "sample_weight": rng.random(n) if weighted else None,
    }
    decision = rng.choice(["yes", "no"], n, p=[0.2, 0.8])
    for rates in (
        group_rates(decision, favorable="yes", y=rng.choice(["yes", "no"], n), **shared),
        group_means_frame(rng.normal(size=n), y=rng.normal(size=n), **shared),
    ):
        reference = {"sex": "m", "race": "a", "sex × race": "m × a"}
        together = group_gaps(rates, reference)
        alone = []
        for (_, _, attribute), table in rates.groupby(["metric", "subject", "attribute"], sort=False):
            of_reference = table[table["group"] == reference[attribute]]
            for place in table.index.difference(of_reference.index, sort=False):
                alone.append(group_gaps(pd.concat([table.loc[[place]], of_reference]), reference))
        assert_frame_equal(together, pd.concat(alone, ignore_index=True), rtol=1e-12)


def test_the_group_s_own_reason_is_said_before_the_reference_s():
    decision = ["yes"] * 5 + ["no"] * 8
    who = pd.DataFrame({"sex": ["f"] * 5 + ["m"] * 8})
    gaps = group_gaps(group_rates(decision, attributes=who, favorable="yes", y=["no"] * 13)).set_index("metric")
    assert gaps.loc["selection_rate_difference", "reason"] == "f has 5 rows, m has 8 rows, fewer than 30"
    assert gaps.loc["true_positive_rate_difference", "status"] == "undefined"
    assert gaps.loc["true_positive_rate_difference", "reason"].startswith("f: no rows whose true label is favourable")
    assert gaps.loc["selection_rate_ratio", "reason"] == "the rate of the reference group m is 0"
