"""Regions in which a student strays."""


def test_mistakes_are_told_in_words(report, pick):
    table = pick(report.frames["mistakes"], subject="tree")
    assert table["subset"].iloc[0] == ""
    assert len(table) > 1
