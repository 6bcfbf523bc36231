"""A figure as small, clean, deterministic SVG text."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Any

from explaindistill.plots.canvas import BAND, GRID, INK, MUTED, PAPER, SERIES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["svg"]

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "line", PAPER: "paper", BAND: "band"} | {
    colour: f"s{i}" for i, colour in enumerate(SERIES)
}
_COLOUR = re.compile("|".join(_VARIABLES), re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_SILENT = {  # values that SVG has anyway
    "stroke-linejoin": {"miter", "round"},
    "stroke-linecap": {"butt", "square", "round"},
    "stroke-opacity": {"1"},
    "fill-opacity": {"1"},
    "opacity": {"1"},
    "stroke-width": {"1"},
}
_NAMES = {"font-family", "font-style", "font-variant", "font-stretch", "font-size-adjust"}


_NOTHING = re.compile(r"rotate\(-?0 [^)]*\)")
_GAP = re.compile(r"\s*([A-Za-z])\s*")


def svg(fig: Figure, id: str, title: str, desc: str) -> str:
    """SVG text of a figure: colours are CSS variables, identifiers start with ``id``, words stay words.

    Parameters
    ----------
    fig : Figure
    id : str
        Prefix of every identifier; unique on the page.
    title, desc : str
        What the drawing is, and what it says to someone who cannot see it.

    Returns
    -------
    str
        One ``<svg>`` element without declaration, date or network address; the same bytes each time.

    Examples
    --------
    >>> from explaindistill.plots import figure, svg
    >>> fig = figure(2, 1)
    >>> text = svg(fig, "empty", "Nothing", "An empty drawing.")
    >>> text[:4], "Nothing</title>" in text, "matplotlib" in text
    ('<svg', True, False)
    """
    root = ET.fromstring(_raw(fig))
    _prune(root)
    _gather(root)
    _rename(root, id)
    view = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib |= {"viewBox": view, "role": "img", "aria-labelledby": f"{id}-title {id}-desc", "class": "plot"}
    for position, (tag, text) in enumerate((("title", title), ("desc", desc))):
        element = ET.Element(_SVG + tag, {"id": f"{id}-{tag}"})
        element.text = text
        root.insert(position, element)
    ET.register_namespace("", _SVG.strip("{}"))
    return _tidy(ET.tostring(root, encoding="unicode"))


def _raw(fig: Figure) -> bytes:
    import matplotlib as mpl

    buffer = BytesIO()
    plain: Any = {"svg.fonttype": "none", "svg.hashsalt": "explaindistill", "font.family": "DejaVu Sans"}
    silent = {key: None for key in ("Date", "Creator", "Format", "Type")}
    with mpl.rc_context(plain), warnings.catch_warnings():
        # The browser has the glyphs that our font lacks; only their width is guessed.
        warnings.filterwarnings("ignore", message=".*missing from font")
        warnings.filterwarnings("ignore", message=".*does not currently support")
        fig.savefig(buffer, format="svg", transparent=True, metadata=silent)
    return buffer.getvalue()


def _prune(element: ET.Element) -> None:
    """Drop metadata, empty groups and style sheets; a group that says nothing gives its place to its children."""
    children: list[ET.Element] = []
    for child in element:
        _prune(child)
        tag = child.tag.removeprefix(_SVG) if isinstance(child.tag, str) else ""
        if tag in {"", "metadata", "style", "clipPath"} or (tag in {"g", "defs"} and not len(child)):
            continue
        _restyle(child)
        if tag == "path" and child.get("style", "").replace("fill:none", "") == "" and "id" not in child.attrib:
            continue
        if tag == "g" and not set(child.attrib) - {"id"}:
            children.extend(child)
        else:
            children.append(child)
    element[:] = children
    element.text = element.text if element.tag in {_SVG + "text", _SVG + "tspan"} else None
    element.tail = None


def _restyle(element: ET.Element) -> None:
    style = element.attrib.pop("style", "")
    rules: list[str] = []
    for rule in filter(None, map(str.strip, style.split(";"))):
        key, _, value = map(str.strip, rule.partition(":"))
        if key == "font":
            size = re.search(r"([\d.]+)px", value)
            rules.append(f"font-size:{float(size.group(1)):g}px" if size else "")
            rules.extend(["font-weight:700"] if re.search(r"\bbold\b|\b[6-9]00\b", value) else [])
        elif key not in _NAMES and value not in _SILENT.get(key, ()):
            rules.append(f"{key}:{value}")
    if any(rules):
        element.set(
            "style", _COLOUR.sub(lambda m: f"var(--{_VARIABLES[m.group().lower()]})", ";".join(filter(None, rules)))
        )
    element.attrib.pop("clip-path", None)  # what we draw stays inside its axes; whole markers may touch the edge
    for key in ("d", "transform", "x", "y", "width", "height", "points"):
        if key in element.attrib:
            element.set(key, _NUMBER.sub(_round, " ".join(element.attrib[key].split())))
    if "d" in element.attrib:
        element.set("d", _GAP.sub(r"\1", element.attrib["d"]))
    if _NOTHING.fullmatch(element.get("transform", "")):
        del element.attrib["transform"]


def _round(match: re.Match[str]) -> str:
    return f"{round(float(match.group()), 1):g}"


def _gather(parent: ET.Element) -> None:
    """Neighbours of one style share it in a group, so that it is written once, and their lines are one path.

    Words come last: they stand on top of lines, and those of one look beside each other.
    """
    for child in parent:
        _gather(child)
    words = [child for child in parent if child.tag == _SVG + "text"]
    elements: list[ET.Element] = []
    for style, run in groupby(
        [*(child for child in parent if child.tag != _SVG + "text"), *words], key=lambda e: e.get("style", "")
    ):
        members = _one_path(list(run), style)
        if not style or len(members) < 2:
            elements.extend(members)
            continue
        group = ET.Element(_SVG + "g", {"style": style})
        for member in members:
            del member.attrib["style"]
            group.append(member)
        elements.append(group)
    parent[:] = elements


def _one_path(members: list[ET.Element], style: str) -> list[ET.Element]:
    """Lines of one style as one; dashes begin anew with each line in a path, too, and nothing is filled."""
    lines = [m for m in members if m.tag == _SVG + "path" and set(m.attrib) == {"style", "d"}]
    if "fill:none" not in style or len(lines) < 2 or len(lines) < len(members):
        return members
    lines[0].set("d", "".join(line.attrib["d"] for line in lines))
    return lines[:1]


def _rename(root: ET.Element, prefix: str) -> None:
    """Give what is referred to short fixed names in reading order, and take the names of all else away."""
    text = ET.tostring(root, encoding="unicode")
    targets = set(re.findall(r"url\(#([^)]+)\)", text)) | {
        e.attrib[_LINK].lstrip("#") for e in root.iter() if _LINK in e.attrib
    }
    names: dict[str, str] = {}
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in targets and old is not None:
            names[old] = f"{prefix}-{len(names)}"
            element.set("id", names[old])
    for element in root.iter():
        if _LINK in element.attrib:
            element.set("href", "#" + names[element.attrib.pop(_LINK).lstrip("#")])
        for key, value in element.attrib.items():
            if "url(#" in value:
                element.set(key, re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{names[m.group(1)]})", value))


def _tidy(text: str) -> str:
    return re.sub(r"\s+/>", "/>", text).replace("\n", "")
