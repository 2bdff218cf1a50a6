"""What people type is found by its words, whoever holds the index: codes, versions, paths, acronyms, and slips.

Distractors have the same parts, and more of them; what is right has to be the best by words alone.
"""

from __future__ import annotations

import uuid

import pytest

from core.domain import EVERYONE, Passage
from core.ports import PassageIndex
from tests.fakes import HashingEmbedder

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

EMBEDDER = HashingEmbedder()


@pytest.fixture(params=["edge_index", "qdrant_index"])
def index(request: pytest.FixtureRequest) -> PassageIndex:
    return request.getfixturevalue(request.param)


def passage(text: str) -> Passage:
    id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, text))
    return Passage(id_, f"/{id_}.md", "Page", (), text, 1, 0, 1, "v")


async def best_by_words(index: PassageIndex, question: str, texts: list[str]) -> str:
    """The text that BM25 prefers; a tie is a failure."""
    await index.upsert([passage(text) for text in texts], await EMBEDDER.embed(texts))
    hits = await index.search(question, (await EMBEDDER.embed(["unrelated"]))[0], audience={EVERYONE}, limit=5)
    first, second, *_ = sorted(hits, key=lambda hit: -hit.sparse)
    assert first.sparse > second.sparse
    return first.passage.text


FOUND = {
    "error code": (
        "what is ERR_CONN_4012?",
        "ERR_CONN_4012 shows when the pool is full.",
        "CONN ERR 4012 CONN ERR 4012.",
    ),
    "other signs": (
        "err-conn-4012 again",
        "ERR_CONN_4012 shows when the pool is full.",
        "CONN ERR 4012 CONN ERR 4012.",
    ),
    "SKU": ("price of AB-1042/X", "AB-1042/X costs 12 euros.", "X-1042/AB has a price: X-1042/AB is 12 euros."),
    "without its signs": ("where is AB1042", "AB-1042/X costs 12 euros.", "The AB is at 1042 AB street."),
    "version": ("what is in v2.13.0?", "v2.13.0 brings search.", "v2.0.13 brings more, v13.0.2 brings less."),
    "part of a version": ("is 2.13 out", "Since v2.13.0 it is faster.", "On 13.2 we were 2, and 13 left."),
    "file path": (
        "where is conf.d/site.conf",
        "See /etc/nginx/conf.d/site.conf.",
        "The site of site.d: conf/d/site has conf.",
    ),
    "file name": ("where is nginx.conf", "It is /etc/nginx/nginx.conf here.", "The conf of nginx and conf.nginx stay."),
    "acronym": ("what is GDPR", "GDPR: write to the officer.", "General rules of data protection regulation."),
    "acronym like a word": ("how do I reach IT?", "IT has extension 17.", "Pull it out; it is in the box behind it."),
    "acronym of a name": (
        "who is HR",
        "Ask Human Resources by phone.",
        "Humans are on floor 3, other resources on floor 2.",
    ),
    "name of an acronym": ("where is Human Resources", "HR sits on floor 3.", "The kitchen sits on floor 2."),
    "hyphen": ("set up email", "Every e-mail has three lines below.", "E is the letter of the mail room."),
    "slip: left out": ("laptop waranty", "Warranty lasts two years.", "War brought rants, laws and warts."),
    "slip: swapped": ("when do I recieve pay", "You receive it on the 25th.", "Recipes are in the kitchen."),
    "slip: changed": ("team calender", "Calendar entries are shared.", "A lender calls in vain."),
    "slip: doubled": ("book a tripp", "Trip forms are in the drawer.", "Strips and traps are no topic."),
    "German: inflected": (
        "Wer genehmigt Reisen?",
        "Die Genehmigung einer Reise erteilt die Leitung.",
        "Wer fragt, dem sagt der Empfang, wer wo sitzt.",
    ),
    "German: umlaut as ue": (
        "Schluessel fuer die Kueche",
        "Der Schlüssel für die Küche hängt am Empfang.",
        "Der Kuchen hängt am Empfang für die Schule.",
    ),
    "German: ue as umlaut": (
        "Büro in München",
        "Das Buero in Muenchen ist im dritten Stock.",
        "Die Burg in Manchen ist im dritten Stock, das Bier im Monat.",
    ),
    "German: no umlaut": ("Raumungsverkauf", "Der Räumungsverkauf beginnt im Mai.", "Der Verkauf der Räume beginnt."),
    "German, in English capitals": ("ALLERGIEN", "Allergien melden Sie der Küche.", "Alle melden sich in der Küche."),
    "French: inflected": (
        "qui rembourse mes déplacements ?",
        "Le remboursement de chaque déplacement est fait par la comptabilité.",
        "Qui cherche mes clés ? Elles sont à la réception.",
    ),
    "French: no accents": ("conges payes", "Les congés payés sont de 25 jours.", "La paie est un congé de 25 pages."),
    "Spanish: inflected": (
        "¿quién aprueba los viajes?",
        "El viaje debe ser aprobado por la dirección.",
        "¿Quién es? El de los paquetes, los lunes.",
    ),
    "Russian: inflected": (
        "кто согласует отпуск?",
        "Отпуска согласуют с руководителем.",
        "Кто пришёл, тот получает пропуск.",
    ),
    "Chinese": ("带薪假期有多少天？", "员工每年享有二十五天带薪假期。", "员工每天有多少工作。"),
    "Chinese in English": ("什么是VPN密码", "VPN密码由服务台发放。", "VPN is slow, and the password is long."),
    "Japanese": ("休暇は何日ありますか", "年次休暇は二十五日です。", "何かありますか。何日に会いますか。"),
    "Korean": ("휴가가 며칠인가요", "휴가는 이십오 일입니다.", "회의가 언제 있나요? 사흘 뒤예요."),
    "Thai": ("วันหยุดพักร้อนมีกี่วัน", "พนักงานมีวันหยุดพักร้อนยี่สิบห้าวัน", "มีกี่คนในห้อง"),
    "slip: inflected": ("conections drop", "The connection is lost at night.", "Collections rise at noon."),
}


@pytest.mark.parametrize("kind", FOUND)
async def test_what_is_typed_is_found_among_distractors(index: PassageIndex, kind: str) -> None:
    """The passage that has it comes before those that have its parts."""
    question, right, wrong = FOUND[kind]
    noise = [f"Page {number} is about gardens." for number in range(6)]
    assert await best_by_words(index, question, [wrong, right, *noise]) == right


async def test_a_word_that_is_known_is_not_respelled(index: PassageIndex) -> None:
    """'form' stays 'form' where a passage has it, in this inflection or another, however often 'from' is there."""
    texts = ["Filled-in forms go to the office.", "Firm farms farm firmly.", "Foam, foam, foam."]
    await index.upsert([passage(text) for text in texts], await EMBEDDER.embed(texts))
    hits = await index.search("form", (await EMBEDDER.embed(["unrelated"]))[0], audience={EVERYONE}, limit=5)
    assert [hit.passage.text for hit in hits if hit.sparse] == [texts[0]]


async def test_a_number_is_never_respelled(index: PassageIndex) -> None:
    """Another error code is another error."""
    texts = ["E4711 is about paper.", "ERR_CONN_4013 is about sockets."]
    await index.upsert([passage(text) for text in texts], await EMBEDDER.embed(texts))
    for question in ("E4712", "4014"):
        hits = await index.search(question, (await EMBEDDER.embed(["unrelated"]))[0], audience={EVERYONE}, limit=5)
        assert not any(hit.sparse for hit in hits)
