"""The language of a text, told without a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.languages import LANGUAGES, language_of, segmented
from core.text.words import content_words

TEXTS = [
    ("english", "Travel is refunded within 30 days; see the guide."),
    ("english", "Die casting was done in the war room by men in a hat."),
    ("english", "man page: ls -la, die() if on fire"),
    ("english", "Budget Q3 2026: 4,000 EUR"),
    ("english", ""),
    ("german", "Reisekosten werden innerhalb von 30 Tagen erstattet."),
    ("german", "Wer genehmigt Urlaub?"),
    ("german", "Das Deployment läuft im Cluster, der Build auf dem Runner."),
    ("french", "Les frais de déplacement sont remboursés sous 30 jours."),
    ("french", "Qui approuve mes congés ?"),
    ("spanish", "Los gastos de viaje se reembolsan en 30 días."),
    ("spanish", "¿Quién aprueba las vacaciones?"),
    ("italian", "Le spese di viaggio sono rimborsate entro 30 giorni della richiesta."),
    ("portuguese", "As despesas de viagem são pagas em 30 dias pelo escritório."),
    ("dutch", "Reiskosten worden binnen 30 dagen vergoed, zie het handboek."),
    ("swedish", "Resekostnader betalas inom 30 dagar och du får ett kvitto."),
    ("russian", "Командировочные расходы возмещаются в течение 30 дней."),
    ("greek", "Τα έξοδα ταξιδιού επιστρέφονται."),
    ("arabic", "تدفع مصاريف السفر خلال شهر"),
    ("english", "出張費は三十日以内に精算されます。"),  # no stems: any language does
]


@pytest.mark.parametrize(("language", "text"), TEXTS)
def test_a_language_is_told_by_its_small_words(language: str, text: str) -> None:
    """Or by its letters; words of English that others have, too, do not make a text theirs."""
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("有给假期 days", " 有给 给假 假期  days"),
        ("休暇は何日ありますか?", " 休暇 暇は は何 何日 日あ ?"),
        ("ありますか", " あり りま ます すか "),
        ("有什么假期", " 有什 么假 假期 "),
        ("人", " 人 "),
        ("휴가는 내일", " 휴가 가는   내일 "),
        ("plain text", "plain text"),
    ],
)
def test_what_has_no_spaces_is_cut_into_neighbours(text: str, cut: str) -> None:
    """Two characters at a time; the rest of the text stays."""
    assert segmented(text) == cut


def test_small_words_of_the_question_s_own_language_carry_no_topic() -> None:
    """A German question has the content words of its English twin."""
    assert content_words("Wie viel Urlaub kann ich ins nächste Jahr mitnehmen?") == {
        "viel",
        "urlaub",
        "nächste",
        "jahr",
        "mitnehmen",
    }
    assert content_words("How does the die cut?") == {"die", "cut"}
    assert content_words("有给假期") == {"有给", "给假", "假期"}


@given(st.text())
def test_any_text_has_a_language(text: str) -> None:
    """None is an error."""
    assert language_of(text) in LANGUAGES
    assert segmented(text).replace(" ", "")[:1] == text.replace(" ", "")[:1]
