"""The teacher's mean answer in cells."""

import pytest


def test_cells_hold_enough_rows_and_the_teacher_s_mean(report, pair, Rule, pick):
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
