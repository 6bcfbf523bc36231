"""The folder above this one, so that the modules here find each other by one name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
