"""The sample of an invented team in each form that it takes on the way, and a random model laid out as Qwen's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from core.answering.verdict import READER
from core.domain import Passage
from tests.fakes import HashingEmbedder
from training import pool as pools
from training.drafts import Draft
from training.examples import Examples, encoded
from training.item_files import Item, read_items
from training.recipe import Recipe

SAMPLE = Path(pools.__file__).parent / "sample"
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Passage]:
    """The sample's passages, by way of the file that they are written to."""
    file = tmp_path_factory.mktemp("pool") / "pool.jsonl"
    pools.write_pool(pools.read_documents([SAMPLE / "documents"], HashingEmbedder()).passages, file)
    return pools.read_pool(file)


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return read_items(SAMPLE / "items.jsonl")


@pytest.fixture(scope="module")
def drafts(pool: dict[str, Passage], items: list[Item]) -> list[Draft]:
    recipe = Recipe(pool, seed=0)
    return [draft for item in items for draft in recipe.drafts(item)]


@pytest.fixture(scope="module")
def tokenizer(pool: dict[str, Passage]) -> PreTrainedTokenizerFast:
    """Learned from the sample's own words, with a chat template like Qwen's."""
    made = Tokenizer(BPE())
    made.pre_tokenizer, made.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    special = ["<|im_end|>", "<|im_start|>"]
    trainer = BpeTrainer(vocab_size=1200, special_tokens=special, initial_alphabet=ByteLevel.alphabet())
    made.train_from_iterator([passage.text for passage in pool.values()] + [READER, "yes no"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", chat_template=CHAT)  # noqa: S106


@pytest.fixture(scope="module")
def random_reader(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random model of three layers, laid out as the default one."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        initializer_range=0.2,  # with the usual 0.02 a frozen output layer cannot prefer any token
    )
    folder = tmp_path_factory.mktemp("models") / "random-reader"
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def examples(drafts: list[Draft], tokenizer: PreTrainedTokenizerFast) -> Examples:
    """Every tenth is held out: two documents are too few to hold one out."""
    return encoded([(draft, n % 10 == 0) for n, draft in enumerate(drafts)], "random", tokenizer)[0]
