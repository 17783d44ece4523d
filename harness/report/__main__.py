"""`python -m harness.report [RESULTS ...]`: records in; markdown, HTML, pictures and tables out."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import plan, report
from harness.contracts import InputError

EPILOG = """\
examples:
  python -m harness.report                            results/ -> results/report.md and report.html
  python -m harness.report here there --out all.md    records of several machines in one report
  python -m harness.report new --against old          what changed from old to new
  python -m harness.report --plan conf/plan/mine.yaml decide the same records by other margins
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Exit code 2 and one line on bad input."""
    chosen = _parser().parse_args(arguments)
    try:
        named = plan.load(chosen.plan) if chosen.plan else None
        if chosen.against:
            out = report.write_changes(chosen.against, chosen.results, chosen.out, named)
        else:
            out = report.write(
                chosen.results, chosen.out, chosen.price_per_hour, named, chosen.quoted
            )
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; nothing was lost: the records are as they were\n")
        return 130
    sys.stdout.write(f"{out}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness.report",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", nargs="*", type=Path, default=[Path("results")])
    parser.add_argument("--out", type=Path, help="markdown file; default: RESULTS/report.md")
    parser.add_argument(
        "--against", type=Path, metavar="BEFORE", help="compare with the records of this folder"
    )
    parser.add_argument(
        "--plan", type=Path, metavar="FILE", help="margins to decide by, instead of the records'"
    )
    parser.add_argument(
        "--price-per-hour",
        type=_price,
        metavar="PRICE",
        help="of the machine, in any currency; adds money to the training cost",
    )
    parser.add_argument(
        "--no-texts",
        action="store_false",
        dest="quoted",
        help="show no text of the data, for a report that others will read",
    )
    return parser


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not (math.isfinite(price) and price > 0):
        raise argparse.ArgumentTypeError(f"expected a price above 0, such as 0.40, got {text!r}")
    return price


if __name__ == "__main__":
    sys.exit(main())
