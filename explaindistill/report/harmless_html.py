"""HTML that somebody else wrote, without all that could run, load or leave its place."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

__all__ = ["harmless"]

TAGS = frozenset(
    {
        "audio", "b", "bdi", "br", "caption", "code", "del", "div", "em", "figcaption", "figure", "hr", "i", "img",
        "ins", "li", "mark", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td",
        "th", "thead", "tr", "u", "ul",
    }
)  # fmt: skip
"""Tags that format text; all others are left out, and what stands in them is text."""
VOID = frozenset({"br", "hr", "img"})
SWALLOWED = frozenset({"script", "style", "template", "iframe", "object", "title", "noscript", "svg", "math"})
"""Tags whose content is no text for a reader either."""
ATTRIBUTES = frozenset({"alt", "aria-label", "colspan", "dir", "height", "lang", "rowspan", "scope", "title", "width"})
STYLES = re.compile(
    r"(background|background-color|border(-(bottom|top|left|right))?|color|font-size|font-style|font-weight|"
    r"margin|max-width|min-width|overflow-wrap|padding|text-align|text-decoration|unicode-bidi|vertical-align|"
    r"white-space)\s*:\s*[-\w\s#.,%()]+"
)
"""Declarations that colour and set text; none of them reaches outside of its element or loads anything."""
LOADS = re.compile(r"url|expression|import|var\s*\(", re.IGNORECASE)
LEAVES = re.compile(r"margin\s*:.*-", re.IGNORECASE)
"""A margin below 0 would lay an object over what the page itself says."""
EMBEDDED = {
    "audio": re.compile(r"data:audio/wav;base64,[A-Za-z0-9+/=]+"),
    "img": re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=]+"),
}
"""What may be embedded, by the tag that shows it; a sound has its controls and never begins by itself."""


def harmless(html: str) -> str:
    """The same HTML with formatting tags, their titles and colours, pictures and sounds alone; it is well formed.

    Parameters
    ----------
    html : str

    Examples
    --------
    >>> harmless('<p onclick="x()">so <mark title="+0.9">good</mark><script>alert(1)</script></p><a href="x">go</a>')
    '<p>so <mark title="+0.9">good</mark></p>go'
    >>> harmless("1 < 2 </div> <b>bold"), harmless('<span style="color:#111;position:fixed">a</span>')
    ('1 &lt; 2  <b>bold</b>', '<span style="color:#111">a</span>')
    """
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    return cleaner.text()


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SWALLOWED:
            self._silent.append(tag)
        if self._silent or tag not in TAGS:
            return
        attributes = _attributes(tag, attrs)
        if tag in EMBEDDED and "src" not in dict(attributes):
            return
        written = " controls" if tag == "audio" else ""
        written += "".join(f' {name}="{escape(value)}"' for name, value in attributes)
        self._out.append(f"<{tag}{written}>")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
            return
        if tag not in self._open:
            return
        while self._open:
            last = self._open.pop()
            self._out.append(f"</{last}>")
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._out.append(escape(data, quote=False))

    def text(self) -> str:
        return "".join(self._out) + "".join(f"</{tag}>" for tag in reversed(self._open))


def _attributes(tag: str, attrs: list[tuple[str, str | None]]) -> list[tuple[str, str]]:
    harmless_ones = []
    for name, value in attrs:
        if value is None:
            continue
        if name in ATTRIBUTES or (name == "src" and tag in EMBEDDED and EMBEDDED[tag].fullmatch(value)):
            harmless_ones.append((name, value))
        elif name == "style" and (style := _style(value)):
            harmless_ones.append((name, style))
    return harmless_ones


def _style(value: str) -> str:
    rules = (rule.strip() for rule in value.split(";"))
    inside = (rule for rule in rules if STYLES.fullmatch(rule) and not LEAVES.match(rule))
    return ";".join(rule for rule in inside if not LOADS.search(rule))
