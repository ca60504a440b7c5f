"""Models and tokenizers of transformers that would be downloaded: a small one of their kind with random weights, and one that numbers words."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import torch

from vglint.probe.feed import Feed

_LAYERS = 2
_LENGTH = 32
"""Tokens of a text that nobody cuts or pads."""


def replacements(feed: Feed) -> Iterator[tuple[Any, str, Any]]:
    """Yields what to put in the place of what downloads, where transformers is imported: the owner, the name, the value."""
    library: Any = sys.modules.get("transformers")
    if library is None:
        return
    for name in ("AutoConfig", "AutoTokenizer", "PreTrainedModel", "PreTrainedTokenizerBase", *_auto(library)):
        owner = getattr(library, name, None)
        if owner is not None:
            yield owner, "from_pretrained", classmethod(_loaded(library, owner.from_pretrained.__func__, feed))


def _auto(library: Any) -> list[str]:
    kinds = "Model ModelForSequenceClassification ModelForTokenClassification ModelForMaskedLM ModelForCausalLM ModelForQuestionAnswering"
    return [f"Auto{kind}" for kind in kinds.split() if hasattr(library, f"Auto{kind}")]


def _loaded(library: Any, plain: Callable[..., Any], feed: Feed) -> Callable[..., Any]:
    def load(cls: Any, name: Any = "", *args: Any, **kwargs: Any) -> Any:
        try:
            return plain(cls, name, *args, **kwargs)
        except (OSError, ValueError, ImportError):
            config = None if "Tokenizer" in cls.__name__ else _config(library, cls, str(name), kwargs)
        if config is None:
            feed.invented[f"the tokens of {name}"] = None
            return Tokenizer()
        if cls.__name__ == "AutoConfig":
            return config
        feed.invented[f"{name} with {_LAYERS} layers and random weights"] = None
        return cls.from_config(config) if cls.__name__.startswith("Auto") else cls(config)

    return load


def _config(library: Any, cls: Any, name: str, given: Mapping[str, Any]) -> Any:
    """Returns the default configuration of the kind that a class or a name says, with few layers. Raises OSError where neither says one."""
    kind = getattr(cls, "config_class", None)
    if kind is None:
        known: Any = import_module("transformers.models.auto.configuration_auto").CONFIG_MAPPING
        told = [key for key in known if key in name.lower()]
        if not told:
            raise OSError(f"{name} cannot be downloaded here")
        kind = known[max(told, key=len)]
    wanted = given.get("config")
    options = {
        key: value for key, value in given.items() if key in ("num_labels", "output_hidden_states", "output_attentions")
    }
    config = kind(**options) if wanted is None or isinstance(wanted, str) else wanted
    for key in (
        "num_hidden_layers",
        "num_layers",
        "n_layer",
        "n_layers",
        "decoder_layers",
        "encoder_layers",
        "num_decoder_layers",
    ):
        if isinstance(getattr(config, key, None), int):
            setattr(config, key, min(getattr(config, key), _LAYERS))
    return config


class Tokenizer:
    """Gives each word a number, between two marks, cut and padded as asked."""

    vocab_size = 20_000
    model_max_length = 512
    pad_token_id, unk_token_id, cls_token_id, bos_token_id, sep_token_id, eos_token_id, mask_token_id = (
        0,
        1,
        2,
        2,
        3,
        3,
        4,
    )
    pad_token, unk_token, cls_token, bos_token, sep_token, eos_token, mask_token = (
        "[PAD]", "[UNK]", "[CLS]", "[CLS]", "[SEP]", "[SEP]", "[MASK]",
    )  # fmt: skip

    def __call__(self, text: Any = None, text_pair: Any = None, *, max_length: int | None = None, padding: Any = False,
                 truncation: Any = False, return_tensors: str | None = None, **_: object) -> Any:  # fmt: skip
        encoding: Any = import_module("transformers").BatchEncoding
        many = (not isinstance(text, str) and isinstance(text, (list, tuple))) or hasattr(text, "__array__")
        rows = [self.encode(one) for one in (list(text) if many else [text])]
        longest = max_length or _LENGTH
        rows = [row[: min(longest, self.model_max_length)] for row in rows]
        size = longest if padding == "max_length" or return_tensors == "pt" else max(map(len, rows)) if padding else 0
        marks = [[1] * len(row) + [0] * (size - len(row)) for row in rows]
        rows = [row + [0] * (size - len(row)) for row in rows]
        found: dict[str, Any] = {
            "input_ids": rows,
            "token_type_ids": [[0] * len(row) for row in rows],
            "attention_mask": marks,
        }
        if return_tensors == "pt":
            found = {key: torch.tensor(value) for key, value in found.items()}
        elif not many:
            found = {key: value[0] for key, value in found.items()}
        return encoding(found)

    encode_plus = batch_encode_plus = __call__

    def encode(self, text: Any, *_: object, **options: Any) -> Any:
        """Returns the numbers of a text's words, as a tensor of one row where that is asked for."""
        words = [10 + sum(map(ord, word)) * 31 % (self.vocab_size - 10) for word in self.tokenize(text)]
        made = [
            self.cls_token_id,
            *words[: (options.get("max_length") or self.model_max_length) - 2],
            self.sep_token_id,
        ]
        return torch.tensor([made]) if options.get("return_tensors") == "pt" else made

    def tokenize(self, text: Any) -> list[str]:
        """Returns the words of a text, of anything else those of its printed form."""
        return str(text).lower().split()[: self.model_max_length]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """Returns the numbers of words."""
        return self.encode(tokens)[1] if isinstance(tokens, str) else [self.encode(token)[1] for token in tokens]

    def decode(self, *_: object, **__: object) -> str:
        """Returns a text."""
        return "a text"

    def batch_decode(self, rows: Any, *_: object, **__: object) -> list[str]:
        """Returns a text for each row."""
        return ["a text" for _ in rows]

    def pad(self, rows: Any, *_: object, **options: Any) -> Any:
        """Returns rows of one length as tensors."""
        encoding: Any = import_module("transformers").BatchEncoding
        size = max(len(row["input_ids"]) for row in rows)
        made = {key: [list(row[key]) for row in rows] for key in rows[0]}
        return encoding({
            key: torch.tensor([(value if isinstance(value, list) else [value]) + [0] * (size - len(value)) for value in values])
            for key, values in made.items()
        })  # fmt: skip

    def add_special_tokens(self, *_: object, **__: object) -> int:
        """Adds nothing."""
        return 0

    add_tokens = save_pretrained = add_special_tokens

    def __len__(self) -> int:
        return self.vocab_size
