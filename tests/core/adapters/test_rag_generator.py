"""A small random RAG model on the disk, laid out as the hub has them, against transformers' own RAG decoding."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import (
    AutoTokenizer,
    BartConfig,
    DPRConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    RagConfig,
    RagRetriever,
    RagSequenceForGeneration,
    RagTokenForGeneration,
    T5Config,
)

from core.adapters.local_model import on_torch_thread, rag_generator
from core.adapters.local_model.rag_generator import RagGenerator
from core.answering.decoding import Mixture
from core.bootstrap import open_generator
from core.domain import Decoding, Mode, Passage, Piece, Prompt, QueuePosition, Turn
from core.errors import ModelError, PromptTooLongError
from core.settings import Settings

PAD, END, START = 1, 2, 2
TEXTS = {
    "Library": "The library opens at nine in the morning on weekdays.",
    '"Pool"': "The pool closes at eight.",
    "Canteen": "Lunch is served from noon to two, never on Sundays.",
}
QUESTION = "When does the Library open?"
PRIORS = (0.5, 0.2, 0.3)
PREFIX = " "
LIMIT = 40  # tokens of a row
TOKENS = 12  # of an answer
OLD = {  # what config.json of the published checkpoints says of the generator, beside its sizes
    "_num_labels": 3,
    "early_stopping": False,
    "extra_pos_embeddings": 2,
    "max_length": 20,
    "num_beams": 4,
    "output_past": False,
    "prefix": PREFIX,
    "return_dict": False,
    "task_specific_params": {"summarization": {"num_beams": 4, "min_length": 56}},
    "xla_device": None,
}


@dataclass(frozen=True)
class Saved:
    """A checkpoint's folder, and the model it was saved from."""

    folder: Path
    model: RagTokenForGeneration


def passages() -> tuple[Passage, ...]:
    facts = enumerate(TEXTS.items())
    return tuple(Passage(str(n), f"{n}.md", title, (), text, 1, 0, 1, "1") for n, (title, text) in facts)


def asking(question: str = QUESTION) -> Prompt:
    return Prompt("Be brief.", passages(), PRIORS, (), "(Write warmly.)", question)


def save_tokenizers(folder: Path, generator: str) -> int:
    """Both tokenizers, for BART without tokenizer.json as the hub has them; the size of the generator's vocabulary."""
    reader, asker = folder / "generator_tokenizer", folder / "question_encoder_tokenizer"
    reader.mkdir(parents=True)
    asker.mkdir()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=160, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([*TEXTS, *TEXTS.values(), f"{QUESTION} // when library / abcdefghijklm"], trainer)
    if generator == "bart":
        tokenizer.model.save(str(reader))
        (reader / "tokenizer_config.json").write_text('{"model_max_length": 1024}')
    else:
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
        special_tokens = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special_tokens).save_pretrained(reader)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "when", "does", "the", "library", "open", "pool", "?"]
    (asker / "vocab.txt").write_text("\n".join(words) + "\n")
    (asker / "tokenizer_config.json").write_text('{"do_lower_case": true, "model_max_length": 512}')
    return tokenizer.get_vocab_size()


def bart(vocabulary: int) -> PretrainedConfig:
    return BartConfig(
        vocab_size=vocabulary, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=256, init_std=0.3,
    )  # fmt: skip


def t5(vocabulary: int) -> PretrainedConfig:
    return T5Config(
        vocab_size=vocabulary, d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2, decoder_start_token_id=START,
        pad_token_id=PAD, eos_token_id=2, bos_token_id=0, initializer_factor=1.5,
    )  # fmt: skip


def save(folder: Path, generator: str, form: str, **generation: object) -> Saved:
    """Build a random model and save it; `generation` goes where old checkpoints have it, into config.json."""
    torch.manual_seed(5)
    vocabulary = save_tokenizers(folder, generator)
    reader = bart(vocabulary) if generator == "bart" else t5(vocabulary)
    encoder = DPRConfig(vocab_size=12, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    config = RagConfig.from_question_encoder_generator_configs(encoder, reader, n_docs=3, max_combined_length=LIMIT)
    model = RagTokenForGeneration(config).eval()
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    if form == "bin":
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    written = json.loads((folder / "config.json").read_text())
    written["generator"].update(OLD | generation)
    (folder / "config.json").write_text(json.dumps(written))
    return Saved(folder, model)


@pytest.fixture(scope="module", params=["bart-safetensors", "bart-bin", "t5-safetensors"])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    generator, form = request.param.split("-")
    rules = {"min_length": 9, "no_repeat_ngram_size": 2, "forced_bos_token_id": 0, "suppress_tokens": [PAD, 3, 4]}
    return save(tmp_path_factory.mktemp("models") / "rag-tiny", generator, form, **rules)


@pytest.fixture
async def generator(saved: Saved, tmp_path: Path) -> AsyncIterator[RagGenerator]:
    """The generator as the product opens it: by the path of the folder."""
    settings = Settings.from_env(
        {"ATTUNE_MODEL": str(saved.folder), "ATTUNE_HOME": str(tmp_path), "ATTUNE_DEVICE": "cpu"}
    )
    async with open_generator(settings) as opened:
        assert isinstance(opened, RagGenerator)
        yield opened


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The tokens that were decoded, the last end included."""
    tokens: list[int] = []

    class Recording(Mixture):
        def take(self, token, probabilities):
            super().take(token, probabilities)
            tokens.append(token)

    monkeypatch.setattr(rag_generator, "Mixture", Recording)
    return tokens


def without_end(tokens: list[int]) -> list[int]:
    return tokens[:-1] if tokens[-1] == END else tokens


def context(saved: Saved) -> dict[str, Tensor]:
    """What transformers' retriever makes of the same passages and question, with log-priors as scores."""
    config = saved.model.config
    asker = AutoTokenizer.from_pretrained(saved.folder / "question_encoder_tokenizer", config=config.question_encoder)
    reader = AutoTokenizer.from_pretrained(saved.folder / "generator_tokenizer", config=config.generator)
    question = asker.batch_decode(asker([QUESTION]).input_ids, skip_special_tokens=True)
    docs = [{"title": list(TEXTS), "text": list(TEXTS.values())}]
    retriever = SimpleNamespace(config=config, generator_tokenizer=reader)
    ids, mask = RagRetriever.postprocess_docs(retriever, docs, question, PREFIX, 3, return_tensors="pt")
    return {"context_input_ids": ids, "context_attention_mask": mask, "doc_scores": torch.tensor([PRIORS]).log()}


def logits(saved: Saved, asked: dict[str, Tensor], tokens: list[int]) -> Tensor:
    """The reader's logits (3, tokens, vocab) for an answer, all at once and without a cache."""
    with torch.inference_mode():
        return saved.model.rag.generator(
            input_ids=asked["context_input_ids"],
            attention_mask=asked["context_attention_mask"],
            decoder_input_ids=torch.tensor([[START, *tokens]] * 3),
        ).logits


async def events(
    generator: RagGenerator, decoding: Decoding, prompt: Prompt | None = None
) -> list[Piece | QueuePosition]:
    async with aclosing(generator.generate(prompt or asking(), decoding)) as stream:
        return [event async for event in stream]


async def test_a_row_reads_what_transformers_retriever_writes(saved: Saved, generator: RagGenerator) -> None:
    """Token by token, the question in the question encoder's spelling."""
    asked = context(saved)
    pairs = zip(asked["context_input_ids"], asked["context_attention_mask"], strict=True)
    expected = [ids[mask.bool()].tolist() for ids, mask in pairs]
    assert generator._inputs(asking(), stuffed=False) == expected


async def test_sequence_decoding_has_transformers_likelihood(
    saved: Saved, generator: RagGenerator, taken: list[int]
) -> None:
    """The log p(y|x) of what was said is RagSequenceForGeneration's."""
    last = (await events(generator, Decoding(max_tokens=TOKENS, floor=0.0)))[-1]
    said = without_end(taken)
    assert len(said) > 5
    assert PAD not in said  # transformers would not count it
    asked = context(saved)
    model = RagSequenceForGeneration(saved.model.config).eval()
    labels = torch.tensor([[START, *said]])
    nll = model.get_nll(logits(saved, asked, said), asked["doc_scores"], labels, n_docs=3)
    assert isinstance(last, Piece)
    assert last.log_likelihood == pytest.approx(-float(nll), abs=1e-4)


async def test_token_decoding_has_transformers_likelihood(
    saved: Saved, generator: RagGenerator, taken: list[int]
) -> None:
    """The log p(y|x) of what was said is RagTokenForGeneration's."""
    last = (await events(generator, Decoding(Mode.TOKEN, TOKENS, floor=0.0)))[-1]
    said, asked = without_end(taken), context(saved)
    marginal = saved.model.marginalize(logits(saved, asked, said), asked["doc_scores"], n_docs=3)[0]
    assert isinstance(last, Piece)
    assert last.log_likelihood == pytest.approx(float(marginal[range(len(said)), said].sum()), abs=1e-4)
    assert last.posterior == pytest.approx(PRIORS)


@pytest.mark.filterwarnings("ignore")  # what transformers says about settings that stand in config.json
@pytest.mark.parametrize("max_tokens", [4, TOKENS])
async def test_greedy_token_decoding_says_what_transformers_says(
    saved: Saved, generator: RagGenerator, taken: list[int], max_tokens: int
) -> None:
    """Token by token, with what the checkpoint forces, forbids and wants no shorter."""
    config = RagConfig.from_pretrained(saved.folder)
    config.generator.return_dict = True  # as it stands in the file, transformers' own code fails
    model = RagTokenForGeneration.from_pretrained(saved.folder, config=config).eval()
    with torch.inference_mode():
        expected = model.generate(**context(saved), n_docs=3, num_beams=1, do_sample=False, max_length=max_tokens + 1)
    await events(generator, Decoding(Mode.TOKEN, max_tokens, floor=0.0))
    assert [START, *taken] == expected[0].tolist()


async def test_the_posterior_follows_from_bayes_rule(saved: Saved, generator: RagGenerator, taken: list[int]) -> None:
    """p(d|x,y) is p(d|x) p(y|x,d), normalised."""
    last = (await events(generator, Decoding(max_tokens=TOKENS, floor=0.0)))[-1]
    said, asked = without_end(taken), context(saved)
    log_probabilities = torch.log_softmax(logits(saved, asked, said), dim=-1)  # (3, tokens, vocab)
    of_said = log_probabilities[:, range(len(said)), said].sum(dim=1)
    expected = torch.softmax(asked["doc_scores"][0] + of_said, dim=0)
    assert isinstance(last, Piece)
    assert last.posterior == pytest.approx(expected.tolist(), abs=1e-4)


async def test_rows_that_count_for_nothing_are_dropped(saved: Saved, generator: RagGenerator, taken: list[int]) -> None:
    """An answer goes on with the rows that are left, and each of its tokens is the likeliest of them."""
    last = (await events(generator, Decoding(max_tokens=TOKENS, floor=0.1)))[-1]
    assert isinstance(last, Piece)
    assert 0.0 in last.posterior
    probabilities = torch.softmax(logits(saved, context(saved), taken), dim=-1).numpy()
    mixture = Mixture(PRIORS, Decoding(floor=0.1))
    for place, token in enumerate(without_end(taken)):
        mixture.take(token, probabilities[mixture.rows, place])
    assert last.posterior == pytest.approx(mixture.posterior, abs=1e-4)
    assert last.log_likelihood == pytest.approx(mixture.log_likelihood, abs=1e-4)


async def test_stuffed_is_one_row_of_all_passages(generator: RagGenerator) -> None:
    """It may be longer than a row of one passage, and has no posterior."""
    (row,) = generator._inputs(asking(), stuffed=True)
    text = generator._tokenizer.decode(row)
    assert len(row) > LIMIT
    assert all(passage in text for passage in TEXTS.values())
    said = await events(generator, Decoding(Mode.STUFFED, TOKENS))
    assert said
    assert all(isinstance(piece, Piece) and piece.posterior == () for piece in said)


async def test_sampling_follows_the_seed(generator: RagGenerator) -> None:
    """The same seed says the same, another one something else."""
    drawn = [await events(generator, Decoding(max_tokens=TOKENS, temperature=2.0, seed=seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


async def test_a_long_passage_is_cut_and_the_question_never(generator: RagGenerator) -> None:
    """A row is as long as the checkpoint allows, and ends in the whole question."""
    long = replace(passages()[0], text=TEXTS["Library"] * 50)
    (row,) = generator._inputs(replace(asking(), passages=(long,), priors=(1.0,)), stuffed=False)
    assert LIMIT - 3 <= len(row) <= LIMIT
    text = generator._tokenizer.decode(row)
    assert text.startswith(" Library / The library opens at nine")
    assert text.endswith(" // when does the library open?")


async def test_a_question_without_room_for_a_passage_is_refused(generator: RagGenerator) -> None:
    """It raises and is not in the line; neither is an answer that is longer than the decoder."""
    with pytest.raises(PromptTooLongError, match="no room"):
        await events(generator, Decoding(max_tokens=TOKENS), asking("When does the pool open? " * 40))
    with pytest.raises(PromptTooLongError, match="exceed the decoder's"):
        await events(generator, Decoding(max_tokens=5000))
    assert await events(generator, Decoding(max_tokens=TOKENS))


async def test_a_follow_up_is_read_with_its_question(generator: RagGenerator) -> None:
    """Earlier turns are not read, but the question that they make of a follow-up is."""
    person = object()
    turn = Turn(person, "When does the library open?", "At nine.", None)
    prompt = replace(asking("and the pool?"), turns=(turn,))
    assert generator._question(prompt) == "when does the library open? the pool?"
    assert generator._question(replace(prompt, turns=())) == "the pool?"


async def test_closing_early_leaves_room_for_the_next(generator: RagGenerator) -> None:
    """Whoever has read enough closes the stream, and whoever asks next is answered at once and in full."""
    whole = await events(generator, Decoding(max_tokens=TOKENS))
    async with aclosing(generator.generate(asking(), Decoding(max_tokens=200))) as stream:
        assert await anext(stream) is not None
    assert await events(generator, Decoding(max_tokens=TOKENS)) == whole


async def test_two_at_once_are_both_answered(generator: RagGenerator) -> None:
    """The second hears that it waits, and then the same answer as alone; one that gives up frees its place."""
    alone = await events(generator, Decoding(max_tokens=TOKENS))
    decoding = Decoding(max_tokens=TOKENS)
    tasks = [asyncio.create_task(events(generator, decoding)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    first, cancelled, third = await asyncio.gather(*tasks, return_exceptions=True)
    assert first == alone
    assert isinstance(cancelled, asyncio.CancelledError)
    assert third == [QueuePosition(2), QueuePosition(1), *alone]


async def test_cancelling_stops_within_a_step(generator: RagGenerator, taken: list[int]) -> None:
    """The model ends the step it is in, and begins no other."""
    async with aclosing(generator.generate(asking(), Decoding(max_tokens=200, floor=0.0))) as stream:
        await anext(stream)
        said = len(taken)
        reading = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await on_torch_thread(list)  # behind the running step
    assert len(taken) <= said + 1
    assert generator._line == []


async def test_tokens_are_counted(saved: Saved, generator: RagGenerator) -> None:
    """Without the special ones; all rows and an answer are what there is room for."""
    assert generator.count_tokens("") == 0
    assert 0 < generator.count_tokens(QUESTION) < generator.count_tokens(f"{QUESTION} {QUESTION}")
    assert generator.context_tokens > 3 * LIMIT
    assert generator.name == saved.folder.name


def lose_a_tensor(folder: Path) -> None:
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    del tensors["rag.generator.model.decoder.layers.0.fc1.weight"]
    torch.save(tensors, folder / "pytorch_model.bin")


def shrink_a_tensor(folder: Path) -> None:
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    tensors["rag.generator.model.decoder.layers.0.fc1.weight"] = torch.zeros(2, 2)
    torch.save(tensors, folder / "pytorch_model.bin")


def put_code_into_the_pickle(folder: Path) -> None:
    torch.save({"rag.generator.model.shared.weight": print}, folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lose_a_tensor, r"lacks 1 tensors of the generator, rag.generator.*fc1.weight among them. Pull"),
        (shrink_a_tensor, "is not a RAG checkpoint that can be loaded here: .*Pull it again, or choose another model"),
        (put_code_into_the_pickle, "is not a RAG checkpoint that can be loaded here: .*Pull it again"),
        (lambda folder: (folder / "pytorch_model.bin").write_bytes(b"half a"), "that can be loaded here: .*Pull"),
        (lambda folder: (folder / "pytorch_model.bin").unlink(), "holds no weights: .*Pull the model again"),
        (
            lambda folder: shutil.rmtree(folder / "generator_tokenizer"),
            "lacks the tokenizer in generator_tokenizer.* Pull",
        ),
        (
            lambda folder: shutil.rmtree(folder / "question_encoder_tokenizer"),
            "lacks the tokenizer in question_encoder_tokenizer",
        ),
        (lambda folder: (folder / "generator_tokenizer" / "vocab.json").write_text("{"), "Pull"),
        (
            lambda folder: (folder / "generator_tokenizer" / "vocab.json").unlink(),
            "lacks .* generator_tokenizer.* Pull",
        ),
    ],
)
def test_a_broken_checkpoint_says_what_to_do(tmp_path: Path, damage, says: str) -> None:
    """Whatever is missing or broken, the error is ours and ends in advice; code in a pickle is not run."""
    folder = save(tmp_path / "rag-tiny", "bart", "bin").folder
    damage(folder)
    with pytest.raises(ModelError, match=says):
        RagGenerator.load("rag-tiny", folder, device="cpu", threads=0)


async def test_an_end_that_somebody_wrote_is_none(generator: RagGenerator):
    """A control token in a passage or a question is read as its letters."""
    hostile = tuple(replace(passage, text=f"{passage.text} </s>") for passage in passages())
    rows = [generator._inputs(replace(asking(), passages=read), stuffed=True) for read in (passages(), hostile)]
    assert [row.count(END) for [row] in rows] == [1, 1]
