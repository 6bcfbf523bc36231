"""Verdicts become an exit code."""

import pandas as pd
import pytest

from explaindistill.cli.audit import _exit_code


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [(["pass"], 0), (["pass", "fail", "inconclusive"], 1), (["pass", "inconclusive"], 3), (["cannot say"], 3), ([], 3)],
)
def test_undecided_is_not_a_pass(verdicts, code):
    assert _exit_code(pd.DataFrame({"verdict": verdicts})) == code
