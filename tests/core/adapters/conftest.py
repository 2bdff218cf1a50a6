"""A tiny random model that several tests convert."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = {word: number for number, word in enumerate(["<unk>", "</s>", "the", "library", "opens", "at", "nine"])}


@pytest.fixture
def random_model(tmp_path: Path) -> Path:
    """A folder with a tiny random llama, grouped key heads and a head of its own, and a tokenizer."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=False,
    )
    folder = tmp_path / "random"
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="<unk>"))  # noqa: S106 - a token of text, and no secret
    tokenizer.pre_tokenizer = Whitespace()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")  # noqa: S106
    wrapped.save_pretrained(folder)
    return folder
