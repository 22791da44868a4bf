"""WordPiece: the tokens of a BERT-class model in the engine's form, and how it changes text first.

Owns which changes of a text the engine makes too. The model around it is `bert`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gguf import GGUFWriter, TokenType

from stoker.core.errors import UnsupportedModelError
from stoker.models.checkpoint.documents import TOKENIZER_BYTES_MAX, Folder, garbage

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NEEDED = frozenset(_SPECIAL[:4])
_FILE = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class WordPiece:
    """Tokens by number, in the engine's form; `specials` has numbers; how text is changed."""

    tokens: list[str]
    types: list[TokenType]
    specials: dict[str, int]
    lowercase: bool
    strip_accents: bool

    def describe(self, writer: GGUFWriter) -> None:
        """Add the vocabulary to a file's metadata."""
        writer.add_tokenizer_model("bert")
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_bos_token_id(self.specials["[CLS]"])
        writer.add_eos_token_id(self.specials["[SEP]"])
        writer.add_sep_token_id(self.specials["[SEP]"])
        writer.add_pad_token_id(self.specials["[PAD]"])
        writer.add_unk_token_id(self.specials["[UNK]"])
        writer.add_bool("tokenizer.ggml.normalizer.lowercase", self.lowercase)
        writer.add_bool("tokenizer.ggml.normalizer.strip_accents", self.strip_accents)


def read_wordpiece(folder: Folder, size: int) -> WordPiece:
    """The vocabulary of the model in `folder`, whose embedding has `size` rows.

    Raises:
        UnsupportedModelError: it is no WordPiece, or changes text in a way the engine does not.
        ModelFileGarbageError: more tokens than rows, one with two numbers, or two with one.
    """
    document = folder.object(_FILE, TOKENIZER_BYTES_MAX)
    settings = folder.object("tokenizer_config.json", TOKENIZER_BYTES_MAX)
    words = _words(folder, document, size)
    specials = {word: number for number, word in enumerate(words) if word in _SPECIAL}
    if missing := _NEEDED - set(specials):
        raise UnsupportedModelError(f"The vocabulary lacks {', '.join(sorted(missing))}")
    tokens = [word if word in specials else marked(word) for word in words]
    if len(set(tokens)) != size:
        raise garbage("The vocabulary has one token under two numbers")
    control, normal = TokenType.CONTROL, TokenType.NORMAL
    types = [control if word in specials else normal for word in words]
    lowercase, strip_accents = _changes(document.get("normalizer"), settings)
    return WordPiece(tokens, types, specials, lowercase, strip_accents)


def marked(word: str) -> str:
    """`word` as llama.cpp wants it."""
    if word.startswith("[") and word.endswith("]") and len(word) > 2:
        return word
    return word[2:] if word.startswith("##") and len(word) > 2 else f"▁{word}"


def _words(folder: Folder, document: Mapping[str, Any], size: int) -> list[str]:
    """A word for each of `size` numbers, as WordPiece writes them."""
    said = document.get("model", {})
    if document and (not isinstance(said, dict) or said.get("type", "WordPiece") != "WordPiece"):
        raise UnsupportedModelError("A BertModel needs a WordPiece vocabulary")
    if isinstance(said, dict) and said.get("continuing_subword_prefix", "##") != "##":
        raise UnsupportedModelError("A WordPiece that marks continuations otherwise than by ##")
    text = folder.text("vocab.txt", TOKENIZER_BYTES_MAX)
    vocab = said.get("vocab")
    found = _numbered(vocab, size) if vocab else _lines(text or "")
    if len(found) > size:
        raise garbage(f"{len(found)} tokens, where config.json has {size}")
    return [*found, *(f"[PAD{number}]" for number in range(len(found), size))]


def _lines(text: str) -> list[str]:
    return [line.rstrip("\r") for line in text.rstrip("\n").split("\n")]


def _numbered(vocab: Any, size: int) -> list[str]:
    if not isinstance(vocab, dict) or len(vocab) > size:
        raise garbage(f"{_FILE}: has no vocabulary of at most {size} tokens")
    words: dict[int, str] = {}
    for word, number in vocab.items():
        if type(number) is not int or not 0 <= number < size:
            raise garbage(f"{_FILE}: has a token without a number below {size}")
        if words.setdefault(number, word) != word:
            raise garbage(f"{_FILE}: gives the number {number} to two tokens")
    return [words.get(number, f"[PAD{number}]") for number in range(size)]


def _changes(normalizer: Any, settings: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether capitals become small letters, and whether accents go."""
    said: Mapping[str, Any] = normalizer if isinstance(normalizer, dict) else settings
    kind = said.get("type", "BertNormalizer") if said is normalizer else "BertNormalizer"
    if kind != "BertNormalizer":
        raise UnsupportedModelError(f"A WordPiece that changes text by {kind} is not supported")
    for name in ("clean_text", "handle_chinese_chars", "tokenize_chinese_chars"):
        if said.get(name, True) is not True:
            raise UnsupportedModelError(f"A WordPiece without {name} is not supported")
    lowercase = said.get("lowercase", said.get("do_lower_case", True)) is True
    accents = said.get("strip_accents")
    return lowercase, lowercase if accents is None else accents is True
