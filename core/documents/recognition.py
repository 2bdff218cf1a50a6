"""Pictures of text → words and where they stand, read by RapidOCR, whose models come with it: `attune[ocr]`.

What it reads with little confidence is counted, not returned. A picture that lies on its side or upside down is turned.
Each takes seconds, so whoever waits is told of each (`on_picture`). Knows nothing of files, paragraphs or languages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from statistics import median
from typing import TYPE_CHECKING, Any

from core.documents.pdf_letters import PdfWord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]  # (height, width, red green blue)

MOST_PICTURES = 300  # of a document
LONGEST_SIDE = 2_200  # pixels: an A4 page at 190 dots per inch
HOW_TO_GET = "Install text recognition (OCR): pip install 'attune[ocr]'."
on_picture: ContextVar[Callable[[int], None]] = ContextVar("on_picture", default=lambda _: None)
"""Told the number of each page before it is read."""

_SURE = 0.6  # of 1: a line that is read with less confidence is left out
_DOUBTFUL = 0.85  # of 1: a picture whose text is read with less, on average, may be upside down
_HEADING = 1.35  # times the height of the usual line
_TYPE = 0.75  # of the height of a line's box, the size of its type
_OPTIONS = {
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Global.log_level": "critical",
    "Global.use_cls": False,
    "Global.text_score": 0.0,
    "Global.max_side_len": LONGEST_SIDE,
    "Det.limit_type": "max",
    "Det.limit_side_len": 1280,  # pixels, in which lines are looked for: they are read in full size
    "Det.max_candidates": 600,
    "Rec.rec_batch_num": 1,  # others would be filled up to the longest
}


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a picture says: pieces of lines, in pixels; how many more could not be read for certain."""

    words: tuple[PdfWord, ...]
    unsure: int
    confidence: float  # of 1, on average
    width: float
    height: float


def is_installed() -> bool:
    """Whether pictures can be read here."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def how_to_read() -> str:
    """What to do about pictures that were not read."""
    return f"Split it: no more than {MOST_PICTURES} are read of a document." if is_installed() else HOW_TO_GET


def recognise(picture: Picture) -> Recognition:
    """Read the text of a picture, however it is turned by a quarter."""
    found, sideways = _attempt(picture)
    turns = (1, 3) if sideways else (2,) if found.words and found.confidence < _DOUBTFUL else ()
    others = [_attempt(_turned(picture, turn))[0] for turn in turns]
    return max((found, *others) if not sideways else (*others, found), key=_worth)


def _worth(found: Recognition) -> float:
    return found.confidence * sum(len(word.text) for word in found.words)


def _turned(picture: Picture, quarters: int) -> Picture:
    import numpy as np  # noqa: PLC0415 - only who reads pictures waits for it

    return np.ascontiguousarray(np.rot90(picture, quarters))


def _attempt(picture: Picture) -> tuple[Recognition, bool]:
    """What is read, and whether the lines run up or down the picture."""
    output = _engine()(picture)
    boxes = [] if output.boxes is None else output.boxes.tolist()
    pieces = [_piece(box, text) for box, text in zip(boxes, output.txts or (), strict=True)]
    scores = [float(score) for score in output.scores or ()]
    sure = [piece for piece, score in zip(pieces, scores, strict=True) if score >= _SURE and piece.text]
    tall = sum(len(piece.text) for piece in pieces if piece.bottom - piece.top > 1.5 * (piece.right - piece.left))
    weights = [len(piece.text) for piece in pieces]
    confidence = sum(map(float.__mul__, scores, map(float, weights))) / max(1, sum(weights))
    height, width = picture.shape[:2]
    found = Recognition(tuple(_even(sure)), len(pieces) - len(sure), confidence, float(width), float(height))
    return found, tall * 2 > sum(weights)


def _piece(box: Sequence[Sequence[float]], text: str) -> PdfWord:
    across, down = [point[0] for point in box], [point[1] for point in box]
    left, right, top, bottom = min(across), max(across), min(down), max(down)
    return PdfWord(" ".join(text.split()), left, right, top, bottom, _TYPE * (bottom - top), bold=False)


def _even(pieces: Sequence[PdfWord]) -> list[PdfWord]:
    """With one size for all lines of running text, whose boxes differ by what sticks out of them."""
    usual = median(piece.size for piece in pieces) if pieces else 0.0
    return [piece if piece.size > _HEADING * usual else replace(piece, size=usual) for piece in pieces]


@cache
def _engine() -> Any:
    import cv2  # noqa: PLC0415 - as above
    from rapidocr import RapidOCR  # noqa: PLC0415

    cv2.setNumThreads(1)
    return RapidOCR(params=_OPTIONS)
