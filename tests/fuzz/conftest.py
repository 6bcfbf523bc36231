"""Lets the tests of this folder, and ``run.py``, import their neighbours as ``fuzz.fits`` and so on."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
