"""Method and manifest: how everything was measured, and what it takes to repeat it."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Block, Details, Facts, Group, Section, Text
from explaindistill.report.tables import frame_of, plain
from explaindistill.report.words import name

__all__ = ["section"]


def section(audit: Any) -> Section:
    """Definitions in short, the manifest in full, and a place to sign."""
    text = (
        "Rates and agreements carry Wilson score intervals, differences and ratios of groups score intervals corrected "
        "for skewness, of clusters MOVER on Wilson limits; transfer is paired: teacher and student are compared on the "
        "same people. Where a method differs, the results name it. Undefined stays undefined."
    )
    how: list[Block] = [Text(text)]
    frames = [
        f
        for key in ("fidelity", "performance", "rates", "gaps", "transfer")
        if not (f := frame_of(audit, key)).empty and "method" in f
    ]
    methods = sorted({str(m) for f in frames for m in f["method"].dropna()} - {""})
    if methods:
        how.append(Text(f"Methods named in the results: {', '.join(methods)}."))
    students = frame_of(audit, "students")
    if not students.empty:
        how.append(plain(students, "How the students were made"))
    signed = (("Examined by", "…………………………"), ("Date and signature", "…………………………"))
    blocks: tuple[Block, ...] = (
        Details("How everything was measured", tuple(how), id="how"),
        Details("Manifest: digests, seeds, versions", _manifest(audit.manifest), id="manifest"),
        Details("Signature", (Facts(signed),), id="signature"),
    )
    return Section("Method and manifest", 90, blocks)


def _manifest(manifest: dict[str, Any]) -> tuple[Block, ...]:
    flat = [
        (key.replace("_", " "), name(value))
        for key, value in manifest.items()
        if not isinstance(value, (dict, list, tuple)) and value is not None
    ]
    flat += [
        (key.replace("_", " "), ", ".join(name(v) for v in value))
        for key, value in manifest.items()
        if isinstance(value, (list, tuple)) and value
    ]
    nested = [
        Group(name(key.replace("_", " ")).capitalize(), (Facts(tuple((name(k), _flat(v)) for k, v in value.items())),))
        for key, value in manifest.items()
        if isinstance(value, dict) and value
    ]
    return (
        (Facts(tuple((name(k), v) for k, v in flat)), *nested)
        if flat or nested
        else (Text("No manifest was recorded."),)
    )


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name(k)}: {_flat(v)}" for k, v in value.items())
    return "–" if value is None else name(value)
