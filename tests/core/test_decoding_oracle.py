"""Our decoding against transformers' own RAG models, small and random: the same equation, written by other people."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import BartConfig, DPRConfig, RagConfig, RagSequenceForGeneration, RagTokenForGeneration
from transformers.models.rag.modeling_rag import RagPreTrainedModel

from core.answering.decoding import Mixture
from core.domain import Decoding, Mode

PASSAGES = 3
PAD, BOS, EOS, START = 1, 0, 2, 2
LENGTH = 7


def rag(kind: type[RagPreTrainedModel], seed: int) -> RagPreTrainedModel:
    torch.manual_seed(seed)
    reader = BartConfig(
        vocab_size=60, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=64,
        forced_eos_token_id=None, init_std=0.6,
    )  # fmt: skip
    encoder = DPRConfig(vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    config = RagConfig.from_question_encoder_generator_configs(encoder, reader, n_docs=PASSAGES, max_combined_length=32)
    return kind(config).eval()


@pytest.fixture(params=range(4))
def asked(request) -> dict[str, Tensor]:
    """Three passages with the question, of different lengths, and how well each was found."""
    torch.manual_seed(100 + request.param)
    ids = torch.randint(4, 60, (PASSAGES, 12))
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    return {
        "context_input_ids": ids,
        "context_attention_mask": mask,
        "doc_scores": torch.randn(1, PASSAGES) * 2,
    }


def rows(model: RagPreTrainedModel, asked: dict[str, Tensor], so_far: list[int]) -> Tensor:
    """Each passage's distribution over the token after `so_far`, (passages, vocab), from the reader alone."""
    with torch.inference_mode():
        output = model.rag.generator(
            input_ids=asked["context_input_ids"],
            attention_mask=asked["context_attention_mask"],
            decoder_input_ids=torch.tensor([so_far] * PASSAGES),
        )
    return torch.softmax(output.logits[:, -1].double(), dim=-1).numpy()


def priors(asked: dict[str, Tensor]) -> list[float]:
    return torch.softmax(asked["doc_scores"][0].double(), dim=-1).tolist()


def test_rag_sequence_gives_a_text_the_probability_that_transformers_gives_it(asked: dict[str, Tensor]) -> None:
    model = rag(RagSequenceForGeneration, seed=1)
    answer = torch.randint(4, 60, (LENGTH,)).tolist()
    labels = torch.tensor([[START, *answer]])  # get_nll shifts: the first token is what decoding starts from
    mixture, so_far = Mixture(priors(asked), Decoding(floor=0.0)), [START]
    for token in answer:
        mixture.take(token, rows(model, asked, so_far))
        so_far.append(token)
    with torch.inference_mode():
        decoder = torch.tensor([so_far] * PASSAGES)
        logits = model.rag.generator(
            input_ids=asked["context_input_ids"],
            attention_mask=asked["context_attention_mask"],
            decoder_input_ids=decoder,
        ).logits
        nll = model.get_nll(logits, asked["doc_scores"], labels, n_docs=PASSAGES)
    assert mixture.log_likelihood == pytest.approx(-float(nll), abs=1e-4)


def test_rag_token_gives_a_text_the_probability_that_transformers_gives_it(asked: dict[str, Tensor]) -> None:
    model = rag(RagTokenForGeneration, seed=2)
    answer = torch.randint(4, 60, (LENGTH,)).tolist()
    mixture, so_far = Mixture(priors(asked), Decoding(mode=Mode.TOKEN, floor=0.0)), [START]
    for token in answer:
        mixture.take(token, rows(model, asked, so_far))
        so_far.append(token)
    with torch.inference_mode():
        logits = model.rag.generator(
            input_ids=asked["context_input_ids"],
            attention_mask=asked["context_attention_mask"],
            decoder_input_ids=torch.tensor([so_far] * PASSAGES),
        ).logits
        log_probabilities = model.marginalize(logits, asked["doc_scores"], n_docs=PASSAGES)[0]  # (length + 1, vocab)
    expected = log_probabilities[range(LENGTH), answer].sum()
    assert mixture.log_likelihood == pytest.approx(float(expected), abs=1e-4)


@pytest.mark.filterwarnings("ignore")  # what transformers says about generation settings of so small a model
def test_greedy_rag_token_says_what_transformers_says(asked: dict[str, Tensor]) -> None:
    model = rag(RagTokenForGeneration, seed=3)
    with torch.inference_mode():
        expected = model.generate(
            **asked, n_docs=PASSAGES, num_beams=1, do_sample=False, max_length=10, min_length=10, eos_token_id=None
        )[0].tolist()
    mixture, so_far = Mixture(priors(asked), Decoding(mode=Mode.TOKEN, floor=0.0)), [START]
    while len(so_far) < len(expected):
        so_far.append(mixture.step(rows(model, asked, so_far)))
    assert so_far == expected
