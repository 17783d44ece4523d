"""Command: pretrain a decoder and an encoder as a matched pair, on a folder of text of your own.

    python -m harness.pretrain text=FOLDER                        GPT-2 and BERT, 4 layers x 256
    python -m harness.pretrain text=FOLDER models=small_twin_gpt,small_twin_bert
    python -m harness.pretrain text=FOLDER updates=500 minutes=20
    python -m harness.pretrain text=FOLDER match=loss_tokens out=longer

Both get one tokenizer, trained on the training part, and read the same blocks of text in the same
batches; what differs is what their objectives ask of them. They are trained side by side, one
thread each. Stop whenever you like (Ctrl-C, SIGTERM, minutes=...): each writes a checkpoint, and
the same command goes on where it was. The models become out/<name>/, in the hub's format, with
pretraining.json beside the weights; `python -m harness.run model=small_bert` starts from there.
"""

from __future__ import annotations

import os
import sys

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"  # two models side by side
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import json
import shlex
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness import record
from harness.cells import isolate, pool
from harness.cells.isolate import Done, Failed, Job
from harness.contracts import InputError
from harness.corpora import corpus, pretrain_settings, pretrain_told
from harness.measure import environment
from harness.measure.stopwatch import Stopwatch

DONE, LOST, MISTAKE, TIME_IS_UP, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 130, 143
"""Exit codes: both models are there; one failed; the user's mistake; stopped, with more to do."""

_PRELOAD = ("harness.corpora.groundwork", "harness.corpora.pretraining", "hydra.utils")
_NO_LIMIT = 1e9  # seconds
_KNOBS = (
    *("updates", "match", "lr", "warmup_share", "weight_decay", "clip_norm", "seed", "device"),
    *("precision", "evaluations", "held_out_blocks"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compose, prepare, train, tell; returns the exit code."""
    begun = Stopwatch().wall()
    typed = _parser().parse_args(arguments).overrides
    try:
        config = pretrain_settings.composed(typed)
        isolate.warm([*_PRELOAD, *_networks(config)])
        return _Command(config, typed, begun).run()
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return MISTAKE
    except OSError as error:
        sys.stderr.write(f"error: out={config['out']}: {error}\n")
        return MISTAKE
    except RuntimeError as error:
        sys.stderr.write(f"failed: {error}\n")
        return LOST
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; the same command goes on from the last checkpoint\n")
        return INTERRUPTED


def _networks(config: Mapping[str, Any]) -> list[str]:
    """Modules of transformers that the models need."""
    kinds = {
        side["architecture"]["model_type"].replace("-", "_") for side in config["sides"].values()
    }
    return [f"transformers.models.{one}.modeling_{one}" for one in sorted(kinds)]


class _Command:
    """One command: its settings, and where it works.

    `place` (out/pair-NAME) holds command.json, text/ (blocks and tokenizer), states/ and, while
    the models are asked to stop, a file `stop`.
    """

    def __init__(self, config: Mapping[str, Any], typed: Sequence[str], begun: float) -> None:
        self.config, self.typed, self.begun = config, typed, begun
        self.out = Path(config["out"]).expanduser()
        pair = next(iter(config["sides"].values()))["pair"]
        self.place = self.out / f"pair-{pair}"
        self.stop = self.place / "stop"

    def run(self) -> int:
        """Do what is left to do."""
        reading = corpus.reading_of(self.config)
        corpus.listing(reading)  # a folder that is not there is refused before anything else
        with _alone(self.place, self.config["out"]):
            left = self._left()
            if not left:
                every = ", ".join(map(str, (self.place, *self._folders())))
                for folder in self._folders():
                    corpus.check_unchanged(reading, pretrain_told.text_of(folder), every)
                _say(f"both models are there: {', '.join(map(str, self._folders()))}")
                return DONE
            laid = self._prepare()
            for line in pretrain_told.about_text(laid["text"], laid["parameters"], self.config):
                _say(line)
            with _heeding(self.stop) as signals, self._clocked():
                outcomes = self._train(left, laid["text"])
            return self._conclude(outcomes, signals)

    def _folders(self) -> list[Path]:
        return [self.out / name for name in self.config["models"]]

    def _left(self) -> list[str]:
        """Models that are not there yet. Raises InputError where this is another command's."""
        path = self.place / pretrain_settings.COMMAND
        if path.is_file():
            pretrain_settings.check_same(path, self.config)
        else:  # nothing there can be told to be of these settings
            shutil.rmtree(self.place / "text", ignore_errors=True)
            shutil.rmtree(self.place / "states", ignore_errors=True)
        left = []
        for name in self.config["models"]:
            folder = self.out / name
            if not folder.exists():
                left.append(name)
            elif not path.is_file() or not (folder / pretrain_told.FILE).is_file():
                raise InputError(
                    f"out={self.config['out']}: {folder} is there already, and not from this "
                    "command; choose another out=..., or move it away"
                )
        return left

    def _prepare(self) -> dict[str, Any]:
        """Blocks and tokenizer; from then on the folder belongs to these settings."""
        argument = (self.config, str(self.place / "text"))
        job = Job("text", "harness.corpora.groundwork:lay", argument)
        ((_, outcome),) = pool.run([job], 1, _NO_LIMIT, "text")
        if isinstance(outcome, Failed):
            if outcome.users_mistake:
                raise InputError(outcome.reason)
            raise RuntimeError(f"text: {outcome.reason}\n{outcome.error or ''}".rstrip())
        settled = json.dumps(pretrain_settings.settled(self.config), indent=1, sort_keys=True)
        record.write_text(self.place / pretrain_settings.COMMAND, settled + "\n")
        laid: dict[str, Any] = outcome.value
        return laid

    def _train(self, left: Sequence[str], text: Mapping[str, Any]) -> dict[str, Done | Failed]:
        """Both models side by side, each in a process of its own."""
        jobs = [
            Job(name, "harness.corpora.pretraining:job", self._orders(name, text)) for name in left
        ]
        workers = self.config["workers"] or environment.usable_cores()
        return {job.name: found for job, found in pool.run(jobs, workers, _NO_LIMIT, "pretraining")}

    def _orders(self, name: str, text: Mapping[str, Any]) -> dict[str, Any]:
        """What the process of one model is told: the fields of `pretraining.Orders`."""
        made_of = [text["tokenizer_sha256"], text["train_blocks"], text["held_out_blocks"]]
        settled = pretrain_settings.settled(self.config)
        return {
            "name": name,
            "model": self.config["sides"][name],
            "text": str(self.place / "text"),
            "states": str(self.place / "states" / name),
            "out": str(self.out / name),
            "identity": record.digest([settled, name, made_of]),
            "stop": str(self.stop),
            "every_seconds": 60.0 * self.config["checkpoint_minutes"],
            "environment": environment.observe(),
            "knobs": {
                "batch": pretrain_told.blocks_of(self.config),
                **{key: self.config[key] for key in _KNOBS},
            },
        }

    @contextmanager
    def _clocked(self) -> Iterator[None]:
        """Ask the models to stop when the minutes are over, counted from the command's start."""
        minutes = self.config["minutes"]
        if minutes is None:
            yield
            return
        left = 60.0 * minutes - (Stopwatch().wall() - self.begun)
        clock = threading.Timer(max(0.0, left), self.stop.touch)
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()

    def _conclude(self, outcomes: Mapping[str, Done | Failed], signals: Sequence[int]) -> int:
        """The last lines, and the exit code."""
        failed = {name: one for name, one in outcomes.items() if isinstance(one, Failed)}
        ended = {name: one.value for name, one in outcomes.items() if isinstance(one, Done)}
        for name, one in failed.items():
            sys.stderr.write(f"failed: {name}: {one.reason}\n{one.error or ''}".rstrip() + "\n")
        for name, value in ended.items():
            _say(pretrain_told.about_model(self.out / name, value))
        if failed:
            return MISTAKE if all(one.users_mistake for one in failed.values()) else LOST
        if all(value["status"] == "finished" for value in ended.values()):
            for line in pretrain_told.about_use(self._folders()):
                _say(line)
            return DONE
        _say(f"go on with: {shlex.join(['python', '-m', 'harness.pretrain', *self.typed])}")
        if signals:
            return TERMINATED if signals[0] == signal.SIGTERM else INTERRUPTED
        return TIME_IS_UP


@contextmanager
def _alone(place: Path, out: str) -> Iterator[None]:
    """Hold the folder. Raises InputError where it cannot be written, or another command has it."""
    lock = FileLock(place / ".lock")
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"out={out}: another command is at work in {place}; wait for it") from None
    except OSError as error:
        raise InputError(
            f"out={out}: cannot be written ({error.strerror or error}); choose another out=..."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _heeding(stop: Path) -> Iterator[list[int]]:
    """While the models train, Ctrl-C and SIGTERM ask them to stop; a second one ends at once."""
    stop.unlink(missing_ok=True)
    caught: list[int] = []

    def ask(number: int, _: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        stop.touch()
        sys.stderr.write("\nstopping: the models write their checkpoints (again: at once)\n")

    before = {one: signal.signal(one, ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        stop.unlink(missing_ok=True)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness.pretrain",
        description=(__doc__ or "").removeprefix("Command: p").join(("P", "")),
        epilog="keys and their values:\n\n"
        + (pretrain_settings.CONF / "pretrain.yaml").read_text(encoding="utf-8")
        + "\nexit codes: 0 both models are there, 1 one failed, 2 a mistake in the command or the "
        "text,\n3 the minutes are over, 130 stopped by Ctrl-C, 143 by SIGTERM; after these three "
        "the same\ncommand goes on",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="change a value of conf/pretrain.yaml"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
