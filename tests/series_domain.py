"""The domain of the page "Add a domain", taken from there: what the page shows is what is tested."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "add_a_domain.md"
SOURCE = re.search(r"```python\n# explaindistill/domains/series\.py\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
assert SOURCE is not None
exec(compile(SOURCE[1], str(PAGE), "exec"), globals())
