"""A reader of printed rules, written from the grammar alone: it shares no line with what prints them."""

from __future__ import annotations

import json
import re

import pandas as pd

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|<=|[<>{},()]|[^\s{},()<>"]+)')
WORDS = {"and", "or", "not", "in", "is", "missing", "known", "anything"}


def tokens(text):
    """Split into quoted texts, signs and words."""
    at, out = 0, []
    while at < len(text.rstrip()):
        match = TOKEN.match(text, at)
        assert match, f"cannot read {text[at:]!r}"
        out.append(match[1])
        at = match.end()
    return out


class Reader:
    """Recursive descent over ``rule = part and part …``."""

    def __init__(self, text):
        self.tokens, self.at = tokens(text), 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted):
        token = self.peek()
        assert not wanted or token in wanted, f"expected {wanted}, got {token!r} in {self.tokens}"
        self.at += 1
        return token

    def rule(self):
        if self.peek() == "always":
            return []
        parts = [self.part()]
        while self.peek() == "and":
            self.take("and")
            parts.append(self.part())
        assert self.at == len(self.tokens), f"more than a rule: {self.tokens[self.at :]}"
        return parts

    def part(self):
        bracket = self.peek() == "("
        if bracket:
            self.take("(")
        literal = self.literal()
        if bracket:
            self.take(")")
        return literal

    def words(self):
        """A name or a bound: one quoted text, or plain words up to the next sign or word of the grammar."""
        if self.peek().startswith('"'):
            return json.loads(self.take())
        out = []
        while self.peek() and self.peek() not in WORDS and self.peek() not in ("<=", "<", ">", "{", "}", ",", "(", ")"):
            out.append(self.take())
        return " ".join(out)

    def literal(self):
        first = self.words()
        test = {"name": first, "missing": False}
        sign = self.take("<=", "<", ">", "is", "in", "not")
        if sign == "<":
            test |= {"low": first, "name": self.words()}
            self.take("<=")
            test["high"] = self.words()
        elif sign in ("<=", ">"):
            test["high" if sign == "<=" else "low"] = self.words()
        elif sign == "is":
            self.after_is(test)
        else:
            if sign == "not":
                self.take("in")
            test |= {"levels": self.levels(), "inside": sign == "in"}
        if self.peek() == ",":
            self.take(",")
            self.take("or")
            self.take("missing")
            test["missing"] = True
        return test

    def after_is(self, test):
        if self.peek() in ("known", "missing", "anything"):
            word = self.take()
            test |= {"levels": [], "inside": word == "missing", "missing": word != "known"}
            return
        inside = self.peek() != "not"
        if not inside:
            self.take("not")
        test |= {"levels": [self.level()], "inside": inside}

    def level(self):
        quoted = self.peek().startswith('"')
        return self.words(), quoted

    def levels(self):
        self.take("{")
        out = [self.level()]
        while self.peek() == ",":
            self.take(",")
            out.append(self.level())
        self.take("}")
        return out


def is_level(value, level):
    """Whether a value of the rows is the level printed: quoted for text, bare for numbers, yes and no for flags."""
    text, quoted = level
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return text == ("yes" if value else "no")
    if quoted:
        return str(value) == text
    return not isinstance(value, str) and float(value) == float(text)


def as_bound(text, value, order):
    if order is not None:
        return order.index(text)
    return pd.Timestamp(text) if isinstance(value, pd.Timestamp) else float(text)


def meets(value, test, order=None):
    """Whether one raw value meets one literal."""
    if pd.isna(value) or (order is not None and value not in order):
        return test["missing"]  # an unseen value of an order counts as missing
    if "levels" in test:
        return any(is_level(value, level) for level in test["levels"]) == test["inside"]
    place = order.index(value) if order is not None else value
    place = place if isinstance(place, pd.Timestamp) else float(place)
    above = "low" not in test or place > as_bound(test["low"], value, order)
    return above and ("high" not in test or place <= as_bound(test["high"], value, order))


def holds(X, text, orders=()):
    """Which rows of a frame meet a printed rule, as a list of bools; ``orders``: levels of ordered columns by name."""
    rule = Reader(text).rule()
    orders = dict(orders)
    columns = {str(name): X[name] for name in X.columns}
    return [all(meets(columns[t["name"]].iloc[i], t, orders.get(t["name"])) for t in rule) for i in range(len(X))]
