"""A clock that moves only when it is told to."""

from harness.measure.stopwatch import Stopwatch


class Clock:
    """Wall and process time in seconds; `busy` is what other programs take on top."""

    def __init__(self, busy: float = 0.0) -> None:
        self.wall = self.cpu = 0.0
        self.busy = busy
        self.slept: list[float] = []

    def work(self, seconds: float) -> None:
        self.cpu += seconds
        self.wall += seconds * (1 + self.busy)

    def sleep(self, seconds: float) -> None:
        self.wall += seconds
        self.slept.append(seconds)

    def stopwatch(self, on_device: bool = False) -> Stopwatch:
        return Stopwatch(
            wall=lambda: self.wall, cpu=lambda: self.cpu, sleep=self.sleep, on_device=on_device
        )
