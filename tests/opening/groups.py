"""Sentences about groups: gaps, what was passed on, which inputs carry it."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
from scipy import stats

from opening.names import Names
from opening.reading import (
    FIGURE,
    NUMBER,
    Z,
    figure,
    need,
    parts_of_rule,
    same,
    value,
    worst_of,
)


class Groups(Names):
    """The grammar of bias and of inputs."""

    def of_bias(self, r: str, f: str) -> list[Any]:
        verbs = (
            "carries it over|carry it over|makes it larger|make it larger|shows only part of it|show only part of it|"
        )
        verbs += "hides it|hide it|turns it round|turn it round"
        self.verbs = verbs
        return [
            ("bias", r"No sensitive column was named, so nothing can be said about bias: name them, as in sensitive=\[…\]\.",
             lambda m: need(not self.singles(), "there are some")),
            ("bias", r"Cannot say: nobody said which decision people want, and it is never guessed\.",
             lambda m: need(self.audit.favorable is None and self.audit.classes is not None, "somebody said it")),
            ("bias", r"By (?P<a>.+?) nothing can be said(?:: (?P<why>.+))?\.", self.nothing),
            ("bias", rf"(?:Among (?P<a>.+?), t|T)he teacher decides “(?P<c>.+?)” for (?P<r1>{NUMBER}) of 100 (?P<g1>.+?) and "
                     rf"(?P<r2>{NUMBER}) of 100 (?P<g2>.+?): (?P<f>{f}) (?P<v>fewer|more)\.", self.gap_of_rates),
            ("bias", rf"(?:Among (?P<a>.+?), t|T)he teacher's mean answer is (?P<r1>{NUMBER}) for (?P<g1>.+?) and (?P<r2>{NUMBER}) "
                     rf"for (?P<g2>.+?): (?P<f>{f}) (?P<v>lower|higher)\.", self.gap_of_means),
            ("bias", rf"By (?P<a>.+?) no gap of the teacher can be told from chance; the widest, (?P<g1>.+?) against (?P<g2>.+?), "
                     rf"is (?P<f>{f})\.", self.no_gap),
            ("bias", rf"(?P<s>.+?) has a gap there that grew: moved by (?P<f>{f})\.", self.grew),
            ("bias", rf"(?P<all>(?:.+? (?:{verbs})|[Ww]hat it became cannot be said of .+?|[Oo]f .+? it was not measured)(?:; .+?)?)"
                     r"(?:, measured between (?P<g1>.+?) and (?P<g2>.+?))?\.", self.passed),
            ("bias", rf"You require that a student decides like the teacher on at least (?P<b>[\d.]+) % of {r}\.",
             lambda m: self.require("fidelity.agreement", f">= {float(m['b']) / 100:g}")),
            ("bias", r"You require that no group gets the wanted decision less than (?P<b>[\d.]+) % as often as another\.",
             lambda m: self.require("bias.worst_impact_ratio", f">= {float(m['b']) / 100:g}")),
            ("bias", r"You require (?P<key>[\w.]+(?:\[.*?\])?) (?P<rule>.+)\.", lambda m: self.require(m["key"], m["rule"])),
            ("bias", r"What comes of it cannot be said(?:: (?P<why>.+))?\.", lambda m: self.because(m["why"], self.of_requirement(""))),
            ("bias", r"(?P<list>.+?) (?P<v>does not meet it|do not meet it|leaves it open|leave it open|meets it|meet it|"
                     r"cannot be judged)(?:: (?P<why>.+))?\.", self.several),
        ]  # fmt: skip

    def next_attribute(self, name: str | None = None) -> str:
        """Whole groups are told in the order of the caller, each once."""
        whole = self.singles()
        need(len(self.attributes) < len(whole), "more attributes than there are")
        attribute = whole[len(self.attributes)]
        need(name is None or name == attribute, f"{name} is not the next attribute")
        self.attributes.append(attribute)
        return attribute

    def nothing(self, m: re.Match[str]) -> None:
        attribute = self.next_attribute(self.named_attribute(m["a"]))
        need(self.widest(attribute) is None, "it was measured")
        if m["why"] is not None:
            self.because(m["why"], self.lines("gaps", defined=False, attribute=attribute, subject="teacher"))

    def widest(self, attribute: str) -> Any:
        """The widest gap of the teacher with its joint limits, derived from the frames."""
        if self.audit.task == "classification":
            table = self.lines("worst_pairs", metric="selection_rate_worst_difference", subject="teacher",
                               attribute=attribute, status="ok")  # fmt: skip
            table = table[table["low"].notna() & table["high"].notna()]
            return None if table.empty else table.iloc[0].to_dict()
        table = self.lines(
            "gaps", metric="mean_prediction_difference", subject="teacher", attribute=attribute, status="ok"
        )
        table = table[table["low"].notna() & table["high"].notna()]
        if table.empty:
            return None
        line = table.loc[table["estimate"].abs().idxmax()].to_dict()
        wider = stats.norm.ppf(1 - 0.025 / len(table)) / Z
        low = line["estimate"] - wider * (line["estimate"] - line["low"])
        return line | {"low": low, "high": line["estimate"] + wider * (line["high"] - line["estimate"])}

    def pair(self, m: re.Match[str], crossed: bool) -> dict[str, Any]:
        attribute = self.named_attribute(m["a"]) if crossed or "no gap" in m[0] else None
        if not crossed:
            attribute = self.next_attribute(attribute)
        line = self.widest(attribute)
        need(line is not None, f"{attribute} was not measured")
        for side, text in (("group", m["g1"]), ("reference", m["g2"])):
            need(self.shown_group(attribute, line[side]) == text, f"{text} is not the {side}")
        self.gap = line
        return line

    def size(self, text: str, line: dict[str, Any]) -> None:
        low, high = sorted((abs(line["low"]), abs(line["high"])))
        figure(text, {"estimate": abs(line["estimate"]), "low": low, "high": high}, "gap")

    def gap_of_rates(self, m: re.Match[str]) -> None:
        line = self.pair(m, m["a"] is not None)
        need(line["low"] > 0 or line["high"] < 0, "the gap is not sure")
        shown = str(self.audit.favorable)
        need(m["c"] == self.audit.names.as_dict().get("classes", {}).get(shown, shown), "another class")
        self.size(m["f"], line)
        need((line["estimate"] < 0) == (m["v"] == "fewer"), "the other way round")
        self.rates(m, line, "selection_rate", 100)

    def rates(self, m: re.Match[str], line: dict[str, Any], metric: str, scale: float) -> None:
        for text, side in ((m["r1"], "group"), (m["r2"], "reference")):
            rate = self.one("rates", metric=metric, subject="teacher", attribute=line["attribute"], group=line[side])
            same(text, rate["estimate"], scale, f"rate of {line[side]}")

    def gap_of_means(self, m: re.Match[str]) -> None:
        line = self.pair(m, m["a"] is not None)
        need(line["low"] > 0 or line["high"] < 0, "the gap is not sure")
        self.size(m["f"], line)
        need((line["estimate"] < 0) == (m["v"] == "lower"), "the other way round")
        self.rates(m, line, "mean_prediction", 1)

    def no_gap(self, m: re.Match[str]) -> None:
        line = self.pair(m, crossed=False)
        need(not (line["low"] > 0 or line["high"] < 0), "the gap is sure")
        figure(m["f"], line, "gap")

    def moved(self, student: str, text: str) -> Any:
        """The shift of a student between the groups of the gap, or of its group and another reference."""
        metric = "transfer" if self.audit.task == "classification" else "mean_transfer"
        sides = {self.gap["group"], self.gap["reference"]}
        table = self.lines("transfer", metric=metric, subject=student, attribute=self.gap["attribute"])
        exact = table[[{g, r} == sides for g, r in zip(table["group"], table["reference"], strict=True)]]
        table = exact if len(exact) else table[table["group"] == self.gap["group"]]
        need(len(table) > 0, f"the shift of {student} was not measured")
        figure(text, table.iloc[0], f"shift of {student}")
        self.spoken.add(student)
        return table.iloc[0]

    def grew(self, m: re.Match[str]) -> None:
        need(self.moved(self.subject(m["s"]), m["f"])["verdict"] == "amplified", "it did not")

    def passed(self, m: re.Match[str]) -> None:
        need(self.gap is not None, "no gap before")
        words = {"carr": "inherited", "make": "amplified", "show": "reduced", "hide": "hidden", "turn": "reversed"}
        item = rf"(?P<s>{'|'.join(map(re.escape, self.students))}) \(moved by (?P<f>{FIGURE})\)"
        listed: list[str] = []
        for clause in m["all"].split("; "):
            if silent := re.fullmatch(r"[Oo]f (?P<list>.+) it was not measured", clause):
                listed += self.split_names(silent["list"])
                continue
            items = list(re.finditer(item, clause))
            need(len(items) > 0, f"{clause!r} names nobody")
            rest = re.sub(rf"(?:, | and )?(?:{item.replace('?P<s>', '').replace('?P<f>', '')})", "@", clause)
            cannot = re.fullmatch(r"[Ww]hat it became cannot be said of @+", rest)
            claim = re.fullmatch(rf"@+ ({self.verbs})", rest)
            need(bool(cannot or claim), f"{clause!r} cannot be read")
            verdict = "cannot say" if cannot else words[claim[1][:4]]
            if claim:
                plural = claim[1].split(" ")[0] in {"carry", "make", "show", "hide", "turn"}
                need(plural == (len(items) > 1), "number of the verb")
            for one in items:
                line = self.moved(one["s"], one["f"])
                need(line["verdict"] == verdict, f"{one['s']}: {verdict} is written, {line['verdict']} was measured")
                listed.append(one["s"])
        need(sorted(listed) == sorted(self.students), "not every student once")
        if m["g1"]:
            table = self.lines("transfer", attribute=self.gap["attribute"], group=self.gap["group"])
            shown = [self.shown_group(self.gap["attribute"], x) for x in table["reference"]]
            need(m["g2"] in shown, "another reference")
            need(m["g1"] == self.shown_group(self.gap["attribute"], self.gap["group"]), "another group")

    def several(self, m: re.Match[str], models: list[str] | None = None) -> None:
        verdict = {"do": "fail", "le": "inconclusive", "me": "pass", "ca": "cannot say"}[m["v"][:2]]
        everyone = [*self.students, "the teacher", "The teacher", "the true labels", "The true labels"]
        pattern = rf"(?:^|, | and )(?P<s>{'|'.join(map(re.escape, everyone))})(?: \((?:(?P<where>[^:()]+?): )?(?P<f>{FIGURE})\))?"
        items = list(re.finditer(pattern, m["list"]))
        need("".join(i[0] for i in items) == m["list"], "the list cannot be read")
        need((m["v"].split(" ")[0] in {"do", "leave", "meet"}) == (len(items) > 1) or verdict == "cannot say", "number")
        for one in items:
            table = self.verdict_is(self.subject(one["s"]), verdict)
            if verdict != "cannot say":
                line = self.any_figure(one["f"], table)
                self.where(one["where"], line, named=len(items) <= 2)
                self.not_on_the_bound(one["f"], line)
        if verdict == "cannot say" and m["why"] is not None:
            self.because(m["why"], self.of_requirement(self.subject(items[0]["s"])))
        others = set(self.frames["verdicts"].loc[self.frames["verdicts"]["rule"].str.startswith(
            f"{self.requirement[0]} "), "subject"]) - {""}  # fmt: skip
        others = others if models is None else others & set(models)
        mine = {s for s in others if worst_of(self.of_requirement(s)["verdict"]) == verdict}
        need({self.subject(one["s"]) for one in items} == mine, "not all models of this verdict")

    def not_on_the_bound(self, text: str, line: dict[str, Any]) -> None:
        """A figure that is not the bound is not written as if it were."""
        for end in parts_of_rule(self.requirement[1])[1]:
            number, half = value(re.match(NUMBER, text)[0])
            scale = 100 if " %" in text or " points" in text else 1
            need(line["estimate"] == end or abs(number - scale * end) > 1e-12 or half < 1e-6, "rounded onto the bound")

    def where(self, text: str | None, line: dict[str, Any], named: bool) -> None:
        group = str(line.get("group") or "")
        need((bool(group) and named) == bool(text), "the place")
        if text:
            sides = group.split(" against ") if "_worst_" in line["metric"] else [group]
            shown = [self.shown_group(line["attribute"], side, bare=True) for side in sides]
            plain = " × " in line["attribute"] or shown != sides
            words = " against ".join(shown)
            need(text == (words if plain else f"{self.shown_column(line['attribute'])} = {words}"), "another place")

    def of_inputs(self, f: str) -> list[Any]:
        return [
            ("inputs", rf"Of the teacher's gap in the (?P<k>mean probability|mean answer) between (?P<g1>.+?) and (?P<g2>.+?), "
                       rf"(?P<f>{f}), no single column carries a share that can be told from chance\.",
             lambda m: self.parts(m, [])),
            ("inputs", rf"Of the teacher's gap in the (?P<k>mean probability|mean answer) between (?P<g1>.+?) and (?P<g2>.+?), "
                       rf"(?P<f>{f}), (?P<first>.+?) carries (?P<rest>.+)\.", self.carried),
            ("inputs", r"Which inputs carry the gap by (?P<a>.+?) was not measured(?:: (?P<why>.+))?\.", self.not_carried),
            ("inputs", r"The teacher's answers change most where these are shuffled, by permutation importance: (?P<list>.+)\.",
             self.shuffled),
            ("inputs", r"Cannot say(?:: (?P<why>.+))?\.", self.not_weighed),
        ]  # fmt: skip

    def not_weighed(self, m: re.Match[str]) -> None:
        need(self.lines("importance", metric="permutation", subject="teacher").empty, "it was measured")
        self.because(m["why"], self.lines("importance", defined=False, metric="permutation", subject="teacher"))

    def first_sure(self) -> Any:
        for attribute in self.singles():
            line = self.widest(attribute) if self.audit.favorable is not None or self.audit.classes is None else None
            if line is not None and (line["low"] > 0 or line["high"] < 0):
                return line
        return None

    def parts_of(self) -> pd.DataFrame:
        gap = self.first_sure()
        need(gap is not None, "no gap is sure")
        table = self.lines("attribution_gaps", subject="teacher", attribute=gap["attribute"])
        if table.empty:
            return table
        table = table[table["subset"].isin(["probability", "value"]) & table["low"].notna() & table["high"].notna()]
        sides = {gap["group"], gap["reference"]}
        exact = [{g, r} == sides for g, r in zip(table["group"], table["reference"], strict=True)]
        near = [gap["group"] in {g, r} for g, r in zip(table["group"], table["reference"], strict=True)]
        return table[exact] if any(exact) else table[near]

    def not_carried(self, m: re.Match[str]) -> None:
        need(self.shown_column(self.first_sure()["attribute"]) == m["a"], "another column")
        table = self.parts_of()
        if m["why"] is not None and (
            m["why"] != "n_explained was 0" or self.audit.manifest["measuring"]["n_explained"]
        ):
            self.because(m["why"], self.lines("attribution_gaps", defined=False, subject="teacher"))
        need(table.empty or "attribution_gap_total" not in set(table["metric"]), "it was measured")

    def parts(self, m: re.Match[str], columns: list[str]) -> pd.DataFrame:
        table = self.parts_of()
        whole = table[table["metric"] == "attribution_gap_total"].iloc[0]
        figure(m["f"], whole, "whole gap")
        attribute = whole["attribute"]
        need(m["g1"] == self.shown_group(attribute, whole["group"]), "another group")
        need(m["g2"] == self.shown_group(attribute, whole["reference"]), "another reference")
        table = table[(table["group"] == whole["group"]) & (table["reference"] == whole["reference"])]
        table = table[table["metric"] == "attribution_gap"]
        wider = stats.norm.ppf(1 - 0.025 / len(table)) / Z
        sign = 1 if whole["estimate"] > 0 else -1
        near = sign * table["estimate"] - wider * (
            (table["estimate"] - table["low"]) if sign > 0 else (table["high"] - table["estimate"])
        )
        sure = table[near > 0]
        order = sure.assign(size=sure["estimate"].abs()).sort_values("size", ascending=False, kind="stable")
        need(columns == [self.shown_column(c) for c in order["feature"][:3]], "other columns carry it")
        return table

    def carried(self, m: re.Match[str]) -> None:
        text = f"{m['first']} {m['rest']}"
        shown = sorted(
            {self.shown_column(c) for c in self.frames["attribution_gaps"]["feature"]}, key=len, reverse=True
        )
        away = rf"(?:, which gives (?P<a>.+?) away \(AUC (?P<auc>{FIGURE})\))"
        item = rf"(?:^|, | and )(?P<c>{'|'.join(map(re.escape, shown))}) (?P<f>{FIGURE})(?P<own> \(the column itself\))?{away}?"
        items = list(re.finditer(item, text))
        need("".join(i[0] for i in items) == text, "the parts cannot be read")
        table = self.parts(m, [i["c"] for i in items])
        attribute = self.first_sure()["attribute"]
        for one in items:
            line = table[[self.shown_column(c) == one["c"] for c in table["feature"]]].iloc[0]
            figure(one["f"], line, f"part of {one['c']}")
            need((line["feature"] == attribute) == bool(one["own"]), "whether it is the column itself")
            self.away(one, line, attribute)

    def away(self, one: re.Match[str], line: Any, attribute: str) -> None:
        proxies = self.lines(
            "proxies", metric="proxy_auc", subject="teacher", attribute=attribute, feature=line["feature"]
        )
        proxies = (
            proxies[proxies["group"].isin([line["group"], line["reference"]]) & (proxies["low"] > 0.6)]
            if len(proxies)
            else proxies
        )
        need(bool(one["a"]) == (len(proxies) > 0 and line["feature"] != attribute), "whether it gives the groups away")
        if one["a"]:
            need(one["a"] == self.shown_column(attribute), "another attribute")
            self.any_figure(one["auc"], proxies)

    def shuffled(self, m: re.Match[str]) -> None:
        table = self.lines("importance", metric="permutation", subject="teacher")
        table = table.sort_values(["estimate", "feature"], ascending=[False, True]).head(3)
        items = re.findall(rf"(?:^|, | and )(.+?) \(({FIGURE})\)", m["list"])
        need([c for c, _ in items] == [self.shown_column(c) for c in table["feature"]], "other columns")
        for (name, text), line in zip(items, table.to_dict("records"), strict=True):
            figure(text, line, name)
