"""The words of a prompt: a template, and words for each label. Knows no model and no tokenizer.

A template is words with blanks between them, among which stand fields, each a word of its own:
`{text}`, `{second}` (of pairs) and, after these, `{label}`. A decoder is asked what comes at the
label's place and reads what stands before it; an encoder fills the place in, and reads what stands
after it as well. Both get the same words. A line break is a blank here: encoders' tokenizers drop
it, so it would be another template for each family.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.contracts import InputError, Splits, Unsupported
from harness.quoting import listed, shown

TARGET = "harness.strategies.prompt.Prompt"
TEXT, SECOND, LABEL = "{text}", "{second}", "{label}"
FIELDS = (TEXT, SECOND, LABEL)
SINGLE = "Text: {text} Label: {label} ."
PAIR = "First: {text} Second: {second} Label: {label} ."
"""What is asked where nobody says otherwise; the full stop is for encoders, which read on."""


@dataclass(frozen=True)
class Wording:
    """A template in parts, and the words of each label in the order of the classes.

    `before` and `after` are what stands on each side of the label: words and fields.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]

    @property
    def fixed(self) -> tuple[str, ...]:
        """Every word that is not an example's: of the template, and of all labels."""
        own = (word for word in (*self.before, *self.after) if word not in FIELDS)
        return (*own, *(word for label in self.labels for word in label))


def untuned(config: Mapping[str, Any]) -> bool:
    """Whether a cell is answered by prompting, so that nothing is trained."""
    return bool((config.get("strategy") or {}).get("_target_") == TARGET)


def settled(config: Mapping[str, Any], splits: Splits) -> Mapping[str, Any]:
    """A cell's configuration with its template and label words written out, as they are recorded.

    Other cells stay as they are, and so do those that write texts, which are asked nothing.
    Raises InputError for a template or for words that cannot be used.
    """
    if not untuned(config) or splits.task in ("generation", "ner"):
        return config
    strategy = config["strategy"]
    made = wording(strategy["template"], strategy["words"], splits)
    words = {name: " ".join(label) for name, label in zip(splits.labels, made.labels, strict=True)}
    told = {"template": " ".join((*made.before, LABEL, *made.after)), "words": words}
    return {**config, "strategy": {**strategy, **told}}


def wording(template: object, words: Mapping[str, Any] | None, splits: Splits) -> Wording:
    """The parts of a template, and the words of the labels of a data set.

    Without a template there is one for texts and one for pairs; without words a label's name
    stands for it, underscores as blanks. Raises InputError where they cannot be used.
    """
    pairs = any(e.second for e in splits.train or splits.test)
    if template is None:
        template = PAIR if pairs else SINGLE
    before, after = _parts(template, pairs)
    return Wording(before, after, _labels(words, splits.labels))


def refuse(task: Any, mode: Any, family: str, strategy: Any, splits: Splits) -> None:
    """Raise `Unsupported` where answering without tuning makes no sense, and say why.

    `mode` is bound to its model; `strategy` is a `strategies.prompt.Prompt`. Asks no tokenizer:
    what one can only tell is refused by `prompting`.
    """
    if task.shape == "tags":
        raise Unsupported(
            "words are tagged one by one; a prompt for every span and type is another task in each "
            "family, so there would be nothing to compare"
        )
    if mode.writes:
        _refuse_writing(mode, family, strategy)
    elif not _as_pretrained(mode, family):
        raise Unsupported(
            f"mode={mode.name} is for tuning; untuned weights are asked as they were pretrained "
            "(mode=native)"
        )
    else:
        _refuse_unknown(wording(strategy.template, strategy.words, splits), splits)


_VIEWS = {"gpt": "causal", "bert": "bidirectional"}


def _as_pretrained(mode: Any, family: str) -> bool:
    """Whether labels are read once, under the family's own mask, and where it answers."""
    altered = mode.both_orders or mode.copies != 1 or getattr(mode, "pooling", None) is not None
    return not altered and mode.view == _VIEWS[family]


def _refuse_writing(mode: Any, family: str, strategy: Any) -> None:
    if family != "gpt":
        raise Unsupported(
            "an encoder learnt to fill gaps and has to be tuned before it can write a text"
        )
    if mode.left_only != (True, True):
        raise Unsupported(
            f"mode={mode.name} reads its input both ways, which a decoder has to be tuned for; "
            "untuned it writes with mode=causal"
        )
    if strategy.shots or strategy.template or strategy.words:
        raise Unsupported(
            "texts are written after their input as it is, without solved examples and template"
        )


def _refuse_unknown(found: Wording, splits: Splits) -> None:
    """In a closed vocabulary, words that no model of it has ever seen."""
    if splits.vocabulary is None:
        return
    known = set(splits.vocabulary)
    unknown = [word for word in dict.fromkeys(found.fixed) if word not in known]
    if unknown:
        raise Unsupported(
            f"the vocabulary of data={splits.name} has no {listed(unknown)}; prompts are asked in "
            "words that the models know (strategy.template, strategy.words)"
        )


# --- the template -------------------------------------------------------------------------------


def _parts(template: object, pairs: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands before the label, and after it."""
    if not isinstance(template, str):
        raise InputError(f"strategy.template={shown(template)}: expected a text; put it in quotes")
    told = f"strategy.template={shown(template)}"
    words = tuple(template.split())
    for word in words:
        _check_word(word, told)
    wanted = FIELDS if pairs else (TEXT, LABEL)
    for field in FIELDS:
        count = words.count(field)
        if field not in wanted and count:
            raise InputError(f"{told}: {field} is of pairs, but these examples are single texts")
        if field in wanted and count != 1:
            often = "is missing" if count == 0 else f"stands there {count} times"
            raise InputError(f"{told}: {field} {often}; expected it once")
    place = words.index(LABEL)
    if any(field in words[place:] for field in (TEXT, SECOND)):
        raise InputError(
            f"{told}: {LABEL} has to come after the texts, as a decoder reads from left to right"
        )
    return words[:place], words[place + 1 :]


def _check_word(word: str, told: str) -> None:
    if word in FIELDS or not re.search(r"[{}]", word):
        return
    if any(field in word for field in FIELDS):
        raise InputError(f"{told}: put blanks around each field, not {shown(word)}")
    raise InputError(f"{told}: {shown(word)} is no field; there are {', '.join(FIELDS)}")


# --- the labels ---------------------------------------------------------------------------------


def _labels(words: Mapping[str, Any] | None, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    given = _given(words, names)
    found = tuple(tuple(given.get(name, name.replace("_", " ")).split()) for name in names)
    owners: dict[tuple[str, ...], str] = {}
    for name, label in zip(names, found, strict=True):
        if not label:
            raise InputError(
                f"label {shown(name)} has no words to be asked by; give it some with strategy.words"
            )
        if label in owners:
            raise InputError(
                f"labels {shown(owners[label])} and {shown(name)} have the same words "
                f"({shown(' '.join(label))}); give them others with strategy.words"
            )
        owners[label] = name
    return found


def _given(words: object, names: tuple[str, ...]) -> dict[str, str]:
    """Words that were typed or stand in a file, by label."""
    if words is None:
        return {}
    if not isinstance(words, Mapping):
        raise InputError(
            f"strategy.words={shown(words)}: expected words by label, such as "
            '\'strategy.words={negative: "bad", positive: "good"}\''
        )
    given = {str(name): text for name, text in words.items()}
    for name, text in given.items():
        if name not in names:
            raise InputError(
                f"strategy.words: {shown(name)} is no label of these data, which are "
                f"{listed(names)}"
            )
        if not isinstance(text, str):
            raise InputError(
                f"strategy.words.{name}={shown(text)}: expected a text; put it in quotes"
            )
    return {name: str(text) for name, text in given.items()}
