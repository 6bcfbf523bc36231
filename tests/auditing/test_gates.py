"""One policy behind Python, files and pytest: what passes, what fails, what stays open, and how it is said."""

import json
from pathlib import Path

import pytest

from explaindistill.auditing.gates import Policy, gate
from explaindistill.auditing.stored import read_audit
from explaindistill.errors import InvalidInputError

pytest_plugins = ["pytester"]
COLUMNS = ["metric", "subject", "attribute", "group", "subset", "n", "estimate", "low", "high", "status", "reason"]


def stored(*lines: tuple[str, str, float, float, float]) -> dict:
    rows = [[metric, subject, "", "", "", 900, e, low, high, "ok", ""] for metric, subject, e, low, high in lines]
    return {"format": "explaindistill-audit", "version": 1, "frames": {"fidelity": {"columns": COLUMNS, "rows": rows}}}


AUDIT = stored(
    ("agreement", "tree", 0.93, 0.91, 0.95), ("agreement", "gam", 0.97, 0.96, 0.98), ("kl", "tree", 0.1, None, None)
)


@pytest.mark.parametrize(
    ("rule", "verdict", "code"),
    [(">= 0.9", "pass", 0), (">= 0.96", "fail", 1), (">= 0.94", "inconclusive", 3), ("<= 0.5", "fail", 1)],
)
def test_the_worst_check_decides(rule, verdict, code):
    answer = gate(AUDIT, {"fidelity.agreement": rule})
    assert (answer.verdict, answer.exit_code) == (verdict, code)
    assert len(answer.frame) == 2


@pytest.mark.parametrize(("answer", "code"), [("pass", 0), ("fail", 1), ("inconclusive", 3)])
def test_the_policy_says_what_open_checks_count_as(answer, code):
    policy = Policy.parse(f'inconclusive = "{answer}"\ncannot_say = "pass"\n[rules]\n"fidelity.agreement" = ">= 0.94"')
    assert gate(AUDIT, policy).exit_code == code


def test_what_has_no_interval_cannot_be_said():
    answer = gate(AUDIT, {"fidelity.kl": "<= 0.2"})
    assert answer.exit_code == 3
    assert "cannot say: fidelity.kl <= 0.2: tree" in str(answer)


def test_words_name_every_check_that_did_not_pass_and_count_the_rest():
    words = str(gate(AUDIT, {"fidelity.agreement": ">= 0.96"})).splitlines()
    assert words[0] == "FAIL: fidelity.agreement >= 0.96: tree: 0.93 [0.91, 0.95] n=900"
    assert words[-1] == "fail: 1 fail, 1 pass"


def test_nested_tables_are_rules_too():
    assert Policy.parse('[rules.fidelity]\nagreement = ">= 0.9"').rules == {"fidelity.agreement": ">= 0.9"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rules", "the policy is not TOML"),
        ("", "the policy has no rules"),
        ("rules = 3", "rules must be a table of texts"),
        ("strict = true", "got also strict"),
        ('inconclusive = "maybe"\n[rules]\n"a.b" = "> 0"', "inconclusive must be one of pass, fail, inconclusive"),
        ('[rules]\n"a.b" = 0.9', "the rule of a.b must be a text such as '>= 0.9', got 0.9"),
    ],
)
def test_a_policy_that_cannot_be_read_says_why(text, message):
    with pytest.raises(InvalidInputError, match=message):
        Policy.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a.json is not JSON"),
        ("[]", "a.json is not an audit"),
        ('{"format": "explaindistill-audit"}', "version 1"),
    ],
)
def test_results_that_cannot_be_read_say_why(tmp_path: Path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidInputError, match=message):
        read_audit(tmp_path / "a.json")


def test_files_that_are_not_there_say_so(tmp_path: Path):
    with pytest.raises(InvalidInputError, match=r"gone\.json could not be read"):
        read_audit(tmp_path / "gone.json")
    with pytest.raises(InvalidInputError, match=r"gone\.toml could not be read"):
        gate(AUDIT, tmp_path / "gone.toml")


def test_pytest_runs_one_test_per_rule(pytester: pytest.Pytester):
    pytester.makefile(".json", audit=json.dumps(AUDIT))
    pytester.makefile(".toml", policy='[rules]\n"fidelity.agreement" = ">= 0.9"\n"fidelity.kl" = "<= 0.2"')
    plugin = ("-p", "no:cacheprovider")
    run = pytester.runpytest_inprocess(*plugin, "--audit=audit.json", "--audit-policy=policy.toml")
    run.assert_outcomes(passed=1, failed=1)
    run.stdout.fnmatch_lines(["*cannot say: fidelity.kl <= 0.2: tree*"])


def test_pytest_without_the_options_is_left_alone_and_wants_both(pytester: pytest.Pytester):
    plugin = ("-p", "no:cacheprovider")
    assert pytester.runpytest_inprocess(*plugin).ret == 5
    run = pytester.runpytest_inprocess(*plugin, "--audit=audit.json")
    assert run.ret == 4
    run.stderr.fnmatch_lines(["*belong together: give both*"])
    run = pytester.runpytest_inprocess(*plugin, "--audit=a.json", "--audit-policy=b.toml")
    assert run.ret == 4
    run.stderr.fnmatch_lines(["*b.toml could not be read*"])
