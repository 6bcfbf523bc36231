"""Limits of each rule's agreement hold for all rules at once."""

import numpy as np
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.rule_fidelity import rule_fidelity


def test_each_line_counts_its_rows_and_has_the_exact_limits_of_its_share_of_the_level():
    agrees = np.r_[np.ones(40), np.zeros(5), np.ones(9), np.zeros(1)].astype(bool)
    region = np.r_[np.full(45, 7), np.full(10, 3)]
    table = rule_fidelity(agrees, region, {3: "a", 7: "b", 9: "c"}, subject="tree").set_index("subset")
    level = 0.95 ** (1 / 2)
    for words, k, n in (("where a", 9, 10), ("where b", 40, 45)):
        limits = stats.binomtest(k, n).proportion_ci(level, method="exact")
        line = table.loc[words]
        assert (line["k"], line["n"], line["estimate"]) == (k, n, k / n)
        assert (line["low"], line["high"]) == (pytest.approx(limits.low), pytest.approx(limits.high))
    empty = table.loc["where c"]
    assert (empty["n"], empty["status"]) == (0, "undefined")
    assert np.isnan([empty["estimate"], empty["low"], empty["high"], empty["k"]]).all()


def test_all_limits_hold_together():
    rng = np.random.default_rng(0)
    shares = np.array([0.3, 0.25, 0.2, 0.1, 0.08, 0.05, 0.02])
    truth = np.array([0.99, 0.97, 0.9, 0.8, 0.95, 0.6, 0.5])
    rules = {i: str(i) for i in range(7)}
    held = 0
    for _ in range(120):
        region = rng.choice(7, 200, p=shares)
        table = rule_fidelity(rng.random(200) < truth[region], region, rules)
        seen = table["n"].to_numpy() > 0
        held += bool(((table["low"] <= truth) & (truth <= table["high"]))[seen].all())
    # of 95 % less two errors of 120 simulations; limits of 95 % each would hold together in about 80 %
    assert held / 120 >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / 120)


@pytest.mark.parametrize(
    ("agrees", "region", "level", "words"),
    [
        ([True], [1, 2], 0.95, "one entry per row"),
        ([True, True], [1, 5], 0.95, "rules must name every region, 5 missing"),
        ([True], [1], 1.0, "level must lie strictly between 0 and 1"),
    ],
)
def test_what_cannot_be_counted_is_refused(agrees, region, level, words):
    with pytest.raises(InvalidInputError, match=words):
        rule_fidelity(agrees, region, {1: "a", 2: "b"}, level=level)
