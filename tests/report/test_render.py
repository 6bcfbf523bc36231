"""One audit, three views: whole, the same each time, and deaf to what is hidden in names."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from explaindistill import plugins
from explaindistill.auditing.stored import frame_from
from explaindistill.errors import InvalidInputError
from explaindistill.report.render import notebook, render, sections
from explaindistill.report.writers import json as results

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "a\"b'c`d",
    "\u202egnp.exe",
    "🙂 $x$ \\frac",
    "x" * 10_000,
    "=cmd()|' /C calc'!A0",
    "line\nbreak\tand\x00nul",
    "",
    "{{ 7*7 }}",
    "a</td></th></tr></li></dt></dd>b",  # ends that the page leaves out of its own
)


CELLS, TERMS = frozenset({"td", "th"}), frozenset({"dt", "dd"})
SPARE = {"td": CELLS, "th": CELLS, "tr": CELLS | {"tr"}, "li": {"li"}, "dt": TERMS, "dd": TERMS}
"""Elements whose end may be left out, and which ones each of them ends by its start."""


class Skeleton(HTMLParser):
    """Collects what a browser would run, and checks that every element is closed in order.

    Ends of cells, rows, items and terms may be left out (HTML, 13.1.2.4): the next one, or the end of what holds them,
    ends them.
    """

    void = frozenset({"meta", "link", "br", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[dict] = []
        self.attributes: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        while self.open and self.open[-1] in SPARE.get(tag, ()):
            self.open.pop()
        self.attributes |= {key for key, _ in attrs}
        if tag == "script":
            self.scripts.append(dict(attrs))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open[-1] != tag and self.open[-1] in SPARE:
            self.open.pop()
        assert self.open.pop() == tag


def skeleton(page: str) -> Skeleton:
    found = Skeleton()
    found.feed(page)
    assert found.open == []
    return found


@pytest.fixture(scope="module")
def page(make_once) -> str:
    return render(make_once(), "html")


def test_every_section_has_blocks_or_says_why_it_has_none(audit):
    found = sections(audit)
    assert next(iter(found)) == "glance"
    # of rows of a table there is nothing to say about objects
    assert set(found) == set(plugins.names("report.sections")) - {"edits", "lists", "objects"}
    assert all(section.blocks or section.reason for section in found.values())
    assert found["stability"].reason.startswith("Stability was not measured")


def test_an_audit_of_nothing_says_so_in_every_section(make):
    audit = replace(make(), frames={}, students={}, manifest={}, schema=None)
    found = sections(audit)
    assert "was not measured" in found["fidelity"].reason
    assert "No sensitive attributes" in found["bias"].reason
    for kind in ("html", "markdown", "json"):
        assert render(audit, kind)


def test_page_is_well_formed_and_names_the_figures(page):
    found = skeleton(page)
    assert "95.0\u00a0%" in page
    assert {"main", "nav", "table", "caption", "figure", "svg", "details"} <= found.tags
    assert not {a for a in found.attributes if a.startswith("on")}


def test_page_refers_to_nothing_outside_itself(page):
    assert not re.search(r"""(?:src|href|action|data|poster)=["'](?!#|data:)""", page)
    assert "url(" not in page.replace("url(#", "")
    assert "@import" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy.group(1).startswith("default-src &#39;none&#39;")
    assert "script-src &#39;sha256-" in policy.group(1)


def test_only_scripts_named_by_their_hash_are_in_the_page(page):
    page = page.replace("&#39;", "'")
    for body in re.findall(r"<script>(.*?)</script>", page, re.DOTALL):
        assert base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() in page.split("</head>")[0]


def unpacked(frame):
    """Rows of a packed frame, the slow way."""
    columns = []
    for entry in frame["packed"]:
        if "like" in entry:
            columns.append(columns[entry["like"]])
        elif "one" in entry:
            columns.append([entry["one"]] * frame["n_rows"])
        else:
            runs = entry.get("runs", [])
            at = entry.get("at") or [at for at, n in zip(runs[::2], runs[1::2], strict=True) for _ in range(n)]
            columns.append(entry.get("values") or [entry["words"][place] for place in at])
    return [list(row) for row in zip(*columns, strict=True)]


def test_embedded_results_are_the_json_view_with_four_digits(page, audit):
    inside = re.search(r'id="explaindistill-results">(.*?)</script>', page, re.DOTALL)
    assert inside
    found, whole = json.loads(inside.group(1)), json.loads(render(audit, "json"))
    assert whole.pop("students")["tree"]["words"] == "If age ≤ 30 then no."
    assert whole.pop("opening")["title"] == "Audit of tree, gam against credit-net"
    assert {k: v for k, v in found.items() if k != "frames"} == {k: v for k, v in whole.items() if k != "frames"}
    for key, frame in whole["frames"].items():
        assert found["frames"][key]["columns"] == frame["columns"]
        rows = [[float(f"{v:.4g}") if isinstance(v, float) else v for v in row] for row in frame["rows"]]
        assert unpacked(found["frames"][key]) == rows


def test_undefined_is_null_and_infinity_a_word_and_both_come_back():
    stored = results.plain({"columns": ["estimate", "high"], "rows": [[np.nan, np.inf], [0.5, -np.inf]]})
    assert stored["rows"] == [[None, "Infinity"], [0.5, "-Infinity"]]
    back = frame_from(stored)
    assert np.isnan(back["estimate"][0])
    assert back["high"].tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (np.int64(3), 3),
        (np.True_, True),
        (pd.NA, None),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        ({"b", "a"}, ["a", "b"]),
        (range, "<class 'range'>"),
    ],
)
def test_plain_takes_what_frames_hold(value, wanted):
    assert results.plain(value) == wanted


def test_hostile_words_stay_words(make, page):
    told = dict.fromkeys(HOSTILE, "x") | dict(zip(HOSTILE, reversed(HOSTILE), strict=True))
    audit = make(
        groups=HOSTILE, attribute=HOSTILE[0], features=HOSTILE, students=HOSTILE[:3], teacher_name=HOSTILE[2],
        classes=HOSTILE, favorable=HOSTILE[3], notes=HOSTILE, manifest=told | {"date": HOSTILE[7], "nested": told},
    )  # fmt: skip
    hostile, honest = render(audit, "html"), skeleton(page)
    found = skeleton(hostile)
    assert found.tags <= honest.tags
    assert found.attributes <= honest.attributes
    assert len(found.scripts) == len(honest.scripts)
    assert "{{ 7*7 }}" in hostile
    assert "&lt;/td&gt;&lt;/th&gt;&lt;/tr&gt;&lt;/li&gt;&lt;/dt&gt;&lt;/dd&gt;b" in hostile
    assert r"a\u003c/td" in hostile
    assert json.loads(render(audit, "json"))["classes"] == list(HOSTILE)
    text = render(audit, "markdown")
    assert "<script" not in text.replace("\\<", "")
    assert not set("\u202e\x00") & set(hostile + text)
    assert len(hostile) < 1_000_000


def test_same_audit_same_bytes_in_another_process(audit, tmp_path):
    code = (
        "import sys, importlib.util as u, hashlib\n"
        f"spec = u.spec_from_file_location('fake', {str(__file__).replace('test_render', 'conftest')!r})\n"
        "fake = u.module_from_spec(spec); sys.modules['fake'] = fake; spec.loader.exec_module(fake)\n"
        "from explaindistill.report.render import render\n"
        "a = fake.make_audit()\n"
        "print(*(hashlib.sha256(render(a, k).encode()).hexdigest() for k in ('html', 'json', 'markdown')))\n"
    )
    bare = {"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bare | {"PYTHONHASHSEED": s}
        )
        for s in ("1", "2")
    ]
    here = [hashlib.sha256(render(audit, k).encode()).hexdigest() for k in ("html", "json", "markdown")]
    assert [run.stdout.split() for run in runs] == [here, here]


def test_markdown_tables_keep_their_columns(audit):
    for block in re.split(r"\n\n", render(audit, "markdown")):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert len(widths) <= 1


def test_unknown_kind_lists_the_kinds(audit):
    with pytest.raises(InvalidInputError, match=r"kind must be one of .*html.*got 'pdf'"):
        render(audit, "pdf")


def test_notebook_shows_the_opening_and_links_to_the_page_that_was_saved(audit):
    text = notebook(audit)
    words = re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", "", text, flags=re.DOTALL)).replace("&gt;", ">")
    for sentence in audit.opening.sentences:
        assert re.sub(r"\s+", " ", sentence.text) in words.replace("&#39;", "'").replace("&#34;", '"')
    assert 'audit.save("audit.html")' in words
    assert "<iframe" not in text
    assert "<script" not in text
    audit.pages.append("out/my audit.html")
    assert '<a href="out/my%20audit.html">' in notebook(audit)
    audit.pages.append("javascript:alert(1)")
    assert "javascript:" not in notebook(audit).split("href=")[1].split(">")[0]


def test_a_cell_of_many_groups_and_long_names_stays_small(make):
    names = tuple(f"{'long ' * 40}{i}" for i in range(60))
    assert len(notebook(make(groups=names, features=names, notes=names)).encode()) < 150_000


def test_several_kinds_are_those_of_one_and_their_sections_are_built_once(audit, monkeypatch, tmp_path):
    module = sys.modules["explaindistill.report.render"]
    apart = [render(audit, kind) for kind in ("html", "markdown", "json")]
    built = []
    monkeypatch.setattr(module, "sections", lambda record: built.append(record) or sections(record))
    assert module.render_all(audit, ["html", "markdown", "json"]) == apart
    assert len(built) == 1
    assert module.render_all(audit, ["json", "csv"])[0] == apart[2]
    assert len(built) == 1
    with pytest.raises(InvalidInputError, match="kind must be one of csv, html, json, markdown, model-card, got 'pdf'"):
        module.render_all(audit, ["html", "pdf"])
    assert len(built) == 1


def test_rows_that_were_sent_stand_on_the_page_with_money_and_privacy(audit):
    sent = {
        "by_purpose": {"fit": 5_000, "audit: importance": 46_425},
        "total": 51_425,
        "price_per_row": 0.01,
        "money": 514.25,
        "epsilon": 25.5,
        "delta": 1e-5,
        "in_all_runs": {"fit": 7_000, "audit: importance": 46_425},
    }
    text = render(replace(audit, manifest={**audit.manifest, "rows_sent": sent}), "markdown").replace("\u202f", "")
    table = text.partition("Rows sent to the teacher")[2].partition("\n#")[0]
    for words in ("audit: importance", "46425", "464.25", "together", "51425", "514.25", "53425", "25.5", "1e-05"):
        assert words in table.replace("\u2009", "").replace("\xa0", "").replace(",", ""), words
