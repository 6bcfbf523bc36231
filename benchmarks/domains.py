"""Texts, images and sounds distilled into named columns, against peers in the same run.

``--what text`` (movie reviews of ``EXPLAINDISTILL_DATA``, and made-up sentences), ``--what image``, ``--what audio``;
several may be named. Five seeds: of teachers and of the objects that they are trained on. Objects that judge were set
aside once, chose nothing, and are the same in all seeds. ``--quick`` runs one seed on less data.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

sys.path.append(sys.path.pop(0))

from _bars import Bars, options

SEEDS = 5
HERE = Path(__file__).parent
WHAT = [what for what in ("text", "image", "audio") if (HERE / f"_domains_{what}.py").exists()]


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", choices=WHAT, default=WHAT, help="domains to measure")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds of teachers and objects")
    args = parser.parse_args(argv)
    bars = Bars(f"domains: {', '.join(args.what)}")
    for what in args.what:
        module = importlib.import_module(f"_domains_{what}")
        for row in module.rows(args.quick, 1 if args.quick else args.seeds):
            bars.add(**row)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
