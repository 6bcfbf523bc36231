"""What follows from one table is computed once where nobody changes tables, and anew elsewhere."""

import pandas as pd

from explaindistill.measures.groups import groupings
from explaindistill.measures.once import once, unchanged_tables
from explaindistill.measures.suppression import hidden_groups

WHO = pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 35 + ["x"] * 5, "old": [True, False] * 50})


def test_a_changed_table_is_read_again_outside():
    who = WHO.copy()
    before = groupings(who)[0].names
    who["sex"] = "n"
    assert before == ("f", "m", "x")
    assert groupings(who)[0].names == ("n",)


def test_inside_the_same_table_gives_the_same_groups_and_another_one_its_own():
    other = WHO.iloc[:60]
    with unchanged_tables():
        first, again = groupings(WHO), groupings(WHO)
        assert first[0] is again[0]
        assert first is not again, "a list of one's own: who adds to it changes no other"
        assert [g.attribute for g in groupings(WHO, False)] == ["sex", "old"]
        assert [g.attribute for g in groupings(WHO, 1)] == ["sex", "old"]
        assert len(groupings(WHO, True)) == 3
        assert groupings(other)[0].names == ("f",)
        hidden = hidden_groups(WHO, 10)
        hidden.clear()
        assert ("sex", "x") in hidden_groups(WHO, 10)
        assert ("old", "True") in hidden_groups(WHO, 10, {("old", "True"): 3}) - hidden_groups(WHO, 10)
    assert groupings(WHO)[0] is not first[0]


def test_tables_that_come_and_go_are_not_mistaken_for_each_other():
    with unchanged_tables():
        lengths = [once(table := pd.DataFrame({"a": range(n)}), "rows", lambda t=table: len(t)) for n in range(1, 50)]
    assert lengths == list(range(1, 50))
