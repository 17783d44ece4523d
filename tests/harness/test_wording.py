"""Templates and label words: what can be asked, and one clear message for what cannot."""

import pytest
from cells import composed

from harness.contracts import Example, InputError, Splits
from harness.examples import wording
from harness.strategies.prompt import Prompt

LABELS = ("negative", "positive")


def splits(labels=LABELS, pairs=False):
    second = ("the", "other") if pairs else ()
    examples = (Example("a", ("one", "text"), 0, (), second),)
    return Splits("d", "classification", "files", examples, examples, examples, labels)


def made(template=None, words=None, **of):
    return wording.wording(template, words, splits(**of))


def test_a_template_is_split_at_its_label():
    found = made("{text} it was\n {label} , I say .")
    assert found.before == ("{text}", "it", "was")
    assert found.after == (",", "I", "say", ".")
    assert found.labels == (("negative",), ("positive",))
    assert found.fixed == ("it", "was", ",", "I", "say", ".", "negative", "positive")


@pytest.mark.parametrize("pairs", [False, True])
def test_there_is_a_template_where_nobody_gives_one(pairs):
    found = made(pairs=pairs)
    assert ("{second}" in found.before) == pairs
    assert "{text}" in found.before


def test_a_label_is_asked_by_its_name_with_blanks():
    found = made(labels=("card_arrival", "lost_or_stolen card"))
    assert found.labels == (("card", "arrival"), ("lost", "or", "stolen", "card"))


def test_words_may_be_given_for_some_labels():
    assert made(words={"positive": "very good"}).labels == (("negative",), ("very", "good"))
    assert made(labels=("0", "1"), words={0: "bad"}).labels == (("bad",), ("1",))


BAD_TEMPLATES = {
    "It was {label} .": r"{text} is missing",
    "{text} It was good .": r"{label} is missing",
    "{text} {text} {label}": r"{text} stands there 2 times",
    "{text} {second} {label}": r"{second} is of pairs",
    "{text} {answer} {label}": r"{answer} is no field; there are {text}, {second}, {label}",
    "{text}: {label}": r"put blanks around each field, not {text}:",
    "({label}) {text}": r"put blanks around each field, not \({label}\)",
    "{label} is what {text} says": r"{label} has to come after the texts",
    7: r"expected a text",
}


@pytest.mark.parametrize("template", BAD_TEMPLATES)
def test_a_bad_template_is_one_message(template):
    with pytest.raises(InputError, match=BAD_TEMPLATES[template]) as caught:
        made(template)
    assert "strategy.template=" in str(caught.value)


def test_both_texts_of_a_pair_are_asked_about():
    with pytest.raises(InputError, match=r"{second} is missing"):
        made("{text} {label}", pairs=True)


BAD_WORDS = [
    (
        {"neutral": "so so"},
        LABELS,
        "neutral is no label of these data, which are negative, pos",
    ),
    ({"positive": " "}, LABELS, "label positive has no words"),
    ({"positive": True}, LABELS, "strategy.words.positive=True: expected a text; put it in quotes"),
    ({"positive": "bad", "negative": "bad"}, LABELS, "negative and positive have the same words"),
    (None, ("a_b", "a b"), "labels a_b and a b have the same words"),
    (None, ("_", "b"), "label _ has no words"),
    ("good", LABELS, "strategy.words=good: expected words by label"),
]


@pytest.mark.parametrize(("words", "labels", "message"), BAD_WORDS)
def test_bad_label_words_are_one_message(words, labels, message):
    with pytest.raises(InputError, match=message):
        made(None, words, labels=labels)


@pytest.mark.parametrize("setting", [{"shots": -1}, {"shots": 1.5}, {"shots": True}])
def test_shots_are_a_count(setting):
    with pytest.raises(InputError, match=r"strategy.shots=.*: expected a whole number from 0"):
        Prompt(**setting)


def test_a_score_is_one_of_three():
    with pytest.raises(InputError, match=r"strategy.score=best: expected one of sum, mean, pmi"):
        Prompt(score="best")


def test_what_is_recorded_says_everything_that_is_asked():
    config = composed("strategy=prompt", "data=files", "data.path=x.csv", "strategy.shots=3")
    told = wording.settled(config, splits(("not_good", "good")))["strategy"]
    assert told["template"] == wording.SINGLE
    assert told["words"] == {"not_good": "not good", "good": "good"}
    assert told["shots"] == 3
    assert config["strategy"]["template"] is None  # what was typed stays as it was


def test_a_data_set_may_have_words_of_its_own():
    config = composed("strategy=prompt")
    assert config["strategy"]["words"] == {"negative": "dull", "positive": "superb"}
    assert wording.settled(config, splits())["strategy"]["words"]["positive"] == "superb"
    typed = composed("strategy=prompt", 'strategy.template="{text} : {label}"')
    assert typed["strategy"]["template"] == "{text} : {label}"


def test_another_strategy_is_left_alone():
    config = composed("strategy=full")
    assert wording.settled(config, splits()) is config
    assert not wording.untuned(config)
