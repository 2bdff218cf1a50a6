"""Nothing invented: of an answer as it grows, what may be shown.

Words pass one by one; one that could be a fact (core/answering/facts.py) waits for the two behind it, a link or a
command for its end, a table row or a line of code for the line's. Where a fact stands nowhere in what was read, the
rest of its sentence is left out, with "…" in its place, or all of it where nothing of it was shown yet; a link keeps
its words and loses its address; a row or a line of code goes as a whole. What is shown is never taken back, however the
text is cut into pieces. Pure; knows nothing of models, of passages' places, or of who reads.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field, replace

from core.answering.facts import Facts
from core.domain import CutOff, Piece, QueuePosition, Verdicts
from core.text import numerals
from core.text.growing import AHEAD, CODE, LINK, ends_sentence, following, gap_end, may_count, word_end

_PREFIX = re.compile(r"[ \t]*(?:(?:[-*+•>]|#{1,6}|\d{1,2}[.)])[ \t]+)*")  # how a list item, a heading, a quote begins
_MARKER = re.compile(r"[-*+•>]|#{1,6}|\d{1,2}[.)]?|[`~]{1,2}")  # what may still become such a beginning, or a fence
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[ \t]*([^\s`]*)[^`\n]*\n?")
_DELIMITER = re.compile(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*\n?")
_TEXT = re.compile(r"(?:#|//|--\s).*|[\s\W]*[A-ZÄÖÜ](?:[^\W\d_]|['’])*,?(?:\s+\S+){2,}|[^\W\d_]+.*[.!?,]")
_TEXTUAL = frozenset({"text", "txt", "markdown", "md", "plaintext"})


@dataclass(slots=True)
class _Sentence:
    """The sentence that is being said: all of it, and whether the rest is left out."""

    words: list[str] = field(default_factory=list)
    text: str = ""
    is_shown: bool = False  # some of it
    is_cut: bool = False


@dataclass(slots=True)
class _Block:
    """A table, or lines of code. Its opening waits for a line that may be shown."""

    opening: str
    language: str | None = None  # of code
    lines: int = 0
    is_shown: bool = False
    is_cut: bool = False
    is_sound: bool = True  # the table's header


class Grounding:
    """One answer's filter. `left_out` has what was not shown, `whole` counts what was shown in full."""

    def __init__(self, read: Iterable[str], asked: str = "") -> None:
        self._facts = Facts(read, asked)
        self._waiting = ""
        self._prefix: str | None = None  # of the line that is being said; None before its beginning is known
        self._is_heading = False
        self._line = ""  # what was shown of it
        self._line_cut = False
        self._sentence = _Sentence()
        self._sentence_before = ""
        self._shown = ""
        self._block: _Block | None = None
        self.left_out: list[str] = []
        self.whole = 0

    def feed(self, text: str) -> str:
        """What may be shown now that `text` was said, too."""
        self._waiting += text
        return self._advance(ended=False)

    def finish(self) -> str:
        """What may be shown at the end."""
        shown = self._advance(ended=True)
        self._end_sentence()
        beginning = "" if self._line or self._line_cut else self._prefix or ""
        return shown + beginning + self._end_block()

    def _advance(self, *, ended: bool) -> str:
        shown = ""
        while self._waiting:
            if self._prefix is None:
                step = self._begin_line(ended=ended)
            elif self._waiting[0] == "\n":
                step = self._end_line()
            else:
                step = self._go_on(ended=ended)
            if step is None:
                break
            shown += step
            self._shown += step
        return shown

    def _begin_line(self, *, ended: bool) -> str | None:
        waiting = self._waiting
        prefix = _PREFIX.match(waiting)[0]  # type: ignore[index]  # matches anything
        rest = waiting[len(prefix) :]
        is_code = self._block is not None and self._block.language is not None
        if not ended and not is_code and (not rest or _MARKER.fullmatch(rest)):
            return None
        if is_code or rest.startswith(("```", "~~~", "|")):
            line, newline, rest = waiting.partition("\n")
            if not newline and not ended:
                return None
            self._waiting = rest
            return self._block_line(line + newline)
        self._prefix, self._waiting = prefix, rest
        self._is_heading, self._line, self._line_cut = "#" in prefix, "", False
        return self._end_block()

    def _end_line(self) -> str:
        self._end_sentence()
        self._prefix, prefix, self._waiting = None, self._prefix or "", self._waiting[1:]
        return "" if self._line_cut and not self._line else f"{'' if self._line else prefix}\n"

    def _go_on(self, *, ended: bool) -> str | None:
        """Say the next word, when it and what it depends on are there."""
        start = gap_end(self._waiting, 0)
        if self._waiting[start : start + 1] == "\n" or (ended and start == len(self._waiting)):
            gap, self._waiting = self._waiting[:start], self._waiting[start:]
            return "" if self._line_cut and (self._sentence.is_cut or not self._line) else self._put(gap)
        end = word_end(self._waiting, start, ended=ended)
        if end is None:
            return None
        gap, word = self._waiting[:start], self._waiting[start:end]
        after = following(self._waiting, end, ended=ended) if may_count(word) else []
        if after is None:
            return None
        self._waiting = self._waiting[end:]
        return self._say(gap, word, after)

    def _say(self, gap: str, word: str, after: Sequence[str]) -> str:
        if self._sentence.words and ends_sentence(self._sentence.words[-1], word):
            self._end_sentence()
        sentence = self._sentence
        shown = None if sentence.is_cut else self._allowed(word, after)
        sentence.words.append(word)
        sentence.text += gap + word
        if shown is None:
            stub = f" …{_closing(self._line)}" if sentence.is_shown and not sentence.is_cut else ""
            sentence.is_cut = self._line_cut = True
            self._line += stub
            return stub
        sentence.is_shown = True
        return self._put(("" if self._line_cut and not self._line else gap) + shown)

    def _put(self, text: str) -> str:
        """`text` on the line, behind what the line begins with."""
        text = f"{'' if self._line else self._prefix}{text}"
        self._line += text
        return text

    def _end_sentence(self) -> None:
        sentence, self._sentence = self._sentence, _Sentence()
        self._sentence_before = "" if sentence.is_cut else sentence.text
        if sentence.is_cut:
            self.left_out.append(sentence.text.strip())
        elif sentence.words and not self._is_heading and sentence.words[-1].rstrip("*_")[-1:] != ":":
            self.whole += 1

    def _allowed(self, text: str, after: Sequence[str] = ()) -> str | None:
        """`text` as it may be shown, without addresses of links that stand nowhere; None where it may not."""
        plain = CODE.sub(" ", LINK.sub(r" \1 ", text)).replace("|", " ").split()
        codes = [found[2] for found in CODE.finditer(text)]
        said = numerals.figures(f"{self._sentence_before} {self._sentence.text}").numbers if may_count(text) else ()
        for place, word in enumerate(plain):
            before, behind = [*self._sentence.words, *plain[:place]], [*plain[place + 1 :], *after]
            if not self._facts.hold(word, before, behind[:AHEAD], said):
                return None
        if not all(self._facts.hold_code(code) for code in codes):
            return None
        return LINK.sub(self._linked, text)

    def _linked(self, link: re.Match[str]) -> str:
        if self._facts.hold_target(link[2]):
            return link[0]
        self.left_out.append(link[2])
        return link[1]

    def _block_line(self, line: str) -> str:
        fence = _FENCE.fullmatch(line)
        if self._block and self._block.language is not None:
            return self._end_block(line) if fence and not fence[1] else self._code_line(self._block, line)
        if fence:
            ended, self._block = self._end_block(), _Block(line, language=fence[1].lower())
            return ended
        if self._block:
            return self._row(self._block, line)
        self._block = _Block(line, is_sound=self._allowed(line) is not None)
        return ""

    def _row(self, block: _Block, line: str) -> str:
        if not block.lines and _DELIMITER.fullmatch(line):
            block.opening += line
            return ""
        numbered = re.match(rf"[ \t]*\|[ \t]*{block.lines + 1}[ \t.]*(?=\|)", line)
        rest = line[numbered.end() :] if numbered else line
        shown = self._allowed(rest) if block.is_sound and self._facts.carry(rest, self._shown + rest) else None
        return self._block_shown(block, line, None if shown is None else line[: len(line) - len(rest)] + shown)

    def _code_line(self, block: _Block, line: str) -> str:
        is_text = block.language in _TEXTUAL or _TEXT.fullmatch(line.strip())
        may = self._allowed(line) is not None if is_text else self._facts.hold_code(line)
        return self._block_shown(block, line, line if may else None)

    def _block_shown(self, block: _Block, line: str, shown: str | None) -> str:
        block.lines += 1
        if shown is None:
            self.left_out.append(line.strip())
            block.is_cut = True
            return ""
        self.whole += bool(line.strip())
        block.is_shown, opening, block.opening = True, block.opening, ""
        return opening + shown

    def _end_block(self, closing: str = "") -> str:
        """What is left of a table or of code: an opening without a line, where there was none, and the `closing`."""
        block, self._block = self._block, None
        if block is None or (block.is_cut and not block.is_shown):
            return ""
        if not block.is_sound:
            self.left_out.append(block.opening.strip())
            return ""
        return block.opening + closing


async def grounded(
    events: AsyncGenerator[Piece | QueuePosition | Verdicts | CutOff, None], grounding: Grounding
) -> AsyncGenerator[Piece | QueuePosition | Verdicts | CutOff, None]:
    """`events` of a generator, with those words only that may be shown."""
    last = Piece("")
    async for event in events:
        if not isinstance(event, Piece):
            yield event
            continue
        last = event
        if text := grounding.feed(event.text):
            yield replace(event, text=text)
    if text := grounding.finish():
        yield replace(last, text=text)


def _closing(line: str) -> str:
    """What closes the parenthesis and the bold print that are open at the end of `line`."""
    return ")" * (line.count("(") > line.count(")")) + "**" * (line.count("**") % 2)
