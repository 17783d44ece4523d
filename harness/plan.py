"""The plan: what counts as a difference and which questions belong together, fixed before a run.

Written beside the records under its digest, so that a report decides by what was said before and
shows where it was changed afterwards. No plan is part of a run's identity: another margin decides
anew and trains nothing.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness import record
from harness.contracts import InputError
from harness.record import RecordError

FOLDER = "plans"
DEFAULT = Path(__file__).parent.parent / "conf" / "plan" / "default.yaml"


@dataclass(frozen=True)
class Plan:
    """Margins are in the unit of their metric; `embedded` ones hold for the embedded world."""

    name: str
    margins: Mapping[str, float]
    embedded: Mapping[str, float]
    cost_ratio: float
    interaction: float
    alpha: float
    power: float
    fewest_seeds: int
    primary: Sequence[str]

    @property
    def digest(self) -> str:
        """SHA-256 over all of it."""
        return record.digest(dataclasses.asdict(self))

    def margin(self, metric: str, embedded: bool) -> float | None:
        """What a difference in this metric must exceed; None where the plan does not say."""
        return (self.embedded if embedded else self.margins).get(metric)

    @property
    def log_cost(self) -> float:
        """The margin of a ratio of costs, as a natural logarithm."""
        return math.log(self.cost_ratio)


def checked(found: Plan, where: str) -> Plan:
    """The same plan. Raises InputError for the first value that makes no sense, naming its key."""
    sizes = {f"margins.{name}": value for name, value in found.margins.items()}
    sizes |= {f"embedded.{name}": value for name, value in found.embedded.items()}
    rules: list[tuple[str, Any, float, float, str]] = [
        (key, value, 0, math.inf, "a number above 0") for key, value in sizes.items()
    ]
    rules += [
        ("interaction", found.interaction, 0, math.inf, "a number above 0"),
        ("cost_ratio", found.cost_ratio, 1, math.inf, "a ratio above 1, such as 1.1"),
        ("alpha", found.alpha, 0, 0.5, "a share between 0 and 0.5"),
        ("power", found.power, 0.5, 1, "a share between 0.5 and 1"),
        ("fewest_seeds", found.fewest_seeds, 1, math.inf, "a number above 1"),
    ]
    for key, value, low, high, expected in rules:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low < value < high:
            raise InputError(f"{where}: plan.{key}={value}: expected {expected}")
    return found


def load(path: Path) -> Plan:
    """A plan from a YAML file like conf/plan/default.yaml. Raises InputError."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as a plan ({reason})") from None
    return _made(found, str(path))


def default() -> Plan:
    """The plan that a run has where nobody names another."""
    return load(DEFAULT)


def write(results: Path, found: Plan) -> None:
    """Keep a plan beside the records that name its digest."""
    place = results / FOLDER / f"{found.digest}.json"
    if not place.is_file():
        record.write_text(place, json.dumps(dataclasses.asdict(found), indent=1) + "\n")


def kept(root: Path) -> Iterator[Plan]:
    """Every whole plan below a folder; one whose text does not fit its digest is left out."""
    for place in sorted(root.rglob(f"{FOLDER}/*.json")):
        try:
            found = _made(record.load(place), str(place))
        except (InputError, RecordError, OSError):
            continue
        if found.digest == place.stem:
            yield found


def _made(found: Any, where: str) -> Plan:
    names = {field.name: field for field in dataclasses.fields(Plan)}
    parts = {k: v for k, v in found.items() if k != "_target_"} if isinstance(found, dict) else {}
    for name in names:
        if name not in parts:
            raise InputError(f"{where}: no plan, {name} is missing; see conf/plan/default.yaml")
    for name in parts:
        if name not in names:
            raise InputError(f"{where}: a plan has no {name!r}; it has {', '.join(names)}")
    _check_kinds(parts, where)
    return checked(Plan(**parts), where)


def _check_kinds(parts: Mapping[str, Any], where: str) -> None:
    """Raise InputError for a part that is no text, mapping or list where it must be one."""
    for name in ("margins", "embedded"):
        if not isinstance(parts[name], dict) or not all(map(_is_text, parts[name])):
            raise InputError(f"{where}: plan.{name}: expected metrics with their margins")
    if not isinstance(parts["primary"], list) or not all(map(_is_text, parts["primary"])):
        raise InputError(f"{where}: plan.primary: expected a list of tasks")
    if not _is_text(parts["name"]):
        raise InputError(f"{where}: plan.name={parts['name']}: expected a text; put it in quotes")


def _is_text(value: object) -> bool:
    return isinstance(value, str)
