"""The command line: what it writes, what it returns, and one message for every mistake."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from explaindistill import plugins
from explaindistill.cli import main
from explaindistill.cli.about import save_command, typed_command
from explaindistill.cli.students import make_students
from explaindistill.data.datasets import lending

VIEWS = ["audit.html", "audit.json", "audit.md", "command.sh"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with loans.csv, and a teacher trained on it through the command line."""
    folder = tmp_path_factory.mktemp("work")
    lending(1_500).frame.to_csv(folder / "loans.csv", index=False)
    assert main(["teach", *data(folder), "--out", str(folder / "teacher"), "--hidden", "16", "--epochs", "20"]) == 0
    return folder


def data(folder, name="loans.csv", target="decision"):
    return ["--data", str(folder / name), "--target", target]


def audit_words(work, *more):
    return ["audit", "--teacher", str(work / "teacher"), *data(work), "--n-queries", "1500", *more]


def test_teach_writes_a_folder_that_loads_without_code(work, capsys):
    assert sorted(p.name for p in (work / "teacher").iterdir()) == ["teacher.json", "teaching.json", "weights.npz"]
    note = json.loads((work / "teacher" / "teaching.json").read_text())
    assert note["target"] == "decision"
    assert 0.5 < note["accuracy"] < 1


def test_teach_on_numbers(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] * 2}).to_csv(tmp_path / "n.csv", index=False)
    assert main(["teach", *data(tmp_path, "n.csv", "y"), "--out", str(tmp_path / "t"), "--epochs", "15"]) == 0
    assert "R2" in json.loads((tmp_path / "t" / "teaching.json").read_text())
    assert "R2 0." in capsys.readouterr().out


def test_distill_writes_the_student(work, tmp_path, capsys):
    words = ["distill", "--teacher", str(work / "teacher"), *data(work), "--n-queries", "1000"]
    assert main([*words, "--set", "tree.max_leaf_nodes=4", "--out", str(tmp_path / "s")]) == 0
    out = capsys.readouterr().out
    assert "agreement with the teacher 0." in out
    assert "1,450 rows asked: fit 1,000, held-out 450" in out
    form = json.loads((tmp_path / "s" / "student.json").read_text())
    student = next(iter(make_students(["tree"], "classification", [], 0).values())).from_dict(form)
    assert student.complexity().n_leaves <= 4
    assert (tmp_path / "s" / "student.txt").read_text().rstrip("\n") == student.describe()


def test_a_store_saves_questions(work, tmp_path, capsys):
    words = ["distill", "--teacher", str(work / "teacher"), *data(work), "--n-queries", "1000"]
    words += ["--store", str(tmp_path / "labels.db")]
    assert main([*words, "--student", "tree", "--out", str(tmp_path / "one")]) == 0
    assert "1,450 rows asked: fit 1,000, held-out 450; 0 known to the store while fitting" in capsys.readouterr().out
    assert main([*words, "--student", "linear", "--out", str(tmp_path / "two")]) == 0
    assert "0 rows asked; 1,000 known to the store while fitting" in capsys.readouterr().out
    (tmp_path / "foreign.db").write_text("a,b")
    words[-1] = str(tmp_path / "foreign.db")
    assert main([*words, "--out", str(tmp_path / "three")]) == 2
    assert "is not a label store" in capsys.readouterr().err
    assert (tmp_path / "foreign.db").read_text() == "a,b"
    assert not (tmp_path / "three").exists()


def test_audit_writes_three_views(work, tmp_path, capsys):
    words = audit_words(work, "--sensitive", "sex,age_band", "--favorable", "approved", "--student", "tree,linear")
    assert main([*words, "--out", str(tmp_path / "audit"), "--date", "2026-01-31"]) == 0
    out = capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "audit").iterdir()) == [*VIEWS, "students"]
    assert sorted(p.name for p in (tmp_path / "audit" / "students").iterdir()) == ["linear.json", "tree.json"]
    form = json.loads((tmp_path / "audit" / "students" / "tree.json").read_text())
    tree = make_students(["tree"], "classification", [], 0)["tree"].from_dict(form)
    assert f"{tree.complexity().n_leaves} leaves" in out
    assert "2026-01-31" in (tmp_path / "audit" / "audit.md").read_text()
    assert "leaves" in out
    assert "audit.html" in out


@pytest.mark.parametrize(
    ("rule", "code"),
    [("fidelity.agreement >= 0.2", 0), ("fidelity.agreement >= 0.9999", 1)],
)
def test_requirements_decide_the_exit_code(work, tmp_path, rule, code):
    assert main(audit_words(work, "--student", "tree", "--require", rule, "--out", str(tmp_path / "a"))) == code


def test_demo_quick(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--quick"]) == 0
    assert sorted(p.name for p in (tmp_path / "audit").iterdir()) == [*VIEWS, "students"]
    shown = capsys.readouterr().out
    assert "it was planted" in shown
    assert "students that competed" in shown
    audit = json.loads((tmp_path / "audit" / "audit.json").read_text("utf-8"))
    verdicts = pd.DataFrame(audit["frames"]["verdicts"]["rows"], columns=audit["frames"]["verdicts"]["columns"])
    own_check = verdicts[(verdicts["subject"] == "best") & (verdicts["rule"] == "fidelity.agreement >= 0.9")]
    assert own_check["verdict"].tolist() == ["pass"]
    page = tmp_path / "audit" / "audit.html"
    before = page.read_bytes()
    assert "audit/audit.html and 7 more would be overwritten" in refused(capsys, ["demo", "--quick"])
    assert page.read_bytes() == before
    page.write_text("an older page", encoding="utf-8")
    assert main(["demo", "--quick", "--force"]) == 0
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_the_command_that_made_an_audit_makes_it_again(work, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(work)
    out = tmp_path / "an audit"
    words = ["audit", "--teacher", "teacher", "--data", "loans.csv", "--target", "decision", "--n-queries", "600"]
    words += ["--student", "tree,linear", "--sensitive", "sex", "--favorable", "approved", "--out", str(out), "--force"]
    words += ["--title", "Who gets a loan; and who's not"]
    assert main(words) == 0
    before = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    script = (out / "command.sh").read_text("utf-8").splitlines()
    assert script[0] == "#!/bin/sh"
    name, *again = shlex.split(script[-1].removeprefix("exec ").removesuffix(' "$@"'))
    assert name == "explaindistill"
    assert "--force" not in again
    assert "would be overwritten" in refused(capsys, again)
    assert main([*again, "--force"]) == 0
    after = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert before.keys() == after.keys()
    assert min(len(timeless(name, before[name])) for name in before) > 2
    assert [str(name) for name in before if timeless(name, before[name]) != timeless(name, after[name])] == []


MEASURED = re.compile(rb"^.*(Time of|Processor time|Peak memory|Energy).*$", flags=re.MULTILINE)


def timeless(name, content):
    """All but what fitting took, which no two runs share: seconds and memory, in the frame of costs."""
    if name.suffix == ".json" and name.stem == "audit":
        audit = json.loads(content)
        assert audit["frames"].pop("cost")["rows"]
        return audit
    if name.suffix == ".html":
        return re.findall(rb'id="[^"]*"', content)  # what there is on the page; its figures are those of the JSON
    return MEASURED.sub(b"", content) if name.suffix == ".md" else content


def test_the_saved_command_holds_no_secret(tmp_path):
    save_command(["audit", "--teacher-url", "https://me:pw@host/v1?key=1", "--token-env", "TOKEN", "--force"], tmp_path)
    script = (tmp_path / "command.sh").read_text("utf-8")
    assert 'exec explaindistill audit --teacher-url https://host/v1 --token-env TOKEN "$@"' in script
    save_command(["audit", "--teacher-url=https://me:pw@host/v1?key=1", "--data", "a folder/b.csv"], tmp_path)
    script = (tmp_path / "command.sh").read_text("utf-8")
    assert "exec explaindistill audit --teacher-url=https://host/v1 --data 'a folder/b.csv' \"$@\"" in script


@pytest.mark.parametrize(
    ("typed", "saved"),
    [
        ("see https://me:pw@host/t?key=1", "see https://host/t"),  # an address within a text
        ("Licence, https://Acme.com:terms/t", "Licence, https://Acme.com:terms/t"),  # no port, and no error
        ("Is [http://[a {row}] good?", "Is [http://[a {row}] good?"),
        ("http://me:p@w@[::1]:8080/v1#key", "http://[::1]:8080/v1"),
        ("$(touch x) 'a'\n\"b\".csv", "$(touch x) 'a'\n\"b\".csv"),
        ("lo\udce4ns.csv", "lo\udce4ns.csv"),  # a name of a file that is not UTF-8
    ],
)
def test_the_saved_command_is_what_was_typed_without_secrets(tmp_path, typed, saved):
    save_command(["audit", "--terms", typed, "--forc"], tmp_path)
    script = os.fsdecode((tmp_path / "command.sh").read_bytes())
    line = script[script.index("\nexec ") + len("\nexec ") :]
    assert shlex.split(line) == ["explaindistill", "audit", "--terms", saved, "$@"]
    assert "pw" not in script
    typed_command(["audit", "--data", typed]).encode()  # fit for a report


def test_the_command_in_a_report_cuts_files_and_no_texts():
    words = ["audit", "--terms", "GPL/MIT", "--title=debt / income", "--data", "/home/ada/a.csv", "--store=/s/b.db"]
    assert (
        typed_command(words) == "explaindistill audit --terms GPL/MIT '--title=debt / income' --data a.csv --store=b.db"
    )


def refused(capsys, words):
    """Run a command that must be refused; return the one message."""
    assert main([str(w) for w in words]) == 2
    seen = capsys.readouterr()
    assert "Traceback" not in seen.err
    assert seen.err.count("\n") == 1
    return seen.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--sensitive", "gender"], "sensitive names gender, which the file does not have"),
        (["--drop", "nothing"], "drop names nothing"),
        (["--categories", "nothing"], "categories names nothing"),
        (["--n-queries", "0"], "n_queries must be at least 1, got 0"),
        (["--student", "oracle"], "students has no 'oracle'; there are: "),
        (["--student", "tre"], "students has no 'tre'; did you mean 'tree'"),
        (["--target", "decison"], "target names decison, which the file does not have; did you mean 'decision'"),
        (["--sensitive", "sexx"], "sensitive names sexx, which the file does not have; did you mean 'sex'"),
        (["--set", "tree.max_leaf=3"], "set names tree.max_leaf; did you mean 'max_leaf_nodes'"),
        (["--profile", "nyc-ll14@2023-07"], "did you mean 'nyc-ll144@2023-07'"),
        (["--favorable", "aproved"], "did you mean approved"),
        (["--student", "tree,tree"], "student names tree twice"),
        (["--set", "gam.max_leaf_nodes"], "set must look like tree.max_leaf_nodes=8"),
        (["--student", "tree", "--set", "gam.n_pairs=3"], "set names the student 'gam'; there are: tree"),
        (["--set", "tree.leaves=3"], "parameters of tree are: .*max_leaf_nodes"),
        (["--favorable", "Approved"], "favorable must be one of approved, declined, got 'Approved'"),
        (["--require", "agreement"], "require must look like"),
        (["--task", "regression"], "target 'decision' must be numbers for regression"),
        (["--drop", "income"], "data must have the teacher's columns, income missing"),
        (["--test-share", "0.0001"], "data must have more rows to keep a share of 0.0001"),
    ],
)
def test_mistakes_in_the_call(work, tmp_path, capsys, more, message):
    import re

    assert re.search(message, refused(capsys, audit_words(work, *more, "--out", tmp_path / "new" / "audit")))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bad.csv is empty"),
        ("a,decision\n", "bad.csv has no rows"),
        (
            "a,decision\n1,yes\n2,yes\n3,yes\n",
            "target 'decision' must have at least 2 different values, got only 'yes'",
        ),
        ("a,decision\n1,yes\n2,\n3,no\n", "target 'decision' is missing in 1 of 3 rows"),
        ("a,b\n1,2\n3,4\n", "target names decision, which the file does not have; its columns are: a, b"),
        ("a,a,decision\n1,2,yes\n3,4,no\n", "column names must differ from each other, bad.csv has twice: a"),
        ("a,decision\n1,2,3,4\n1,2\n", "bad.csv cannot be parsed"),
        ("a,b,decision\n" + "?,1,yes\n?,2,no\n" * 20, "column 'a' has no value at all; drop it"),
        ("a,b,decision\n" + "inf,1,yes\n3,2,no\n" * 20, "a.* infinit"),
    ],
)
def test_mistakes_in_the_data(tmp_path, capsys, text, message):
    import re

    (tmp_path / "bad.csv").write_text(text)
    words = ["teach", *data(tmp_path, "bad.csv"), "--out", tmp_path / "new" / "teacher"]
    assert re.search(message, refused(capsys, words))
    assert not (tmp_path / "new").exists()


def test_missing_file_and_missing_teacher(work, tmp_path, capsys):
    words = ["teach", *data(tmp_path, "none.csv"), "--out", tmp_path / "t"]
    assert "data must be a file" in refused(capsys, words)
    words = ["audit", "--teacher", tmp_path / "none", *data(work), "--out", tmp_path / "a"]
    assert "no teacher at" in refused(capsys, words)


def test_files_that_run_code_need_trust(work, tmp_path, capsys):
    (tmp_path / "teacher.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    words = ["audit", "--teacher", tmp_path / "teacher.pkl", *data(work), "--out", tmp_path / "a"]
    message = refused(capsys, words)
    assert "would run code" in message
    assert "--trust" in message


def test_output_that_cannot_be_written_is_found_before_the_work(work, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    message = refused(capsys, audit_words(work, "--out", tmp_path / "taken"))
    assert "out must be a folder that can be written" in message
    assert "out must be" in refused(capsys, audit_words(work, "--out", tmp_path / "taken" / "below"))
    assert (tmp_path / "taken").read_text() == "a file"


def test_teacher_and_target_of_different_kinds(work, tmp_path, capsys):
    lending(300).frame.assign(price=lambda f: f["amount"] * 1.5).to_csv(tmp_path / "full.csv", index=False)
    words = ["audit", "--teacher", work / "teacher", *data(tmp_path, "full.csv", "price"), "--out", tmp_path / "a"]
    assert main([str(word) for word in words]) == 2
    note, refusal = capsys.readouterr().err.splitlines()
    assert note.startswith("note: target 'price' has ")
    assert "teacher does classification, but target 'price' looks like regression" in refusal


def test_interrupted(monkeypatch, capsys):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(plugins, "names", stop)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "explaindistill list: interrupted\n"


def test_module_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "explaindistill", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("explaindistill 0.")


def test_curve_writes_a_table_and_a_drawing(work, tmp_path, capsys):
    words = ["curve", "--teacher", str(work / "teacher"), *data(work), "--sizes", "50,400", "--repeats", "2"]
    assert main([*words, "--set", "tree.max_leaf_nodes=8", "--proxy", "gam", "--out", str(tmp_path / "c")]) == 0
    assert "fidelity by the number of rows asked" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "c" / "curve.csv")
    assert table["n_queries"].tolist() == [50, 400]
    assert (table["low"] <= table["estimate"]).all()
    assert "<svg" in (tmp_path / "c" / "curve.svg").read_text()


RESULTS = {
    "teach": ["teacher.json"],
    "distill": ["student.json", "student.py"],
    "audit": ["audit.md", "students/tree.json", "command.sh"],
    "curve": ["curve.svg"],
}


@pytest.mark.parametrize(("command", "name"), [(command, name) for command, names in RESULTS.items() for name in names])
def test_results_that_are_there_are_never_overwritten_without_force(work, tmp_path, capsys, command, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    words = [command, *data(work), "--out", tmp_path]
    words += [] if command == "teach" else ["--teacher", work / "teacher", "--student", "tree"]
    words += ["--export", "student.py"] if command == "distill" else []
    message = refused(capsys, words)
    assert f"{name} would be overwritten" in message
    assert "--force" in message
    assert [p.read_text() for p in tmp_path.rglob("*") if p.is_file()] == ["mine"]


def test_force_replaces_what_the_command_writes_and_nothing_else(work, tmp_path, capsys):
    (tmp_path / "student.json").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    words = ["distill", "--teacher", work / "teacher", *data(work), "--n-queries", "500", "--out", tmp_path, "--force"]
    assert main([str(word) for word in words]) == 0
    assert json.loads((tmp_path / "student.json").read_text())["kind"] == "TreeClassifier"
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_best_writes_the_winner_and_how_all_did(work, tmp_path, capsys):
    words = ["best", "--teacher", str(work / "teacher"), *data(work), "--n-queries", "1000", "--max-lines", "6"]
    assert main([*words, "--export", "student.py", "--out", str(tmp_path / "b")]) == 0
    out = capsys.readouterr().out
    assert "students that competed" in out
    assert out.count("→ ") == 2  # the heading, and one student
    assert "1,450 rows asked: fit 1,000, held-out 450" in out
    table = pd.read_csv(tmp_path / "b" / "candidates.csv")
    assert table["chosen"].sum() == 1
    assert (table["n_lines"] <= 6).all()
    assert {"student.json", "student.txt", "student.py", "candidates.csv"} == {
        p.name for p in (tmp_path / "b").iterdir()
    }
    assert main([*words, "--out", str(tmp_path / "b")]) == 2
    with pytest.raises(SystemExit, match="2"):
        main([*words[:-1], "0", "--out", str(tmp_path / "c")])
    assert "argument --max-lines: must be a whole number of at least 1, got '0'" in capsys.readouterr().err


def test_an_export_that_is_refused_leaves_nothing_behind(work, tmp_path, capsys):
    words = [
        "distill",
        "--teacher",
        str(work / "teacher"),
        *data(work),
        "--n-queries",
        "200",
        "--out",
        str(tmp_path / "s"),
    ]
    assert main([*words, "--export", "student.xyz"]) == 2
    assert "path must end in" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("seed", ["-1", str(2**32), "1.5", "٣"])
def test_seeds_are_those_of_numpy(work, tmp_path, capsys, seed):
    with pytest.raises(SystemExit) as end:
        main(["teach", *data(work), "--out", str(tmp_path / "t"), f"--random-state={seed}"])
    assert end.value.code == 2
    assert "--random-state: must be a whole number from 0 to 4294967295" in capsys.readouterr().err
