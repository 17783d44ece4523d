"""`python -m harness.report [results_dir] [--out FILE]`: records in, markdown out."""

from __future__ import annotations

import argparse
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
    chosen = parser.parse_args(arguments)
    try:
        out = report.write(chosen.results, chosen.out)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
