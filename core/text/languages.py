"""In which language a text is written, as far as searching for words needs to know it.

A language is told by its small words, which also carry no topic; other scripts by their letters. Where words are not
divided by spaces (Chinese, Japanese, Thai and the like), neighbours of two characters stand in for them, as in Lucene's
CJK analyzer. No model. Knows nothing of BM25, of stemming, or of in which language somebody wants to be answered.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType

ENGLISH = "english"

SMALL_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        language: frozenset(words.split())
        for language, words in {
            ENGLISH: "a about an and any are as at be been but by can could did do does for from get had has "
            "have how i if in into is it its me my no not of on or our should so some than that the "
            "their them then there these they this those to us was we were what when where which who "
            "whom whose why will with would you your",
            "german": "aber alle allen als also am an auch auf aus bei beim bin bis da damit dann das dass dein "
            "dem den denn der des die dies diese diesem diesen dieser dieses doch dort durch ein eine "
            "einem einen einer eines er es etwas euch euer für gegen habe haben hat hatte ich ihm ihn "
            "ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes kann kein keine "
            "keinen können könnte man mein meine meinem meinen meiner mich mir mit muss müssen nach "
            "nicht noch nun nur ob oder ohne sein seine seinem seinen sich sie sind so soll sollen "
            "sollte über um und uns unser unsere unserem unseren unter vom von vor wann war waren "
            "warum was weil welche welchem welchen welcher welches wenn wer werden wie wieder wir "
            "wird wo wohin wurde wurden zu zum zur zwischen",
            "french": "à ai aux avec au avons avez ce cela ces cet cette ceux chez comme comment dans de des "
            "donc dont du elle elles en entre est et été être eux il ils je la le les leur leurs lui "
            "ma mais me même mes moi mon ne nos notre nous on ont ou où par pas peut peux plus pour "
            "pourquoi puis quand que quel quelle quelles quels qui quoi sa sans se sera ses si son "
            "sont sous sur ta tes toi ton tous tout toute toutes très tu un une vos votre vous y",
            "spanish": "a al algo como cómo con cuál cuáles cuando cuándo cuánto cuántos de del desde donde "
            "dónde el él ella ellas ellos en entre era es esa ese eso esta está están estas este esto "
            "estos fue ha hace han hasta hay la las le les lo los más me mi mis muy no nos nosotros o "
            "os para pero por porque puede puedo que qué quién se según ser si sin sobre son su sus "
            "también te tiene tengo todo todos tu tus un una uno unos y ya yo",
            "italian": "a ad agli ai al alla alle allo anche che chi ci come con cosa cui da dagli dai dal dalla "
            "dalle degli dei del della delle dello di dove e ed è era essere gli ha hanno ho i il in "
            "io l la le lei lo loro ma mi mia mio nei nel nella nelle noi non nostra nostro o per "
            "perché più posso può quale quali quando quanti quanto quella quello questa questo se sei "
            "si sia sono su sua sue suo sul sulla tra tu un una uno voi",
            "portuguese": "a ao aos às as até com como da das de dela dele deles do dos e ela elas ele eles em "
            "entre é era essa esse esta está este eu foi há isso isto já lhe mais mas me mesmo meu "
            "minha muito na não nas nem no nos nós o onde os ou para pela pelas pelo pelos podem pode "
            "por porque posso qual quais quando quanto quantos que quem se sem ser seu seus são só "
            "sua suas também te tem tenho um uma você vocês",
            "dutch": "aan al als bij dan dat de der deze die dit door dus een en er geen had heb hebben heeft "
            "hem het hier hij hoe hoeveel hun ik in is je jij jullie kan kunnen maar me meer met mij "
            "mijn moet moeten na naar niet nog nu of om omdat ons onze ook op over te toen tot uit uw "
            "van veel voor waar waarom wanneer want was wat we welk welke werd wie wij worden wordt "
            "zal ze zich zij zijn zo zonder zou",
            "swedish": "alla att av blir de dem den denna det detta dig din du där efter ej eller en er ett från "
            "för ha han har hur här i inte jag kan man med mig min mitt mot måste ni när någon något "
            "och om oss på sig sin ska som så till under upp ut vad var vara varför vem vi vid vilka "
            "vilken vilket är över",
        }.items()
    }
)
_SCRIPTS = (("russian", "CYRILLIC"), ("greek", "GREEK"), ("arabic", "ARABIC"), ("hebrew", "HEBREW"))
_SMALL_PAIRS = frozenset(
    pair
    for pairs in (
        "什么 甚麼 什麼 怎么 怎麼 多少 如何 哪里 哪裡 哪个 哪個 可以 我们 我們",
        "你们 你們 他们 他們 这个 這個 那个 那個 没有 沒有 是否 一个 一個",
        "何か 何が 何を",
        "어디 며칠 인가 가요 나요 니까 습니 합니 입니 있나 있어 어요 에요 세요",
    )
    for pair in pairs.split()
)
_ENDING = re.compile("[\u3040-\u309f]+")
LANGUAGES = (*SMALL_WORDS, *(language for language, _ in _SCRIPTS))
_TOLD_BY = 1.5  # times as many small words as English has, before a text is not English
_MOST = 4_000  # characters of a text that are looked at
_LETTERS = re.compile(r"(?<!\w)[^\W\d_]++(?!\w)")  # of E4711 none
UNDIVIDED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003fffd]+"
)


def language_of(text: str) -> str:
    """The one of `LANGUAGES` that `text` is written in; English where nothing speaks for another."""
    letters = _LETTERS.findall(text[:_MOST].lower())
    times = Counter(letters)
    counts = {language: sum(times[word] for word in small & times.keys()) for language, small in SMALL_WORDS.items()}
    likeliest = max(counts, key=counts.__getitem__)
    if counts[likeliest]:
        return likeliest if counts[likeliest] > _TOLD_BY * counts[ENGLISH] else ENGLISH
    return _by_script(letters)


def _by_script(words: list[str]) -> str:
    names = [unicodedata.name(word[0], "") for word in words]
    for language, script in _SCRIPTS:
        if 2 * sum(name.startswith(script) for name in names) > len(names):
            return language
    return ENGLISH


def segmented(text: str) -> str:
    """`text` with spaces around the neighbouring characters, two by two, of what is written without spaces."""
    return UNDIVIDED.sub(lambda found: f" {' '.join(_neighbours(found[0]))} ", text)


def _neighbours(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
        return
    endings = _ENDING.fullmatch(run) is None  # of Japanese: syllables among words that are not written in them
    for place in range(len(run) - 1):
        pair = run[place : place + 2]
        if pair not in _SMALL_PAIRS and not (endings and _ENDING.fullmatch(pair)):
            yield pair
