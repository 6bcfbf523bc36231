"""The report of policies: sections from the frames of a PolicyAudit, and the page, text or cell of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.errors import InvalidInputError
from explaindistill.report.blocks import Block, Cell, Code, Details, Facts, Figure, Items, Section, Table, Text, Tone
from explaindistill.report.page import asset, environment, whole_page
from explaindistill.report.words import count, interval, name, quantity, sentence
from explaindistill.report.writers.json import plain
from explaindistill.report.writers.markdown import escape, written

__all__ = ["policy_sections", "render_policies"]

FORMAT, VERSION = "explaindistill-policies", 1
METRICS = {
    "return": "Return",
    "return_worst": "Worst twentieth of episodes",
    "return_difference": "Less the teacher's, same seeds",
    "return_kept": "Share of the teacher's over chance",
    "agreement": "Does what the teacher does",
    "cost_per_step": "Cost of a step",
    "cost_of_disagreement": "Cost where they disagree",
    "harmless_disagreement": "Disagreements that cost next to nothing",
    "unsafe_states": "Unsafe states",
    "unsafe_episodes": "Episodes with an unsafe state",
    "unsafe_difference": "Less the teacher's, same seeds",
}
SHARES = {
    "return_kept", "agreement", "harmless_disagreement", "unsafe_states", "unsafe_episodes",
}  # fmt: skip
TONES: dict[str, Tone] = {"keeps": "good", "loses": "bad", "undecided": "unsure", "more often": "bad"}
KINDS = ("cell", "html", "json", "markdown")


def render_policies(audit: Any, kind: str) -> str:
    """An audit of policies as text of one kind.

    Parameters
    ----------
    audit : PolicyAudit
    kind : "cell", "html", "json" or "markdown"

    Examples
    --------
    >>> import numpy as np
    >>> import explaindistill as xd
    >>> class Walk:
    ...     class action_space:
    ...         n = 2
    ...     def reset(self, seed=None):
    ...         self.x, self.t = float(np.random.default_rng(seed).integers(-4, 5)), 0
    ...         return [self.x], {}
    ...     def step(self, action):
    ...         self.x, self.t = self.x + 2 * action - 1, self.t + 1
    ...         return [self.x], -abs(self.x), False, self.t == 10, {}
    >>> record = xd.audit_policy(lambda S: S[:, 0] < 0, {"late": lambda S: S[:, 0] < -1}, Walk, noise=())
    >>> print(render_policies(record, "markdown").splitlines()[0])
    # Policies for Walk
    """
    if kind not in KINDS:
        raise InvalidInputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if kind == "json":
        return json.dumps(_results(audit), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    title = f"Policies for {name(audit.manifest['environment'])}"
    if kind == "cell":
        return _cell(audit, title)
    sections = policy_sections(audit)
    if kind == "markdown":
        return "\n\n".join([f"# {escape(title)}", *(written(section, 2) for section in sections.values())]) + "\n"
    pieces = [f"against the teacher {name(audit.teacher_name)}", f"{count(audit.manifest['n_episodes'])} episodes each"]
    if audit.manifest["date"]:
        pieces.append(name(audit.manifest["date"]))
    return whole_page(title, " · ".join(pieces), audit.manifest, sections, _results(audit))


def _results(audit: Any) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "teacher": str(audit.teacher_name),
        "manifest": plain(dict(audit.manifest)),
        "opening": audit.opening(),
        "notes": list(audit.notes),
        "texts": plain(dict(audit.texts)),
        "units": plain(dict(audit.units)),
        "frames": {
            key: {
                "columns": list(map(str, frame.columns)),
                "rows": [plain(row) for row in frame.to_numpy(dtype=object)],
            }
            for key, frame in audit.frames.items()
        },
    }


def _cell(audit: Any, title: str) -> str:
    """What a notebook shows: the opening."""
    return (
        environment()
        .from_string(
            '<div class="explaindistill-audit"><style>{{ style|safe }}</style>'
            '<p class="head"><bdi>{{ title }}</bdi></p>'
            "<ul>{% for line in lines %}<li>{{ line|isolated }}</li>{% endfor %}</ul>"
            '<p class="quiet">The whole page: <code>audit.save("policies.html")</code></p></div>'
        )
        .render(style=asset("cell.css"), title=title, lines=audit.opening())
    )


def policy_sections(audit: Any) -> dict[str, Section]:
    """Sections by name, in reading order: return first.

    Parameters
    ----------
    audit : PolicyAudit

    Returns
    -------
    dict of str to Section
    """
    frames = audit.frames
    return {
        "policies": Section("Return", 10, _return_blocks(audit), tab="summary"),
        "danger": _danger(frames["unsafe"]),
        "texts": Section("What they do", 20, _text_blocks(audit), tab="students")
        if audit.texts
        else Section("What they do", 20, reason="No student has words of its own.", tab="students"),
        "agreement": Section("Agreement and its cost", 30, _agreement_blocks(audit), tab="fidelity"),
        "stress": _stress(frames["stress"]),
        "method": Section("How it was measured", 90, _method_blocks(audit), tab="method"),
    }


def _return_blocks(audit: Any) -> tuple[Block, ...]:
    returns = audit.frames["returns"]
    verdicts = audit.frames["verdicts"].set_index("subject")["verdict"].to_dict()
    rows = []
    for subject in dict.fromkeys(returns["subject"]):
        lines = returns[returns["subject"] == subject].set_index("metric")
        verdict = str(verdicts.get(subject, "–"))
        cells = [_cell_of(lines, metric) for metric in ("return", "return_difference", "return_kept", "return_worst")]
        rows.append((Cell(name(subject)), Cell(verdict, tone=TONES.get(verdict, "")), *cells))
    head = ("policy", "verdict", *(METRICS[m] for m in ("return", "return_difference", "return_kept", "return_worst")))
    note = f"In brackets: limits at 95 %. All policies ran the same {count(audit.manifest['n_episodes'])} episodes."
    table = Table("What each policy earns", head, tuple(rows), (False, False, True, True, True, True), note)
    return (Items(tuple(sentence(line) for line in audit.opening())), table)


def _cell_of(lines: pd.DataFrame, metric: str) -> Cell:
    if metric not in lines.index:
        return Cell("–")
    line = lines.loc[metric]
    kind: Any = "share" if metric in SHARES else "points" if metric == "unsafe_difference" else "number"
    return Cell(quantity(line["estimate"], kind), interval(line["low"], line["high"], kind))


def _danger(unsafe: pd.DataFrame) -> Section:
    if unsafe.empty:
        return Section("Unsafe states", 15, reason="Nobody said which states are unsafe; give unsafe=.", tab="summary")
    rows = []
    for (region, subject), lines in unsafe.groupby(["region", "subject"], sort=False):
        table = lines.set_index("metric")
        verdict = "".join(table["verdict"])
        cells = [_cell_of(table, metric) for metric in ("unsafe_episodes", "unsafe_difference", "unsafe_states")]
        n = count(table.loc["unsafe_episodes", "n"])
        rows.append(
            (
                Cell(name(region)),
                Cell(name(subject)),
                Cell(n),
                *cells,
                Cell(verdict or "–", tone=TONES.get(verdict, "")),
            )
        )
    head = (
        "starts",
        "policy",
        "episodes",
        *(METRICS[m] for m in ("unsafe_episodes", "unsafe_difference", "unsafe_states")),
        "against the teacher",
    )
    note = "Limits of differences hold together for all starts of a policy; episodes are clusters of their states."
    worse = [i for i, row in enumerate(rows) if row[-1].text == "more often"]
    matters = (*worse, *(i for i, row in enumerate(rows) if row[0].text == "all starts" and i not in worse))
    table = Table(
        "Unsafe states, by where an episode starts",
        head,
        tuple(rows),
        (False, False, True, True, True, True, False),
        note,
        matters,
    )
    return Section("Unsafe states", 15, (table,), tab="summary")


def _text_blocks(audit: Any) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for i, (subject, text) in enumerate(audit.texts.items()):
        blocks.append(Text(f"{name(subject)}, whole:", "plain"))
        blocks.append(Code(sentence(text)))
        drawing = audit.drawings.get(subject)
        if drawing is not None:
            blocks += _figures(audit, subject, drawing, f"policy-{i}")
    return tuple(blocks)


def _figures(audit: Any, subject: str, drawing: Mapping[str, Any], id: str) -> list[Block]:
    actions = audit.manifest["actions"]
    names = actions if not _continuous(drawing["cells"]) else str(actions[0])
    plane = plots.figure(4.6, 2.5)
    x, y = drawing["labels"]
    plots.phase_plane(drawing["cells"], drawing["paths"], (x, y), names, plane.subplots(1, 2, sharex=True, sharey=True))
    share = _same_cells(drawing["cells"])
    desc = sentence(
        f"What the teacher (left) and {name(subject)} (right) do over {x} and {y}, the other numbers at their median; "
        f"alike in {share:.0%} of the plane. The line is one episode of each, from the same start (dot) to its end "
        "(cross)."
    )
    title = sentence(f"Phase plane of {name(subject)}")
    time = plots.figure(4.6, 3.0)
    plots.timeline(drawing["timeline"], names, time.subplots(2, 1, sharex=True))
    lengths = drawing["timeline"].groupby("subject", sort=False)["step"].size().to_dict()
    each = " and ".join(f"{n:,} steps of the {who}" for who, n in lengths.items())
    words = sentence(f"The first steps of one episode of each, {each} in all; below, the leaf or rule that decided.")
    head = sentence(f"Actions of {name(subject)} step by step")
    return [
        Figure(plots.svg(plane, f"{id}-plane", title, desc), title, desc),
        Figure(plots.svg(time, f"{id}-time", head, words), head, words),
    ]


def _continuous(cells: pd.DataFrame) -> bool:
    return bool(cells["action"].dtype.kind == "f")


def _same_cells(cells: pd.DataFrame) -> float:
    first, second = (rows["action"].to_numpy(dtype=float) for _, rows in cells.groupby("subject", sort=False))
    if not _continuous(cells):  # places of actions: neighbours are two actions
        return float((first == second).mean())
    return float(
        (abs(first - second) <= 0.05 * max(float(cells["action"].max() - cells["action"].min()), 1e-12)).mean()
    )


def _agreement_blocks(audit: Any) -> tuple[Block, ...]:
    agreement, costs = audit.frames["agreement"], audit.frames["costs"]
    rows = tuple(
        (
            Cell(name(line["subject"])),
            Cell("the teacher's" if line["states"] == "teacher's" else "its own"),
            Cell(quantity(line["estimate"], "share"), interval(line["low"], line["high"], "share")),
            Cell(count(line["n"]), f"{count(line['n_episodes'])} episodes"),
        )
        for line in agreement.to_dict("records")
    )
    sentence = (
        "Agreement decides nothing: a policy may differ from its teacher where that costs nothing, and earn as much."
    )
    table = Table(
        "How often the student does what the teacher does",
        ("policy", "states", METRICS["agreement"], "states seen"),
        rows,
        (False, False, True, True),
        sentence,
    )
    if costs.empty:
        return table, Text(
            "What a disagreement costs is not known: the teacher does not say what actions are worth (Q).", "quiet"
        )
    lines = tuple(
        (
            Cell(name(line["subject"])),
            Cell(METRICS[line["metric"]]),
            Cell(
                quantity(line["estimate"], "share" if line["metric"] in SHARES else "number"),
                interval(line["low"], line["high"], "share" if line["metric"] in SHARES else "number"),
            ),
            Cell(count(line["n"])),
        )
        for line in costs.to_dict("records")
    )
    most = quantity(costs["tolerance"].iloc[0])
    note = (
        "By the teacher's Q, in units of return, in the states that the student comes to; next to nothing is up to "
        f"{most}."
    )
    return table, Table(
        "What its actions cost", ("policy", "figure", "estimate", "states"), lines, (False, False, True, True), note
    )


def _stress(stress: pd.DataFrame) -> Section:
    if stress.empty:
        return Section(
            "Stress", 40, reason="No errors of what is seen and no other dynamics were tried.", tab="fidelity"
        )
    rows = []
    for (condition, subject), lines in stress.groupby(["condition", "subject"], sort=False):
        table = lines.set_index("metric")
        rows.append(
            (
                Cell(name(condition)),
                Cell(name(subject)),
                _cell_of(table, "return"),
                _cell_of(table, "return_difference"),
            )
        )
    head = ("condition", "policy", METRICS["return"], METRICS["return_difference"])
    note = "In brackets: limits that hold together, at 95 %, for all conditions of a policy."
    return Section(
        "Stress",
        40,
        (Table("Return where the world is not as it was", head, tuple(rows), (False, False, True, True), note),),
        tab="fidelity",
    )


def _method_blocks(audit: Any) -> tuple[Block, ...]:
    manifest = audit.manifest
    facts = (
        ("environment", name(manifest["environment"])),
        ("numbers of a state", ", ".join(_with_unit(audit, n) for n in manifest["state"])),
        ("actions", ", ".join(name(a) for a in manifest["actions"])),
        ("episodes of each policy", count(manifest["n_episodes"])),
        ("most steps of an episode", count(manifest["most_steps"])),
        ("steps in all, stress aside", count(manifest["n_steps"])),
        ("states that the teacher was asked about", count(manifest["n_questions"])),
        ("return that may be lost", quantity(manifest["margin"])),
        ("seed", str(manifest["random_state"])),
    )
    limits = (
        "Episodes of this environment were run, with seeds that no fitting used. Other starts, other dynamics and a "
        "real machine may differ.",
        "Limits of returns are Student's or Hall's; where all episodes of a policy earn the same, they go as far as "
        "unseen episodes could move the mean that earned as little as any seen, or as chance on average.",
        "States of one episode are one cluster. Chance draws each action alike.",
    )
    sizes = audit.frames["sizes"]
    lines = tuple(
        (
            Cell(name(r["subject"])),
            Cell(name(r["family"])),
            *(Cell(count(r[c])) for c in ("n_lines", "n_numbers", "n_features")),
        )
        for r in sizes.to_dict("records")
    )
    blocks: list[Block] = [Facts(facts), Items(limits)]
    if lines:
        table = Table(
            "What there is to read",
            ("policy", "family", "lines", "numbers", "columns"),
            lines,
            (False, False, True, True, True),
        )
        blocks.insert(0, table)
    if audit.notes:
        blocks.append(Details("Notes", (Items(tuple(map(sentence, audit.notes))),), open=True))
    return tuple(blocks)


def _with_unit(audit: Any, column: str) -> str:
    return f"{name(column)} ({name(audit.units[column])})" if column in audit.units else name(column)
