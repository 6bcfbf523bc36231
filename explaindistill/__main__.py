"""``python -m explaindistill``: the command line."""

import sys

from explaindistill.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
