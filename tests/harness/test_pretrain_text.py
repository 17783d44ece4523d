"""A folder of text becomes documents and blocks: nothing is lost or changed unsaid."""

import hashlib
import json

import numpy as np
import pytest
from pretrained_text import folder_of, paragraph, read

from harness import pretrain
from harness.contracts import InputError
from harness.corpora import blocks, corpus
from harness.corpora.blocks import SEPARATOR, Cut
from harness.corpora.corpus import Reading
from harness.weights import assets


def put(place, **files):
    for name, text in files.items():
        path = place / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


# --- reading --------------------------------------------------------------------------------------


def test_paragraphs_of_sorted_files_are_documents(tmp_path):
    put(tmp_path, b_txt="three\nlines here\n \t\nfour", a__z_md="one\n\n\n\ntwo ", c_tokens="five")
    found = read(tmp_path, hold_out=0, files=["*.txt", "*.md", "*.tokens"])
    assert found.train == ["one", "two", "three lines here", "four", "five"]
    assert found.facts["words"] == {"train": 7, "held_out": 0}
    assert found.held_out == []
    assert found.facts["held_out_by"] is None


def test_mixed_line_ends_are_line_ends(tmp_path):
    put(tmp_path, a_txt=b"# Head\n\r\none\r\ntwo \r\n\r\nthree\rfour\r\rfive")
    assert read(tmp_path, hold_out=0).train == ["# Head", "one two", "three four", "five"]


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ("paragraph", ["a b", "c"]),
        ("line", ["a", "b", "c"]),
        ("file", ["a b c"]),
    ],
)
def test_what_a_document_is_can_be_chosen(tmp_path, documents, expected):
    put(tmp_path, a_txt="a\nb\n\nc\n")
    found = read(tmp_path, hold_out=0, documents=documents)
    assert found.train == expected
    assert found.facts["blank_documents"] == {"paragraph": 0, "line": 2, "file": 0}[documents]


def test_other_names_and_skipped_files_are_counted(tmp_path):
    put(tmp_path, a_txt="a", b_TXT="b", x__SOURCE_md="no", x__c_md="c", y_csv="no", z_html="no")
    facts = read(tmp_path, hold_out=0, skip=["source.md"]).facts
    assert list(facts["sha256"]) == ["a.txt", "b.TXT", "x/c.md"]
    assert (facts["files"], facts["files_skipped"], facts["files_of_other_names"]) == (3, 1, 2)
    assert read(tmp_path, hold_out=0, skip=["x/*"]).facts["files_skipped"] == 2
    assert facts["sha256"]["a.txt"] == hashlib.sha256(b"a").hexdigest()


def test_only_what_strip_names_is_taken_out_and_counted(tmp_path):
    put(tmp_path, a_txt="# Title\n\ntext <br> more\n\n  # Title of no heading\n")
    assert read(tmp_path, hold_out=0).train == [
        "# Title",
        "text <br> more",
        "# Title of no heading",
    ]
    found = read(tmp_path, hold_out=0, strip=["^#.*$", "<[^>]*>"])
    assert found.train == ["text more", "# Title of no heading"]
    assert found.facts["stripped"] == {
        "^#.*$": {"times": 1, "characters": 7},
        "<[^>]*>": {"times": 1, "characters": 4},
    }


def test_a_byte_order_mark_is_no_text_and_is_counted(tmp_path):
    put(tmp_path, a_txt=b"\xef\xbb\xbfone", b_txt="tw\ufeffo")
    found = read(tmp_path, hold_out=0)
    assert found.train == ["one", "tw\ufeffo"]
    assert found.facts["byte_order_marks"] == 1


# --- holding out ----------------------------------------------------------------------------------


def test_few_files_are_divided_by_document_many_by_file(tmp_path):
    few = read(folder_of(tmp_path / "few", files=4), hold_out=0.1)
    assert few.facts["held_out_by"] == "document"
    assert (len(few.train), len(few.held_out)) == (43, 5)
    many = read(folder_of(tmp_path / "many", files=12), hold_out=0.1)
    assert many.facts["held_out_by"] == "file"
    (name,) = many.facts["held_out_files"]
    number = int(name.removesuffix(".txt").split()[-1])
    assert many.held_out == [paragraph(1000 * number + n) for n in range(12)]
    assert not set(many.held_out) & set(many.train)
    assert len(many.train) == 11 * 12


def test_another_seed_holds_out_another_part_the_same_seed_the_same(tmp_path):
    place = folder_of(tmp_path)
    one, again, other = (read(place, seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one.held_out != other.held_out
    assert sorted([*one.train, *one.held_out]) == sorted([*other.train, *other.held_out])


def test_a_held_out_text_that_was_read_elsewhere_is_told(tmp_path):
    put(tmp_path, a_txt="\n\n".join(["the same"] * 10))
    facts = read(tmp_path, hold_out=0.2).facts
    assert facts["held_out_also_in_train"] == 2


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "options", "told"),
    [
        ({}, {}, r"no file to read \(0 there"),
        ({"a_csv": "x", "SOURCE_md": "y"}, {"skip": ["SOURCE.md"]}, r"2 there, 1 named .* 1 of th"),
        ({"a_txt": " \n\n \t"}, {}, "no word in them"),
        ({"x__a_txt": b"good \xff"}, {}, r"x/a\.txt: byte 5 is not UTF-8 .* skip=\[a\.txt\]"),
        ({"a_txt": "one"}, {"hold_out": 0.5}, "of 1 documents, 1 would be held out"),
        ({"a_txt": "one"}, {"strip": ["(a"]}, r"strip: '\(a' is no regular expression"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused(tmp_path, files, options, told):
    put(tmp_path, **files)
    with pytest.raises(InputError, match=told):
        read(tmp_path, **options)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"text=.*nowhere: no such folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no such folder"):
        read(put(tmp_path, a_txt="x") / "a.txt")


def test_digests_tell_a_changed_file(tmp_path):
    place = folder_of(tmp_path)
    reading = Reading(place, ["*.txt"])
    before = corpus.digests(reading)
    assert before == read(place).facts["sha256"]
    (place / "text 1.txt").write_text("other")
    changed = {name for name, digest in corpus.digests(reading).items() if before[name] != digest}
    assert changed == {"text 1.txt"}


# --- blocks ---------------------------------------------------------------------------------------

CUT = Cut(tokens=14, vocabulary=200, alphabet=1000, whole_words=False)


def made(tmp_path, found, cut=CUT):
    blocks.make(tmp_path / "blocks", found, cut, lambda _: None)
    return blocks.load(tmp_path / "blocks")


def test_blocks_hold_the_whole_text_in_order(tmp_path):
    found = read(folder_of(tmp_path / "text"))
    text = made(tmp_path, found)
    tokenizer = pretrain.load_tokenizer(text.folder / "tokenizer")
    expected = []
    for document in found.train:
        words = tokenizer(document.split(), is_split_into_words=True, add_special_tokens=False)
        expected += [*words["input_ids"], SEPARATOR]
    flat = text.train.ravel().tolist()
    part = text.facts["train_blocks"]
    assert flat == expected[: len(flat)]
    assert len(expected) - 1 - len(flat) == part["dropped"] < 14
    assert text.train.shape == (part["blocks"], 14)
    assert part["separators"] == flat.count(SEPARATOR) > 20
    assert part["tokens"] == len(flat) - part["separators"]
    assert part["unknown"] == 0
    assert isinstance(text.train, np.memmap)
    assert text.train.dtype == text.held_out.dtype == np.int32
    assert text.facts["held_out_blocks"]["blocks"] == len(text.held_out) > 0


def test_the_same_text_makes_the_same_blocks_and_tokenizer(tmp_path):
    found = read(folder_of(tmp_path / "text"))
    one, other = made(tmp_path / "1", found), made(tmp_path / "2", found)
    assert one.facts == other.facts
    assert np.array_equal(one.train, other.train)
    assert len(one.facts["tokenizer_sha256"]) == 64


def test_the_tokenizer_knows_nothing_of_the_held_out_part(tmp_path):
    """A character of the held-out part alone is unknown."""
    found = read(folder_of(tmp_path / "text"))
    held = [text + " ðŋ" * 3 for text in found.held_out]
    text = made(tmp_path, corpus.Corpus(found.train, held, found.facts))
    assert text.facts["held_out_blocks"]["unknown"] > 0
    assert text.facts["train_blocks"]["unknown"] == 0


def test_names_of_special_tokens_in_a_text_are_text(tmp_path):
    found = read(folder_of(tmp_path / "text"))
    train = [f"[MASK] {text} [SEP] [EOS]" for text in found.train]
    text = made(tmp_path, corpus.Corpus(train, found.held_out, found.facts))
    special = pretrain.specials(pretrain.load_tokenizer(text.folder / "tokenizer"))
    ordinary = text.train[text.train != SEPARATOR]
    assert ordinary.min() >= special.count


def test_rare_characters_are_unknown_and_counted(tmp_path):
    found = read(folder_of(tmp_path / "text"))
    train = ["k\u4e00l \u4e01", *found.train]
    many = made(tmp_path / "1", corpus.Corpus(train, [], found.facts))
    assert many.facts["rare_characters"] == 0
    few = made(
        tmp_path / "2", corpus.Corpus(train, [], found.facts), Cut(14, 200, 25, whole_words=False)
    )
    kinds = len(set("".join(train)) - {" "})
    assert few.facts["rare_characters"] == kinds - 25 > 0
    assert few.facts["train_blocks"]["unknown"] >= 2
    assert "\u4e00" not in (few.folder / "tokenizer" / "tokenizer.json").read_text()


def test_whole_words_give_a_text_back(tmp_path):
    found = read(folder_of(tmp_path / "text"))
    document = found.train[0]
    kept = {}
    for whole in (True, False):
        text = made(tmp_path / str(whole), found, Cut(14, 200, 1000, whole_words=whole))
        tokenizer = pretrain.load_tokenizer(text.folder / "tokenizer")
        kept[whole] = tokenizer.decode(tokenizer(document, add_special_tokens=False)["input_ids"])
    assert kept[True] == document
    assert kept[False] == document.replace(".", " .")


@pytest.mark.parametrize(
    ("train", "held", "told"),
    [
        (["ka lo"], [], "train text of 2 tokens, too short for one block of 14; add text"),
        ([paragraph(n) for n in range(9)], ["ka"], "held-out text of .* raise hold_out"),
    ],
)
def test_a_text_too_short_for_a_block_is_refused(tmp_path, train, held, told):
    facts = read(folder_of(tmp_path / "text")).facts
    with pytest.raises(InputError, match=told):
        blocks.make(tmp_path / "blocks", corpus.Corpus(train, held, facts), CUT, lambda _: None)
    assert not (tmp_path / "blocks").exists()


def test_damaged_blocks_are_refused(tmp_path):
    text = made(tmp_path, read(folder_of(tmp_path / "text")))
    path = text.folder / "train.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match=r"train\.npy: not as it was written"):
        blocks.load(text.folder)
    (text.folder / blocks.FACTS).write_text("{")
    with pytest.raises(InputError, match=r"text\.json"):
        blocks.load(text.folder)


def test_what_a_killed_command_left_is_no_text(tmp_path):
    beside = tmp_path / ".blocks.tmp"
    beside.mkdir()
    (beside / "train.npy").write_bytes(b"half")
    text = made(tmp_path, read(folder_of(tmp_path / "text")))
    assert not beside.exists()
    assert json.loads((text.folder / blocks.FACTS).read_text())["name"] == "text"
    assert assets.SPECIALS[0] in (text.folder / "tokenizer" / "tokenizer.json").read_text()
