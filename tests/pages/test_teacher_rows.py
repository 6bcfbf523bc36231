"""The table of teachers: each row that needs no optional package, and that none is left out."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from pages.teacher_rows import CASES, ELSEWHERE, check, rows_on_the_page


def test_every_row_of_the_table_is_run():
    assert set(rows_on_the_page()) == {*CASES, *ELSEWHERE}


@pytest.mark.parametrize("label", CASES)
def test_the_code_of_the_row_answers_as_the_model_does(label, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        cases = CASES[label]()
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is in the environment of make docs-test only")
    assert max(check(case, rows_on_the_page()[label][0]) for case in cases) <= 1e-6
