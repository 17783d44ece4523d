"""`python -m harness.report [results_dir] [--out FILE]`: records in, markdown out."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import report
from harness.contracts import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Exit code 2 and one line on bad input."""
    parser = argparse.ArgumentParser(prog="python -m harness.report", description=__doc__)
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, help="markdown file; default: RESULTS/report.md")
    parser.add_argument(
        "--price-per-hour",
        type=_price,
        metavar="PRICE",
        help="of the machine, in any currency; adds money to the training cost",
    )
    chosen = parser.parse_args(arguments)
    try:
        out = report.write(chosen.results, chosen.out, chosen.price_per_hour)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{out}\n")
    return 0


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
