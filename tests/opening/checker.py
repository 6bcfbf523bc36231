"""Holds every sentence of an opening against the frames: a grammar of all sentences, read back and looked up.

Nothing of the writer is used, not even the origins of its words: a sentence is parsed from its text, names are looked
up in the frames, numbers are compared at the digits that are shown, and every claim is derived again. A sentence that
no rule of the grammar reads is a contradiction, too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from opening.groups import Groups
from opening.reading import (
    FIGURE,
    NUMBER,
    SPACE,
    ContradictionError,
    again,
    figure,
    need,
    plain_rule,
    rows_needed,
    same,
    value,
    worst_of,
)


class Checker(Groups):
    """The whole grammar."""

    def check(self, sentence: Any) -> None:
        text = sentence.text.replace(SPACE, " ")
        if any(sentence.text == str(note) for note in self.audit.notes):
            return need(sentence.topic in {"what", "warnings"}, "a note stands elsewhere")
        readers = [(form, reader) for topic, form, reader in self.grammar() if topic == sentence.topic]
        for form, reader in readers:
            match = re.fullmatch(form, text)
            if match:
                return reader(match)
        raise ContradictionError("no rule of the grammar reads it")

    def grammar(self) -> list[tuple[str, str, Callable[[re.Match[str]], None]]]:
        r, f = self.rows, FIGURE
        return [
            ("what", rf"Audited on (?:(?P<n>{NUMBER}) )?{r}(?: of (?P<data>.+?))?(?:, the decision “(?P<decision>.+?)”)?"
                     r"(?:; the one that people want is “(?P<favorable>.+?)”(?P<rule>, given .+)?)?\.", self.audited),
            ("what", r"(?:Purpose: (?P<purpose>.+?)[.!?] ?)?(?:Owner: (?P<owner>.+?)[.!?] ?)?(?:Date: (?P<date>.+?)[.!?])?",
             self.responsible),
            ("what", rf"The model under audit, here “the teacher”, is (?P<kind>.+?); it is right on (?P<f>{f}) of them\.",
             lambda m: self.teacher(m, "accuracy")),
            ("what", rf"The model under audit, here “the teacher”, is (?P<kind>.+?); against the true values its R² is "
                     rf"(?P<f>{f})\.",
             lambda m: self.teacher(m, "r2")),
            ("what", r"The model under audit, here “the teacher”, is (?P<kind>.+?); how well it meets the truth cannot be said(?:: (?P<why>.+))?\.",
             lambda m: self.teacher(m, "")),
            ("what", rf"The column (?P<c>.+?) alone tells the outcome nearly as well as the teacher \((?:AUC|R²) (?P<f>{f})\)"
                     r": it may hold the outcome itself\.", self.leak),
            ("stand_in", rf"You require that a student decides like the teacher on at least (?P<b>[\d.]+) % of {r}\.",
             lambda m: self.require("fidelity.agreement", f">= {float(m['b']) / 100:g}")),
            ("stand_in", r"You require (?P<key>[\w.]+(?:\[.*?\])?) (?P<rule>.+)\.",
             lambda m: self.require(m["key"], m["rule"])),
            ("stand_in", r"What comes of it cannot be said(?:: (?P<why>.+))?\.", lambda m: self.because(m["why"], self.of_requirement(""))),
            ("stand_in", rf"(?P<list>.+?)(?: of {r})?; none of your requirements is about that, so there is no yes or no\.",
             self.figures),
            ("stand_in", r"Of (?P<list>.+) fidelity was not measured\.",
             lambda m: [need(self.headline(s) is None, f"{s} was measured") for s in self.split_names(m["list"])][:0]),
            ("stand_in", r"Cannot say: fidelity was not measured\.",
             lambda m: need(all(self.headline(s) is None for s in self.students), "it was measured")),
            ("stand_in", rf"(?P<s>.+) is as often right as the teacher, within 1 point: the difference is (?P<f>{f})\.",
             lambda m: self.equivalence(m, True)),
            ("stand_in", rf"The share of right decisions of (?P<s>.+) differs from the teacher's by (?P<f>{f}); that they are the "
                         r"same within 1 point is not shown\.", lambda m: self.equivalence(m, False)),
            ("stand_in", r"(?P<list>.+?) (?P<v>does not meet it|do not meet it|leaves it open|leave it open|meets it|meet it|"
                         r"cannot be judged)(?:: (?P<why>.+))?\.", lambda m: self.several(m, self.students)),
            ("stand_in", rf"A constant answer would decide like the teacher on (?P<n>{NUMBER}) %\.", self.constant),
            *self.of_bias(r, f), *self.of_inputs(f), *self.of_warnings(r, f), *self.of_next(r, f),
        ]  # fmt: skip

    def audited(self, m: re.Match[str]) -> None:
        about, audit = self.audit.about, self.audit
        same(m["n"], audit.manifest["n_rows"], 1, "rows")
        need((m["data"] or "") == about.data_name, "data")
        need((m["decision"] or "") == about.decision, "decision")
        shown = "" if audit.favorable is None else str(audit.favorable)
        shown = audit.names.as_dict().get("classes", {}).get(shown, shown)
        need((m["favorable"] or "") == shown, "favourable class")
        top = audit.threshold["top"] if isinstance(audit.threshold, dict) else None
        plain = audit.favorable is None or (top is None and (audit.threshold == 0.5 or len(audit.classes) > 2))
        need(plain == (m["rule"] is None), "decision rule")
        if m["rule"] is not None:
            number = re.search(NUMBER, m["rule"])[0]
            same(number, top or audit.threshold, 100 if top else 1, "decision rule")
            need(("with the highest score" in m["rule"]) == (top is not None), "decision rule")

    def responsible(self, m: re.Match[str]) -> None:
        need(any(m.groups()), "it says nothing")
        for field in ("purpose", "owner", "date"):
            need((m[field] or "") == getattr(self.audit.about, field).rstrip(".!?"), field)

    def teacher(self, m: re.Match[str], metric: str) -> None:
        kinds = {"RecordedTeacher": "recorded answers", "CallableTeacher": "a function", "TorchTeacher": "a network (torch)",
                 "EstimatorTeacher": "a scikit-learn model", "NetworkTeacher": "a network"}  # fmt: skip
        name = self.audit.teacher_name.partition("(")[0]
        need(m["kind"] == kinds.get(name, self.audit.teacher_name), "another kind of teacher")
        table = self.lines("performance", subject="teacher")
        if metric:
            figure(m["f"], self.one("performance", metric=metric, subject="teacher"), metric)
        else:
            need(table.empty, "it was measured")
            self.because(m["why"], self.lines("performance", defined=False, subject="teacher"))

    def leak(self, m: re.Match[str]) -> None:
        table = self.frames["teacher"]
        flagged = table[table["suspicious"].eq(True)]
        name = self.column(m["c"], list(flagged["feature"]))
        figure(m["f"], flagged[flagged["feature"] == name].iloc[0], "leak")

    def headline(self, student: str) -> Any:
        metric = "agreement" if self.audit.task == "classification" else "r2"
        table = self.lines("fidelity", metric=metric, subject=student, subset="")
        return None if table.empty else table.iloc[0]

    def require(self, key: str, rule: str) -> None:
        rules = {k: plain_rule(t) for k, t in self.audit.requirements.items()}
        need(rules.get(key) == plain_rule(rule), f"nobody required {key} {rule}")
        self.requirement = (key, next(t for k, t in self.audit.requirements.items() if k == key))

    def of_requirement(self, subject: str) -> pd.DataFrame:
        need(self.requirement is not None, "no requirement was named before")
        key, _ = self.requirement
        table = self.frames["verdicts"]
        return table[table["rule"].str.startswith(f"{key} ") & (table["subject"] == subject)]

    def verdict_is(self, subject: str, verdict: str) -> Any:
        """The worst of the lines of a model must have the verdict, which is derived again from the interval."""
        table = self.of_requirement(subject)
        need(len(table) > 0, f"{subject} was not judged")
        order = ["fail", "inconclusive", "cannot say", "pass"]
        worst = min(table["verdict"], key=order.index)
        need(worst == verdict, f"{subject}: {verdict} is written, {worst} was measured")
        for line in table.to_dict("records"):
            if line["verdict"] in {"pass", "fail", "inconclusive"}:
                need(again(line, self.requirement[1]) == line["verdict"], "the interval says otherwise")
        self.spoken.add(subject)
        return table[table["verdict"] == worst]

    def figures(self, m: re.Match[str]) -> None:
        need(not [k for k in self.audit.requirements if k.split(".")[0] in {"fidelity", "performance"}], "there is one")
        verb = r"decides like the teacher|reproduces the teacher's answers"
        pattern = rf"(?:^|, | and )(?P<s>(?:{'|'.join(map(re.escape, self.students))}))(?: (?:{verb}))? (?:on|with(?: an R² of)?) (?P<f>{FIGURE})"
        items = list(re.finditer(pattern, m["list"]))
        need("".join(i[0] for i in items) == m["list"], "the list cannot be read")
        measured = [self.headline(item["s"]) for item in items]
        need(all(line is not None for line in measured), "a student was not measured")
        for item, line in zip(items, measured, strict=True):
            figure(item["f"], line, item["s"])
            self.spoken.add(item["s"])
        estimates = [line["estimate"] for line in measured]
        need(estimates == sorted(estimates, reverse=True), "not the most faithful first")
        metric = measured[0]["metric"]
        need(("decides like" in m["list"]) == (metric == "agreement"), "another metric")

    def equivalence(self, m: re.Match[str], claimed: bool) -> None:
        line = self.one("performance", metric="accuracy_difference", subject=self.subject(m["s"]))
        figure(m["f"], line, "difference")
        need((line["low"] > -0.01 and line["high"] < 0.01) == claimed, "the test says otherwise")

    def constant(self, m: re.Match[str]) -> None:
        best = max((line for s in self.students if (line := self.headline(s)) is not None), key=lambda x: x["estimate"])
        gain = self.one("fidelity", metric="agreement_gain", subject=best["subject"], subset="")
        same(m["n"], best["estimate"] - gain["estimate"], 100, "constant answer")

    def of_warnings(self, r: str, f: str) -> list[Any]:
        return [
            ("warnings", r"Nothing that these measures look for was found; that does not show that nothing is there\.",
             lambda m: need(len(self.audit.opening.of("warnings")) == 1, "something was")),
            ("warnings", rf"(?P<s>.+) does not decide like the teacher more often than a constant answer, as far as can be told: "
                         rf"by (?P<f>{f})\.", self.like_a_constant),
            ("warnings", r"The teacher decides otherwise on (?P<list>.+)\.", self.flipped),
            ("warnings", rf"The input (?P<c>.+) gives (?P<a>.+) away: AUC (?P<f>{f})\.", self.proxy),
            ("warnings", rf"(?P<list>.+?)(?: and (?P<n>\d+) more)? (?:has|have) too few {r} to rely on, or to show\.", self.tiny),
            ("warnings", rf"(?P<list>.+?)(?: and (?P<n>\d+) more)? may not be shown: figures of too few {r} could be worked out from (?:it|them)\.",
             lambda m: self.tiny(m, of_enough=True)),
        ]  # fmt: skip

    def like_a_constant(self, m: re.Match[str]) -> None:
        line = self.one("fidelity", metric="agreement_gain", subject=self.subject(m["s"]), subset="")
        need(line["low"] <= 0, "it does")
        figure(m["f"], line, "gain")

    def flip(self, column: str) -> Any:
        attribute = self.column(column, sorted(set(self.frames["flips"]["attribute"])))
        table = self.lines("flips", metric="flip_rate", subject="teacher", attribute=attribute)
        need(len(table) > 0 and table["estimate"].max() > 0, "nothing flips")
        return table[table["estimate"] == table["estimate"].max()]

    def flipped(self, m: re.Match[str]) -> None:
        item = rf"(?:^|, on | and on )(?P<f>{FIGURE})(?: of the others)? when (?P<c>.+?) alone is set to “(?P<v>.+?)”"
        items = list(re.finditer(item, m["list"]))
        need(len(items) > 0 and "".join(one[0] for one in items) == m["list"], "the list cannot be read")
        table = self.lines("flips", metric="flip_rate", subject="teacher")
        turning = list(dict.fromkeys(table.loc[table["estimate"] > 0, "attribute"]))
        need([one["c"] for one in items] == [self.shown_column(c) for c in turning], "other columns")
        for one in items:
            line = self.any_figure(one["f"], self.flip(one["c"]))
            need(one["v"] in {self.shown_group(x["attribute"], x["group"], bare=True)
                              for x in self.flip(one["c"]).to_dict("records")}, f"{line['group']} is another value")  # fmt: skip

    def proxy(self, m: re.Match[str]) -> None:
        attribute = self.named_attribute(m["a"])
        table = self.lines("proxies", metric="proxy_auc", subject="teacher", attribute=attribute)
        table = table[(table["low"] > 0.6) & (table["feature"] != attribute) & (table["feature"] != "(all)")]
        table = table[[self.shown_column(c) == m["c"] for c in table["feature"]]]
        self.any_figure(m["f"], table)
        said = [s.text for s in self.audit.opening.of("inputs") if f"{m['c']} " in s.text and "which gives" in s.text]
        need(not any(f", which gives {m['a']} away" in text.partition(f"{m['c']} ")[2] for text in said), "said twice")

    def tiny(self, m: re.Match[str], of_enough: bool = False) -> None:
        table = self.lines("rates", defined=False, subject="teacher")
        table = table[
            table["metric"].isin(["selection_rate", "mean_prediction"]) & table["status"].isin(["small", "suppressed"])
        ]
        table = table[
            ~table["attribute"].str.contains(" × ") & (table["reason"].str.contains("worked out") == of_enough)
        ]
        shown = [self.shown_group(a, g) for a, g in zip(table["attribute"], table["group"], strict=True)]
        names = re.split(r", | and ", m["list"])
        need(names == shown[: len(names)], "other groups")
        need(len(shown) - len(names) == int(m["n"] or 0), "another number of groups")

    def of_next(self, r: str, f: str) -> list[Any]:
        return [
            ("next", rf"Use (?P<s>.+?): the (?P<which>only|simplest) student that keeps what you require(?:, also when all (?P<n>\d+) "
                     rf"students are judged together)? \((?P<f>{f})(?: at the level of (?P<l>{NUMBER}) %)?\)(?:; (?P<lines>[\d,]+) lines "
                     r"with (?P<numbers>[\d,]+) numbers to read)?\.", self.use),
            ("next", r"No student can be recommended: none keeps what you require(?: when all (?P<n>\d+) are judged together)?\.",
             lambda m: need(not self.keeping() and int(m["n"] or 1) == len(self.students), "one does")),
            ("next", r"But (?P<s>.+?) (?P<v>does not meet|leaves open|cannot be judged by) (?P<rule>.+): decide about that first\.",
             self.but),
            ("next", r"Find out whether (?P<c>.+) is known when the decision is taken\.", self.known),
            ("next", r"Decide whether the model may use (?P<list>.+): (?P<w>it|each) alone turns decisions\.", self.may_use),
            ("next", r"Name the decision that people want, favorable=…: then gaps between groups can be judged\.",
             lambda m: need(self.audit.favorable is None and self.audit.classes is not None, "somebody said it")),
            ("next", r"Say what you require, such as requirements=\{\"fidelity\.(?P<m>agreement|r2)\": \">= 0\.95\"\}: then it is said who meets it\.",
             lambda m: need(not self.audit.requirements and (m["m"] == "r2") == (self.audit.task == "regression"), "somebody did")),
            ("next", rf"About (?P<n>[\d,]+) more {r}(?: of (?P<g>.+?), and of the others in proportion,)? would decide (?P<rule>.+) for "
                     r"(?P<s>.+?) with 80 % power, if what was measured is the truth\.", self.more_rows),
            ("next", r"Repeat this audit: (?P<call>.+)\.", self.call),
        ]  # fmt: skip

    def keeping(self) -> list[str]:
        table = self.frames["recommendation"]
        names = []
        for student in self.students:
            mine = table[table["subject"] == student]
            if len(mine) and set(mine["rule"]) == set(table["rule"]) and (mine["verdict"] == "pass").all():
                names.append(student)
        return names

    def use(self, m: re.Match[str]) -> None:
        student, keeping = self.subject(m["s"]), self.keeping()
        sizes = self.frames["complexity"].set_index("subject")
        simplest = min(keeping, key=lambda s: (sizes.loc[s, "n_numbers"], sizes.loc[s, "n_lines"])) if keeping else ""
        need(student == simplest, f"{simplest!r} is the simplest that keeps it")
        lines = self.frames["recommendation"].query("subject == @student")
        line = self.any_figure(m["f"], lines)
        for one in lines.to_dict("records"):
            rule = next(t for k, t in self.audit.requirements.items() if one["rule"].startswith(f"{k} "))
            need(again(one, rule) == "pass", "the interval says otherwise")
        count = len(self.students)
        need((m["which"] == "only") == (count == 1), "how many students there are")
        need(int(m["n"] or 1) == count, "how many students there are")
        if m["l"]:
            same(m["l"], line["level"], 100, "level")
            need(abs(line["level"] - (1 - 0.05 / count)) < 1e-12, "level")
        for column in ("lines", "numbers"):
            if m[column]:
                same(m[column], sizes.loc[student, f"n_{column}"], 1, column)

    def but(self, m: re.Match[str]) -> None:
        table = self.frames["verdicts"]
        mine = table[(table["rule"] == m["rule"]) & (table["subject"] == self.subject(m["s"]))]
        words = {"fail": "does not meet", "inconclusive": "leaves open", "cannot say": "cannot be judged by"}
        need(len(mine) > 0 and words.get(worst_of(mine["verdict"])) == m["v"], "another verdict")
        used = [s.text for s in self.audit.opening.of("next") if s.text.startswith("Use ")]
        need(bool(used) and used[0].startswith(f"Use {m['s']}:"), "another student")

    def known(self, m: re.Match[str]) -> None:
        table = self.frames["teacher"]
        self.column(m["c"], list(table.loc[table["suspicious"].eq(True), "feature"]))

    def may_use(self, m: re.Match[str]) -> None:
        names = re.split(r", | and ", m["list"])
        table = self.lines("flips", metric="flip_rate", subject="teacher")
        turning = dict.fromkeys(table.loc[table["estimate"] > 0, "attribute"])
        need(names == [self.shown_column(c) for c in turning], "other columns turn decisions")
        need((m["w"] == "it") == (len(names) == 1), "number")

    def more_rows(self, m: re.Match[str]) -> None:
        table = self.frames["verdicts"]
        mine = table[(table["subject"] == self.subject(m["s"])) & (table["verdict"] == "inconclusive")]
        mine = mine[[plain_rule(rule) == plain_rule(m["rule"]) for rule in mine["rule"]]]
        need(len(mine) > 0, "it is not open")
        rule = next(t for k, t in self.audit.requirements.items() if m["rule"].startswith(f"{k} "))
        shown = value(m["n"])[0]
        fits = False
        for line in mine.to_dict("records"):
            more = rows_needed(line, rule)
            unit = 10 ** max(0, math.floor(math.log10(max(more, 1))) - 1)
            group = (
                str(line["group"] or "").split(" against ")[0]
                if "_worst_" in line["metric"]
                else str(line["group"] or "")
            )
            named = not group or self.shown_group(line["attribute"], group) == m["g"]
            fits |= named and bool(group) == bool(m["g"]) and shown == math.ceil(max(more, 1.0) / unit - 1e-9) * unit
        need(fits, "another number of rows, or another group")

    def call(self, m: re.Match[str]) -> None:
        if self.audit.command:
            return need(m["call"] == self.audit.command, "another command")
        favorable, threshold = self.audit.favorable, self.audit.threshold
        words = ["teacher, students, X, y"]
        words += [f"sensitive={self.singles()!r}"] if self.singles() else []
        words += [] if favorable is None else [f"favorable={getattr(favorable, 'item', lambda: favorable)()!r}"]
        words += [] if threshold == 0.5 else [f"threshold={threshold!r}"]
        words += [f"requirements={dict(self.audit.requirements)!r}"] if self.audit.requirements else []
        words.append(f"random_state={self.audit.manifest['seeds']['audit']}")
        return need(m["call"] == f"xd.audit({', '.join(words)})", "another call")

    def finished(self) -> None:
        """Nobody is passed over: every student is spoken of, every sensitive column."""
        missing = [s for s in self.students if s not in self.spoken]
        need(not missing, f"nothing is said of {missing}")
        directed = self.audit.favorable is not None or self.audit.classes is None
        need(not directed or self.attributes == self.singles(), "not every sensitive column is told of")


def contradictions(audit: Any, opening: Any = None) -> list[tuple[str, str]]:
    """Sentences that the frames contradict, each with what is wrong; none where all hold."""
    checker, wrong = Checker(audit), []
    sentences = (opening or audit.opening).sentences
    for sentence in sentences:
        try:
            checker.check(sentence)
        except ContradictionError as error:
            wrong.append((sentence.text, str(error)))
        except (KeyError, IndexError, ValueError, StopIteration) as error:  # what a swapped name leads to
            wrong.append((sentence.text, f"{type(error).__name__}: {error}"))
    try:
        checker.finished()
    except ContradictionError as error:
        wrong.append(("", str(error)))
    return wrong


class Change:
    """Whether a sentence in place of another is noticed; what was read before it is read once."""

    def __init__(self, audit: Any) -> None:
        self.audit, self.before = audit, []
        checker = Checker(audit)
        for sentence in audit.opening.sentences:
            self.before.append(checker.copied())
            checker.check(sentence)

    def is_noticed(self, opening: Any) -> bool:
        sentences = opening.sentences
        place = next(i for i, (a, b) in enumerate(zip(sentences, self.audit.opening.sentences, strict=True)) if a != b)
        checker = self.before[place].copied()
        try:
            for sentence in sentences[place:]:
                checker.check(sentence)
            checker.finished()
        except (ContradictionError, KeyError, IndexError, ValueError, StopIteration):
            return True
        return False
