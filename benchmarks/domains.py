"""Texts, images and sounds distilled into named columns, against peers in the same run.

``--what text`` (movie reviews of ``EXPLAINDISTILL_DATA``, and made-up sentences), ``--what image``, ``--what audio``;
several may be named. Five seeds: of teachers and of the objects that they are trained on. Objects that judge were set
aside once, chose nothing, and are the same in all seeds. ``--quick`` runs one seed on less data: 68, 30 and 46 seconds
of a processor, measured where a dozen processes shared two.
"""

from __future__ import annotations

import importlib
import sys

sys.path.append(sys.path.pop(0))

from _bars import Bars, options

SEEDS = 5
DOMAINS = ("text", "image", "audio")


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", choices=DOMAINS, default=DOMAINS, help="domains to measure")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds of teachers and objects")
    args = parser.parse_args(argv)
    bars = Bars(f"domains: {', '.join(args.what)}")
    for domain in args.what:
        module = importlib.import_module(f"_domains_{domain}")
        for row in module.rows(args.quick, 1 if args.quick else args.seeds):
            bars.add(**row)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
