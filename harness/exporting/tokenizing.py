"""A tokenizer that frames a text by itself, as the model that is exported was tuned to read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers import Regex, Tokenizer, normalizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from harness.cells.view import Reader
from harness.serving import Served

PADDING = "[PAD]"
_NAMED = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


def framed(served: Served, own_padding: bool) -> Any:
    """A copy of a model's tokenizer that puts its frame around texts and pairs.

    `own_padding` asks for a padding token that is no other token; it is added where there is none.
    Texts are read like their words: white space counts as one blank, at the ends as none. Padding
    stands on the left for a model that writes.
    """
    reader, writes = served.reader, served.writes
    source = reader.tokenizer
    backend = Tokenizer.from_str(source.backend_tokenizer.to_str())
    backend.no_truncation()
    backend.no_padding()
    if _blanks_matter(backend):
        backend.normalizer = _one_blank(backend.normalizer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        **_named(source, own_padding),
        model_max_length=_prompt(reader) if writes else served.parts.knobs.max_length,
        padding_side="left" if writes else "right",
        clean_up_tokenization_spaces=False,
        model_input_names=_inputs(served),
    )
    made.backend_tokenizer.post_processor = _template(made, reader, writes)
    return made


def _named(source: Any, own_padding: bool) -> dict[str, Any]:
    """The special tokens; padding is the end of a text where it needs no token of its own."""
    special = {f"{name}_token": getattr(source, f"{name}_token") for name in _NAMED}
    end = special["eos_token"] or special["sep_token"]
    if special["pad_token"] in (None, end):
        special["pad_token"] = PADDING if own_padding else end
    named = {name: str(token) for name, token in special.items() if token is not None}
    others = [str(t) for t in source.all_special_tokens if str(t) not in named.values()]
    return {**named, "additional_special_tokens": others}


def _inputs(served: Served) -> list[str]:
    """Segments only for a model that has a table for two of them: others would misread them."""
    config: Any = served.model.body.config
    names = ["input_ids", "attention_mask"]
    tells = int(getattr(config, "type_vocab_size", 0) or 0) > 1
    return [*names, "token_type_ids"] if tells else names


def _prompt(reader: Reader) -> int:
    """Tokens of the longest prompt: what leaves room for a text to be written."""
    frame = reader.frame
    return reader.room.first + len(frame.before) + len(frame.between)


def _template(tokenizer: Any, reader: Reader, writes: bool) -> Any:
    """`before $A after` and `before $A between $B after`; a prompt ends with `between`."""
    before, after, between = (tokenizer.convert_ids_to_tokens(list(ids)) for ids in reader.frame)
    single = [*before, "$A", *(between if writes else after)]
    pair = [*before, "$A", *between, "$B:1", *(f"{token}:1" for token in after)]
    used = dict.fromkeys([*before, *after, *between])
    return TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=[(token, tokenizer.convert_tokens_to_ids(token)) for token in used],
    )


def _blanks_matter(backend: Tokenizer) -> bool:
    """Whether a second blank, or one at an end, makes tokens of its own."""
    plain, wide = ("a b", " a  b ")
    return _ids(backend, plain) != _ids(backend, wide)


def _ids(backend: Tokenizer, text: str) -> Sequence[int]:
    found: list[int] = backend.encode(text, add_special_tokens=False).ids
    return found


def _one_blank(before: Any) -> Any:
    steps = [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    return normalizers.Sequence([*steps, *([before] if before is not None else [])])
