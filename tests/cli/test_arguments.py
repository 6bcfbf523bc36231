"""Words that are no command are refused in one line, with what was meant; every command has examples."""

import pytest

from explaindistill.cli import main
from explaindistill.cli.arguments import build_parser


@pytest.mark.parametrize("command", ["demo", "teach", "distill", "audit", "list", "doctor"])
def test_help_has_examples_and_exit_codes(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "examples:" in out
    assert "exit codes:" in out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["teach", "--data", "x.csv"],
        ["teach", "--data", "x", "--target", "y", "--out", "o", "--epochs", "0"],
        ["teach", "--data", "x", "--target", "y", "--out", "o", "--hidden", "8,x"],
        ["teach", "--data", "x", "--target", "y", "--out", "o", "--test-share", "1"],
        ["audit", "--teacher", "t", "--data", "x", "--target", "y", "--threshold", "2"],
        ["teach", "--data", "x", "--target", "y", "--out", "o", "--test-share", "half"],
    ],
)
def test_usage(words, capsys):
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args(words)
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("explaindistill")
    assert message.endswith("--help\n")
    assert message.count("\n") == 1


AUDIT = ["audit", "--teacher", "t", "--data", "x.csv", "--target", "y"]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["adit"], "audit"),
        (["lsit"], "list"),
        (["labels", "verfy", "a.db"], "verify"),
        ([*AUDIT, "--sensitve", "sex"], "--sensitive"),
        ([*AUDIT, "--sensitve=sex"], "--sensitive"),
        (["audit", "--daat", "x.csv"], "--data"),
        (["curve", "--tecaher", "t"], "--teacher"),
        (["labels", "export", "a.db", "--teachr", "f"], "--teacher"),
        ([*AUDIT, "--task", "clasification"], "classification"),
        (["distill", "--data", "x", "--techer-url", "http://h"], "--teacher-url"),
    ],
)
def test_what_was_meant_is_named(words, meant, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert f"; did you mean '{meant}'?; see explaindistill" in capsys.readouterr().err


def test_a_beginning_of_an_option_is_still_one(capsys):
    assert build_parser().parse_args([*AUDIT, "--sens", "sex"]).sensitive == ("sex",)
    with pytest.raises(SystemExit):
        build_parser().parse_args([*AUDIT, "--zzz"])
    assert "did you mean" not in capsys.readouterr().err


def test_curves_are_asked_for_along_all_columns_or_some():
    words = ["audit", "--teacher", "t", "--data", "d.csv", "--target", "y"]
    parse = build_parser().parse_args
    assert parse(words).dependence is False
    assert parse([*words, "--dependence"]).dependence is True
    assert parse([*words, "--dependence", "age,pay"]).dependence == ("age", "pay")
