"""Bits per byte: every token is asked for once, as lm-evaluation-harness cuts the windows."""

import json
import math
import shutil

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
)

from harness import likelihood
from harness.contracts import InputError
from harness.corpora import rolling
from harness.corpora.rolling import Window
from harness.weights import assets

TEXTS = [
    "The cat sat on the mat, and the dog lay by the door.\n" * 3,
    "naïve façade \u2028 — 猫が座った  \n\n twice  the blanks ",
    "x",
]
READS = 16


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A random GPT-2 of 16 positions over bytes, in the hub's format."""
    folder = tmp_path_factory.mktemp("gpt2")
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(TEXTS * 3, vocab_size=300, special_tokens=["<|endoftext|>"])
    PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    GPT2LMHeadModel(
        GPT2Config(
            vocab_size=300, n_positions=READS, n_embd=32, n_layer=2, n_head=2,
            bos_token_id=0, eos_token_id=0, initializer_range=0.3,
        )
    ).save_pretrained(folder)  # fmt: skip
    return folder


def lines(path, texts):
    path.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
    return path


def printed(capsys, *arguments):
    assert likelihood.main([str(a) for a in arguments]) == 0
    return json.loads(capsys.readouterr().out)


def told(capsys, *arguments):
    """The one message of a refused command."""
    assert likelihood.main([str(a) for a in arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    return shown.err


def test_windows_by_hand():
    assert list(rolling.windows([1, 2], 0, 4)) == [Window([0, 1], [1, 2])]
    assert list(rolling.windows([1, 2, 3, 4], 0, 4)) == [Window([0, 1, 2, 3], [1, 2, 3, 4])]
    assert list(rolling.windows([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0, 4)) == [
        Window([0, 1, 2, 3], [1, 2, 3, 4]),
        Window([4, 5, 6, 7], [5, 6, 7, 8]),
        Window([6, 7, 8, 9], [9, 10]),  # filled up with what stands before
    ]


@pytest.mark.parametrize("longest", [1, 2, 3, 7, 30])
@pytest.mark.parametrize("length", [1, 2, 6, 7, 8, 22])
def test_every_token_is_asked_for_once_and_after_the_one_before_it(length, longest):
    ids = list(range(1, length + 1))
    cut = list(rolling.windows(ids, 0, longest))
    assert [t for window in cut for t in window.targets] == ids
    for window in cut:
        read, asked = window.inputs, window.targets
        assert len(read) == min(longest, length)
        assert list(read[len(read) - len(asked) :]) == [target - 1 for target in asked]
        assert list(read) == list(range(read[0], read[0] + len(read)))


def test_words_are_what_blanks_separate():
    assert rolling.count_words("one  two\n three") == 3
    assert rolling.count_words(" one ") == 3  # an empty piece at either end, as there
    assert rolling.count_words("") == 1


def by_hand(folder, texts):
    """The same quantity, token by token, by transformers' own class and mask."""
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    bits = 0.0
    for text in texts:
        ids = [0, *tokenizer(text)["input_ids"]]
        for place in range(1, len(ids)):
            block = (place - 1) // READS
            end = min((block + 1) * READS, len(ids) - 1)  # of the window, exclusive, as inputs
            context = ids[max(0, end - READS) : place]
            with torch.inference_mode():
                logits = model(input_ids=torch.tensor([context])).logits[0, -1].double()
            bits -= float(logits.log_softmax(-1)[ids[place]]) / math.log(2)
    return bits


def test_bits_are_those_of_the_model_itself(checkpoint, tmp_path, capsys):
    found = printed(capsys, checkpoint, lines(tmp_path / "texts.jsonl", TEXTS))
    size = sum(len(text.encode()) for text in TEXTS)
    bits = by_hand(checkpoint, TEXTS)
    assert found["tokens"] > 3 * READS
    assert found["bits_per_byte"] == pytest.approx(bits / size, rel=1e-6)
    assert found["byte_perplexity"] == pytest.approx(2 ** (bits / size), rel=1e-6)
    words = sum(rolling.count_words(text) for text in TEXTS)
    assert found["word_perplexity"] == pytest.approx(2 ** (bits / words), rel=1e-5)
    assert (found["bytes"], found["words"], found["documents"]) == (size, words, 3)
    assert found["unknown_tokens"] == 0


def test_the_batch_changes_nothing(checkpoint, tmp_path, capsys, monkeypatch):
    path = lines(tmp_path / "texts.jsonl", TEXTS)
    together = printed(capsys, checkpoint, path)
    monkeypatch.setattr(rolling, "_LOGITS", 1)
    alone = printed(capsys, checkpoint, path)
    assert alone.pop("bits_per_byte") == pytest.approx(together.pop("bits_per_byte"), rel=1e-6)
    assert alone["tokens"] == together["tokens"]


def test_a_model_that_knows_nothing_needs_the_logarithm_of_its_vocabulary(
    checkpoint, tmp_path, capsys
):
    blank = shutil.copytree(checkpoint, tmp_path / "blank")
    model = GPT2LMHeadModel.from_pretrained(blank)
    for parameter in model.parameters():
        parameter.data.zero_()
    model.save_pretrained(blank)
    path = tmp_path / "text.txt"
    path.write_bytes(TEXTS[1].encode() + b"\r\n")
    found = printed(capsys, blank, path, "--max-length", 5)
    assert found["bytes"] == len(TEXTS[1].encode()) + 2  # line ends stay as they are
    assert found["documents"] == 1
    assert found["bits_per_byte"] * found["bytes"] == pytest.approx(
        found["tokens"] * math.log2(300), rel=1e-6
    )


def test_less_context_is_another_number(checkpoint, tmp_path, capsys):
    path = lines(tmp_path / "texts.jsonl", TEXTS)
    assert (
        printed(capsys, checkpoint, path, "--max-length", 4)["bits_per_byte"]
        != printed(capsys, checkpoint, path)["bits_per_byte"]
    )


def test_text_is_tokenised_as_the_checkpoint_does_it(checkpoint, tmp_path, capsys):
    """No space is put before the first word, as the harness does for words of a list."""
    path = tmp_path / "text.txt"
    path.write_text("The cat", encoding="utf-8")
    own = AutoTokenizer.from_pretrained(checkpoint)
    assert len(own("The cat")["input_ids"]) != len(own(" The cat")["input_ids"])
    assert printed(capsys, checkpoint, path)["tokens"] == len(own("The cat")["input_ids"])


def test_special_tokens_that_a_tokenizer_would_add_are_left_out(checkpoint, tmp_path, capsys):
    framed = shutil.copytree(checkpoint, tmp_path / "framed")
    own = AutoTokenizer.from_pretrained(framed)
    own.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
    )
    own.save_pretrained(framed)
    assert AutoTokenizer.from_pretrained(framed)("x")["input_ids"][0] == 0
    path = lines(tmp_path / "texts.jsonl", TEXTS)
    assert printed(capsys, framed, path) == printed(capsys, checkpoint, path)


def test_unknown_tokens_are_counted_and_warned_of(tmp_path, capsys):
    assets.save_tokenizer(tmp_path, (*assets.SPECIALS, "one", "two"), [], 0)
    GPT2LMHeadModel(
        GPT2Config(vocab_size=8, n_positions=8, n_embd=8, n_layer=1, n_head=1)
    ).save_pretrained(tmp_path)
    path = lines(tmp_path / "t.jsonl", ["one three two", "four"])
    assert likelihood.main([str(tmp_path), str(path)]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["unknown_tokens"] == 2
    assert "2 of 4 tokens are the unknown token" in shown.err


def test_a_perplexity_that_no_float_holds_is_null(checkpoint, tmp_path, capsys):
    path = tmp_path / "text.txt"
    path.write_text("abc" * 2000, encoding="utf-8")  # one word
    assert printed(capsys, checkpoint, path)["word_perplexity"] is None


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empty.txt", b"", "no text in it"),
        ("empty.jsonl", b"\n\n", "no text in it"),
        ("latin.txt", "eins\nf\u00fcnf".encode("latin-1"), "latin.txt:2: not UTF-8"),
        ("broken.jsonl", b'{"text": "a"}\n{"text": \n', "broken.jsonl:2: not JSON"),
        ("other.jsonl", b'{"txt": "a"}\n', 'other.jsonl:1: no "text" there'),
        ("list.jsonl", b'["text"]\n', 'list.jsonl:1: no "text" there'),
        ("number.jsonl", b'{"text": 3}\n', 'number.jsonl:1: no "text" there'),
        ("hole.jsonl", b'{"text": "a"}\n\n{"text": ""}\n', "hole.jsonl:3: the text is empty"),
        ("half.jsonl", b'{"text": "\\ud800"}\n', "half.jsonl:1: half of a surrogate pair"),
    ],
    ids=lambda v: v if isinstance(v, str) and v.count(".") == 1 and " " not in v else "",
)
def test_a_file_that_cannot_be_read_whole(checkpoint, tmp_path, capsys, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert expected in told(capsys, checkpoint, tmp_path / name)


def test_a_file_that_is_not_there(checkpoint, tmp_path, capsys):
    assert "nowhere.txt: No such file" in told(capsys, checkpoint, tmp_path / "nowhere.txt")
    assert "Is a directory" in told(capsys, checkpoint, tmp_path)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("one two", encoding="utf-8")
    return path


def test_no_checkpoint_there(tmp_path, text, capsys):
    assert "no config.json there" in told(capsys, tmp_path / "gpt2", text)


def test_a_masked_model_is_refused(tmp_path, text, capsys):
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    BertForMaskedLM(BertConfig(vocab_size=8, **small)).save_pretrained(tmp_path)
    assert "bits per byte are defined under a causal mask only; a masked model has a " in told(
        capsys, tmp_path, text
    )


def with_tokenizer(folder, model):
    assets.save_tokenizer(folder, (*assets.SPECIALS, "one", "two"), [], 0)
    model.save_pretrained(folder)
    return folder


def test_an_architecture_that_takes_no_mask_but_its_own_is_refused(tmp_path, text, capsys):
    config = GPTNeoConfig(
        vocab_size=8, hidden_size=8, num_layers=1, num_heads=1, attention_types=[[["global"], 1]]
    )
    with_tokenizer(tmp_path, GPTNeoForCausalLM(config))
    assert "a gpt_neo cannot be read under an explicit mask" in told(capsys, tmp_path, text)


def test_a_sliding_window_bounds_the_length(tmp_path, text, capsys):
    config = MistralConfig(
        vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, num_key_value_heads=1, sliding_window=6,
    )  # fmt: skip
    with_tokenizer(tmp_path, MistralForCausalLM(config))
    assert "choose --max-length 6 or less" in told(capsys, tmp_path, text)
    assert printed(capsys, tmp_path, text, "--max-length", 6)["tokens"] == 2


def test_longer_than_the_model_reads(checkpoint, text, capsys):
    assert "reads 16 tokens at most" in told(capsys, checkpoint, text, "--max-length", 17)


@pytest.mark.parametrize("length", ["0", "-3", "many", "1.5"])
def test_a_length_that_is_none(checkpoint, text, capsys, length):
    with pytest.raises(SystemExit) as ended:
        likelihood.main([str(checkpoint), str(text), f"--max-length={length}"])
    assert ended.value.code == 2
    assert "expected a whole number from 1" in capsys.readouterr().err


def test_weights_that_are_damaged(checkpoint, tmp_path, text, capsys):
    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no tensors")
    assert f"{broken}: its weights cannot be read" in told(capsys, broken, text)


def test_a_tokenizer_of_another_model_is_refused(checkpoint, tmp_path, capsys):
    mixed = shutil.copytree(checkpoint, tmp_path / "mixed")
    GPT2LMHeadModel(
        GPT2Config(vocab_size=50, n_positions=8, n_embd=8, n_layer=1, n_head=1)
    ).save_pretrained(mixed)
    path = lines(tmp_path / "t.jsonl", TEXTS)
    assert "tokens beyond the 50" in told(capsys, mixed, path)


def test_a_text_without_a_token_is_refused(tmp_path, capsys):
    model = GPT2LMHeadModel(GPT2Config(vocab_size=8, n_positions=8, n_embd=8, n_layer=1, n_head=1))
    with_tokenizer(tmp_path, model)
    path = tmp_path / "blank.txt"
    path.write_text("  \n", encoding="utf-8")
    assert "no token of this text" in told(capsys, tmp_path, path)


def test_the_reader_starts_from_the_end_of_text(checkpoint):
    reader = likelihood.load(checkpoint, None)
    assert (reader.start, reader.longest) == (0, READS)
    with pytest.raises(InputError):
        likelihood.load(checkpoint, READS + 1)
