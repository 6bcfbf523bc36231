"""The check of the teacher."""


def test_the_teacher_is_checked(report):
    table = report.frames["teacher"].set_index("metric")
    assert table.loc["noise_flip", "estimate"] < 0.2
    assert "debt_ratio" in set(table.loc["missing_flip", "feature"]) or "income" in set(
        table.loc["missing_flip", "feature"]
    )
    assert table.loc["accuracy", "n"] == report.manifest["n_rows"]
