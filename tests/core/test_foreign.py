"""Whether a text is in another language than English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.foreign import is_foreign

FOREIGN = [
    "Reisekosten werden innerhalb von 30 Tagen erstattet, und das Formular liegt am Empfang.",
    "Koszty podróży zwracamy w ciągu trzydziestu dni, a formularz leży w szufladzie przy recepcji.",
    "Seyahat masrafları otuz gün içinde ödenir ve form resepsiyondaki çekmecede durur.",
    "Az utazási költségeket harminc napon belül megtérítjük, és az űrlap a recepción van a fiókban.",
    "Matkakulut korvataan kolmenkymmenen päivän kuluessa ja lomake on vastaanoton laatikossa.",
    "Biaya perjalanan diganti dalam tiga puluh hari dan formulirnya ada di laci meja depan.",
    "Cestovní náklady proplácíme do třiceti dnů a formulář je v zásuvce na recepci.",
    "Gharama za safari hurudishwa ndani ya siku thelathini na fomu iko kwenye droo ya mapokezi.",
    "Chi phí đi lại được hoàn trả trong vòng ba mươi ngày và biểu mẫu nằm trong ngăn kéo.",
    "यात्रा का खर्च तीस दिनों के भीतर लौटाया जाता है।",
    "ค่าเดินทางจะคืนให้ภายในสามสิบวัน",
    "差旅费用在三十天内报销，表格在前台的抽屉里。",
    "Okta MFA リセット",
    "Wer genehmigt Urlaub?",
    "Comment poser un congé ?",
    "Kaç gün iznim var?",
    "Сколько дней отпуска?",
]
ENGLISH = [
    "",
    "Travel is refunded within 30 days, and the form is in the drawer of the front desk.",
    "Berlin, Paris, London\n+49 30 1234\n1e-05 2e-05 3e-05 4e-05 5e-05 6e-05 7e-05 8e-05 9e-05",
    "def main():\n    for row in rows:\n        print(row)\n\nclass Reader:\n    pass",
    "`die der das und ist nicht ein eine` is how German articles are written",
    "DE office address",
    "La Poste pickup",
    "per diem",
    "Ask HR via e-mail",
    "die roll",
    "Van der Berg contact details",
    "Rio de la Plata office",
    "São Paulo office hours",
    "vis-à-vis meeting",
    "Das Keyboard order",
    "How do I say danke in German?",
    "what does 有给假期 mean?",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_what_is_not_in_english_is_foreign(text: str) -> None:
    """By its letters, by what it lacks, or by its small words."""
    assert is_foreign(text)


@pytest.mark.parametrize("text", ENGLISH)
def test_names_terms_and_code_are_not_foreign(text: str) -> None:
    """English has words of other languages, too."""
    assert not is_foreign(text)


@given(st.text())
def test_of_any_text_something_is_said(text: str) -> None:
    """None is an error."""
    assert is_foreign(text) in {True, False}
