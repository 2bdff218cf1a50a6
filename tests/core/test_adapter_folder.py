"""How a model with a LoRA is asked: as the adapter was trained, as its base, or not at all where the two disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.answering.verdict import PROTOCOLS, TOLD_TO_REFUSE, Calibration, Judging
from core.errors import CorruptModelError
from core.models.layouts import OURS, READER, protocol_of

PLAIN = "qwen2.5-coder-1.5b-instruct"
TOLD = {"judging": "first", "fitted_to": PROTOCOLS[READER].fingerprint, "bias": -0.5, "weight": 0.7}


def write(folder: Path, told: Any) -> Path:
    (folder / OURS).write_text(told if isinstance(told, str) else json.dumps(told))
    return folder


@pytest.mark.parametrize("model", [READER, PLAIN])
def test_without_an_adapter_of_their_own_models_are_asked_by_their_names(model: str) -> None:
    assert protocol_of(model, PLAIN, None) is PROTOCOLS[model]
    assert protocol_of("hf:org/name", "hf:org/name", None) is TOLD_TO_REFUSE


def test_an_adapter_by_our_recipe_is_asked_as_the_reader_with_its_own_coefficients(tmp_path: Path) -> None:
    """Whatever model it is for."""
    for base in (PLAIN, "some-other-model"):
        protocol = protocol_of(base, base, write(tmp_path, TOLD))
        assert (protocol.judging, protocol.system) == (Judging.FIRST, PROTOCOLS[READER].system)
        assert protocol.calibration == Calibration(-0.5, 0.7)
        assert protocol.fingerprint == protocol.fitted_to


def test_an_adapter_that_says_nothing_is_asked_as_its_base(tmp_path: Path) -> None:
    """Also where it takes the place of the reader's own."""
    assert protocol_of(READER, PLAIN, tmp_path) is PROTOCOLS[PLAIN]
    assert protocol_of("other", "other", tmp_path) is TOLD_TO_REFUSE


@pytest.mark.parametrize(
    "told",
    [
        "{",
        "[]",
        "3",
        *[{key: value for key, value in TOLD.items() if key != left_out} for left_out in TOLD],
        TOLD | {"judging": "sometimes"},
        TOLD | {"bias": "much"},
        TOLD | {"weight": None},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said(tmp_path: Path, told: Any) -> None:
    with pytest.raises(CorruptModelError, match=rf"{OURS} cannot be read: .*\. Export the adapter again\."):
        protocol_of(PLAIN, PLAIN, write(tmp_path, told))


def test_a_file_in_another_encoding_is_said(tmp_path: Path) -> None:
    (tmp_path / OURS).write_bytes(b"\xff\xfe")
    with pytest.raises(CorruptModelError, match="cannot be read"):
        protocol_of(PLAIN, PLAIN, tmp_path)


@pytest.mark.parametrize("changed", [{"fitted_to": "0" * 12}, {"judging": "check"}, {"judging": "none"}], ids=str)
def test_an_adapter_for_other_words_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    with pytest.raises(
        CorruptModelError, match=r"trained for a different prompt .* Train it again: training/README\.md"
    ):
        protocol_of(PLAIN, PLAIN, write(tmp_path, TOLD | changed))
