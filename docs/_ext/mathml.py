"""Formulae as MathML, which browsers draw by themselves: a page that is opened asks no other host for a script."""

from __future__ import annotations

import re

from docutils import nodes
from latex2mathml.converter import convert

__all__ = ["formula", "setup"]

LINES = re.compile(r"\\\\|\\begin\{(?:aligned|align|cases|split)")


def formula(text: str, display: str) -> str:
    """One formula; what stands in several lines without an environment of its own is aligned at ``&``."""
    latex = " ".join(text.split()).replace(r"\arg", r"\operatorname{arg}")  # the converter does not know it
    if LINES.search(latex) and "\\begin" not in latex:
        latex = rf"\begin{{aligned}} {latex} \end{{aligned}}"
    return convert(latex, display=display)


def inline(self, node):
    """A formula within a line."""
    self.body.append(f'<span class="math">{formula(node.astext(), "inline")}</span>')
    raise nodes.SkipNode


def block(self, node):
    """A formula on lines of its own, with its number where it has one."""
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    self.body.append(f'<div class="math">{number}{formula(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def setup(app):
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
