"""Whether built pages ask another host when they are opened: ``python docs/_ext/offline.py docs/_build/html``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["asked"]

TAG = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc\s*=\s*[\"'](?:https?:)?//[^\"']+"
    r"|<link\b(?=[^>]*rel\s*=\s*[\"'](?:stylesheet|preload|prefetch|preconnect|icon))[^>]*href\s*=\s*[\"'](?:https?:)?//[^\"']+"
    r"|@import\s+(?:url\()?[\"']?(?:https?:)?//[^\"')]+"
    r"|url\(\s*[\"']?(?:https?:)?//[^\"')]+",
    flags=re.IGNORECASE,
)


def asked(folder: Path) -> list[str]:
    """Page or style, and what it loads from elsewhere; links that a reader follows are not among them."""
    pages = sorted(p for kind in ("*.html", "*.css") for p in folder.rglob(kind))
    return [f"{p.relative_to(folder)}: {m.group()[:200]}" for p in pages for m in TAG.finditer(p.read_text("utf-8"))]


if __name__ == "__main__":
    found = asked(Path(sys.argv[1]))
    print("\n".join(found) or "no page asks another host")
    sys.exit(bool(found))
