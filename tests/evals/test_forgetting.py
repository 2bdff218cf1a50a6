"""What is forgotten, unlearned or removed is in no file under the home: raw bytes, over the real stores."""

from __future__ import annotations

from pathlib import Path

from evals.forgetting import ANN, KEPT, OF_ANN, OF_DOCUMENT, OF_LESSON, found, lived_in, removed, told


async def test_nothing_that_is_forgotten_is_left_in_any_file(data: Path) -> None:
    """Each word was on the disk before; words of others, and of what was not removed, stay."""
    async with lived_in(data) as (house, lesson):
        assert set(house.found((*OF_ANN, *OF_LESSON, *OF_DOCUMENT, *KEPT))) == {
            *OF_ANN,
            *OF_LESSON,
            *OF_DOCUMENT,
            *KEPT,
        }
        await house.say(ANN, "/forget everything")
        assert not (left := house.found(OF_ANN)), told(left)
        await house.teacher.forget(lesson.id, ANN)
        assert not (left := house.found(OF_LESSON)), told(left)
        await removed(house)
        assert not (left := house.found((*OF_ANN, *OF_LESSON, *OF_DOCUMENT))), told(left)
        assert set(house.found(KEPT)) == set(KEPT)
        brought_back = await house.teacher.bring_back(lesson.id, ANN)
        assert brought_back == lesson
        assert set(house.found(OF_LESSON)) == set(OF_LESSON)
        await house.teacher.forget(lesson.id, ANN)
    assert not (left := found(data, (*OF_ANN, *OF_LESSON, *OF_DOCUMENT))), told(left)
