"""Command: race the two models of a pair, tuned on their task, in one process, taking turns.

    python -m harness.race                        four tasks, every scenario
    python -m harness.race task=ner               one of them
    python -m harness.race race=quick             fewer blocks, no streaming, no server
    python -m harness.race sweep=race_base        release-size architectures, without weights
    python -m harness.race device=cuda            on a GPU

Models that are not tuned yet are tuned first. The same as `python -m harness.run sweep=race`,
whose --help lists what can be set; races that were run before on this machine are skipped.
"""

from __future__ import annotations

import runpy
import sys


def main() -> None:
    """Name the sweep unless the user did, and go on as `harness.run`."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        sys.stdout.write((__doc__ or "") + "\n")
        return
    if not any(argument.startswith("sweep=") for argument in sys.argv[1:]):
        sys.argv.insert(1, "sweep=race")
    runpy.run_module("harness.run", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
