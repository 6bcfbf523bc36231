"""Model card, CSV and the published JSON Schema."""

import csv
import io
import json
from dataclasses import replace

import pandas as pd
import pytest

from explaindistill.report.render import render
from explaindistill.report.writers import csv as spreadsheet
from explaindistill.report.writers import json as results

jsonschema = pytest.importorskip("jsonschema")
EVIL = ("=cmd()|' /C calc'!A0", "+1", "-2", "@SUM(A1)", "\t=x", 'a,"b"\nc')


@pytest.fixture(scope="module")
def schema() -> dict:
    found = json.loads(results.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def faults(form, schema):
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(form)]


def test_both_forms_keep_the_published_schema(audit, schema):
    assert faults(json.loads(render(audit, "json")), schema) == []
    assert faults(results.results(audit, page=True), schema) == []


def test_regression_and_empty_audits_keep_it_too(make, schema):
    bare = replace(make(), frames={}, students={}, manifest={}, schema=None, classes=None, favorable=None)
    assert faults(json.loads(render(bare, "json")), schema) == []


@pytest.mark.parametrize(
    "wrong", [{"version": 2}, {"frames": {"fidelity": {"columns": ["a"], "rows": [[1]]}}}, {"teacher": 3}]
)
def test_the_schema_can_say_no(audit, schema, wrong):
    assert faults(json.loads(render(audit, "json")) | wrong, schema) != []


def test_csv_has_every_line_once_and_is_safe_to_open(make):
    audit = make(groups=EVIL, attribute=EVIL[0])
    rows = list(csv.DictReader(io.StringIO(render(audit, "csv"))))
    beside = [row for row in rows if row["frame"] in {"about", "display_names", "opening"}]
    assert len(rows) - len(beside) == sum(len(frame) for frame in audit.frames.values())
    assert [row["sentence"].removeprefix("'") for row in beside] == [one.text for one in audit.opening.sentences]
    assert not [
        v for row in rows for v in row.values() if (v and v[0] in "=+@\t") or (v.startswith("-") and not _number(v))
    ]
    assert {row["group"].removeprefix("'") for row in rows if row["frame"] == "group_fidelity"} == set(EVIL)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_each_frame_is_a_file_of_its_own(audit):
    files = spreadsheet.files(audit)
    assert set(files) == {*audit.frames, "about", "display_names", "opening"}
    back = pd.read_csv(io.StringIO(files["fidelity"]))
    assert back["estimate"].tolist() == audit.frames["fidelity"]["estimate"].tolist()


def test_model_card_has_a_head_that_reads_as_yaml_and_the_chapters(make):
    yaml = pytest.importorskip("yaml")
    audit = make(students=('tree: "a"\n- b', "gam"))
    text = render(audit, "model-card")
    _, head, body = text.split("---\n", 2)
    told = yaml.safe_load(head)
    assert told["pipeline_tag"] == "tabular-classification"
    assert [m["name"] for m in told["model-index"]] == list(audit.students)
    metric = told["model-index"][1]["results"][0]["metrics"][0]
    assert (metric["type"], metric["value"]) == ("agreement", 0.94)
    for chapter in ("Model details", "Training data", "Evaluation", "Bias, risks and limitations"):
        assert f"\n## {chapter}\n" in body


def test_model_card_of_a_regression_without_figures(make):
    bare = replace(make(), frames={}, classes=None, favorable=None, manifest={"licence": "MIT"})
    text = render(bare, "model-card")
    assert 'license: "MIT"' in text
    assert "tabular-regression" in text
