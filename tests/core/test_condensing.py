"""`core.writing.condensing`: notes in the place of what is more than the model reads at once."""

from __future__ import annotations

from core.domain import Passage, PortionStarted, Prompt
from core.writing.condensing import Condensate, Condenser, portions
from tests.fakes import ScriptedGenerator


def passages(*texts: str) -> list[Passage]:
    return [Passage(f"p{n}", "a.md", "Guide", (), text, n, n, len(texts), "v") for n, text in enumerate(texts)]


async def condensed(
    generator: ScriptedGenerator, given: list[Passage], budget: int
) -> tuple[list[PortionStarted], Condensate]:
    condenser = Condenser(generator, budget=budget, certainty=0.5)
    *steps, last = [step async for step in condenser.condense(given, "pagers")]
    assert isinstance(last, Condensate)
    return [step for step in steps if isinstance(step, PortionStarted)], last


def first_line(prompt: Prompt) -> str:
    return f"- {prompt.passages[0].text.splitlines()[0]}"


async def test_what_fits_is_left_as_it_is() -> None:
    """No model is asked where all of it fits."""
    generator, given = ScriptedGenerator(), passages("The pager rings.", "Answer it.")
    steps, last = await condensed(generator, given, 100)
    assert (steps, last.passages, last.origins, generator.prompts) == ([], tuple(given), tuple(given), [])


async def test_notes_take_the_place_of_what_is_too_long() -> None:
    """Each portion is read once, in order, and its notes are kept with the passages that they come from."""
    given = passages(*(f"{word} rings the pager\n" + "filling " * 20 for word in ("Alpha", "Beta", "Gamma", "Delta")))
    steps, last = await condensed(ScriptedGenerator(first_line), given, 60)
    assert steps[0] == PortionStarted(1, 2)
    assert [note.text for note in last.passages] == ["- Alpha rings the pager", "- Gamma rings the pager"]
    assert {one.id for one in last.origins} <= {one.id for one in given}


async def test_a_portion_without_a_word_about_it_leaves_no_notes() -> None:
    """What the model's verdict is no on is left out, and where that is all, nothing is left."""
    given = passages(*("filling " * 40 for _ in range(3)))
    _, last = await condensed(ScriptedGenerator(certainty=-20.0), given, 60)
    assert (last.passages, last.origins) == ((), ())


async def test_notes_invent_nothing() -> None:
    """A number that the portion does not state stands in no note."""
    given = passages(*("The pager rings. " + "filling " * 40 for _ in range(2)))
    _, last = await condensed(ScriptedGenerator(lambda _: "- The pager rings.\n- It costs 4711 euros."), given, 60)
    assert [note.text for note in last.passages] == ["- The pager rings."] * 2


async def test_notes_that_are_too_long_themselves_are_condensed_again_and_cut_at_last() -> None:
    """However much there is, what comes out fits."""
    generator = ScriptedGenerator(lambda prompt: prompt.passages[0].text)
    _, last = await condensed(generator, passages(*("filling " * 40 for _ in range(9))), 60)
    assert sum(len(one.text.split()) for one in last.passages) <= 60


async def test_only_so_many_portions_are_read() -> None:
    """What stands behind them is counted, and nothing rests on it."""
    given = passages(*(f"Point {n} rings\n" + "filling " * 40 for n in range(40)))
    steps, last = await condensed(ScriptedGenerator(first_line), given, 60)
    assert steps[0].total == 12
    assert 0 < last.unread < 40
    assert {one.id for one in last.origins} <= {one.id for one in given[: 40 - last.unread]}


async def test_a_long_message_is_cut_between_lines() -> None:
    """No portion is over the budget, and no word is lost."""
    text = "\n".join(f"line {n} of it" for n in range(50))
    made = portions(passages(text, "short"), 40, lambda said: len(said.split()))
    assert all(sum(len(one.text.split()) for one in part) <= 40 for part in made)
    assert " ".join(one.text for part in made for one in part).split() == f"{text} short".split()


async def test_closing_it_stops_the_model() -> None:
    """Nothing is read after whoever waits has gone."""
    generator = ScriptedGenerator(lambda prompt: prompt.passages[0].text)
    steps = Condenser(generator, budget=60).condense(passages(*("filling " * 40 for _ in range(9))), "pagers")
    await anext(steps)
    await steps.aclose()
    assert not generator.prompts
