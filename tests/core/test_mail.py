"""Messages as programs write them: what is in them is read, or it is said that it was not."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from pathlib import PurePath

import pytest

from core.documents.archives import members
from core.documents.blocks import BlockKind, ParsedDocument
from core.documents.parsing import parse, parse_with

HEAD = "From: Ana <ana@a.b>\nSubject: Keys\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nMIME-Version: 1.0\n"
PRICES = "<table><tr><th>Month<th>Price<th>Of<tr><td>January<td>45<td>quay<tr><td>May<td>50<td>quay</table>"


def mail(content: str | bytes, name: str = "a.eml") -> ParsedDocument:
    return parse(content.encode() if isinstance(content, str) else content, PurePath(name))


def texts(document: ParsedDocument) -> list[str]:
    """What it says below who wrote when."""
    return [block.text for block in document.blocks[1:]]


def written(subject: str, text: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "Bo <bo@a.b>", "team@a.b", subject
    message.set_content(text)
    return message


def multipart(kind: str, *parts: str) -> str:
    body = "".join(f"--b1\n{part}\n" for part in parts)
    return f"{HEAD}Content-Type: multipart/{kind}; boundary=b1\n\n{body}--b1--\n"


def test_messages_that_are_passed_on_are_read_under_their_subjects() -> None:
    """Also one inside another, one that came as a file, and one that was packed for travel."""
    inner = written("Permit", "It costs 45 euros.")
    inner.add_attachment(written("Rules", "No boats."))
    outer = written("FW: Permit", "See below.")
    outer.add_attachment(inner)
    outer.add_attachment(bytes(written("Badge", "It is green.")), "application", "octet-stream", filename="badge.eml")
    document = mail(outer.as_bytes())
    found = {block.text: block.headings for block in document.blocks}
    assert found["See below."] == ()
    assert found["It costs 45 euros."] == ("Permit",)
    assert found["No boats."] == ("Permit", "Rules")
    assert found["It is green."] == ("Badge",)
    packed = multipart(
        "mixed",
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        "U3ViamVjdDogUGllcgpGcm9tOiBib0BhLmIKCkl0IGlzIG9wZW4uCg==",
    )
    assert "It is open." in texts(mail(packed))


def test_files_that_hang_on_a_message_are_documents_of_their_own() -> None:
    """Each by its own name, those of a message that is passed on, too; what cannot be read is said to be there."""
    inner = written("Permit", "See the file.")
    inner.add_attachment(b"a,b\n1,2\n", "text", "csv", filename="plan.csv")
    outer = written("FW: Permit", "Both files.")
    outer.add_attachment(b"Rule 1.", "text", "plain", filename="plan.txt")
    outer.add_attachment(b"Rule 2.", "text", "plain", filename="plan.txt")
    outer.add_attachment(b"x", "application", "ms-tnef", filename="../winmail.dat")
    outer.add_attachment(inner)
    found = list(members(outer.as_bytes(), PurePath("a.eml")))
    assert [member.name for member in found] == ["", "plan.txt", "plan (2).txt", "winmail.dat", "plan.csv"]
    assert [member.parse is None for member in found] == [False, False, False, True, False]
    assert found[2].parse is not None
    assert parse_with(found[2].parse, found[2].read(), PurePath("plan.txt")).blocks[0].text == "Rule 2."


@pytest.mark.parametrize(
    ("plain", "rich", "seen"),
    [
        ("Your mail program shows no HTML.", "<p>The quay closes at nine on Fridays.</p>", "The quay closes"),
        ("View it here: https://a.b/c", "<h2>Quay</h2><p>The quay closes at nine.</p>", "The quay closes"),
        ("\n", "<p>The quay closes at nine.</p>", "The quay closes"),
        ("Month Price\nJanuary\n45\n", PRICES, "| January | 45 | quay |"),
        ("The quay *closes* at nine.", "<p>The quay <b>closes</b> at nine.</p>", "The quay *closes* at nine."),
        ("The quay closes at nine.", "<p></p>", "The quay closes at nine."),
        ("The quay closes at nine, https://a.b", "<p>See the picture of the quay.</p>", "See the picture"),
    ],
)
def test_html_is_read_where_the_text_only_stands_in_for_it(plain: str, rich: str, seen: str) -> None:
    """Of two ways to say the same, the plain one is read if it says it."""
    document = mail(
        multipart("alternative", f"Content-Type: text/plain\n\n{plain}", f"Content-Type: text/html\n\n{rich}")
    )
    assert any(text.startswith(seen) or seen in text for text in texts(document)), texts(document)
    assert not any(plain.strip() in text for text in texts(document) if plain.strip() and seen not in plain)


def test_a_heading_in_a_message_is_not_its_title() -> None:
    """The subject is; what a message calls itself in large type stays above its text."""
    document = mail(f"{HEAD}Content-Type: text/html\n\n<title>Mail</title><h1>Canteen</h1><p>It opens at noon.</p>")
    assert document.title == "Keys"
    assert document.blocks[-1].headings == ("Canteen",)


def test_all_texts_of_a_message_are_read() -> None:
    """Those before and after a picture, and what a mailing list adds."""
    document = mail(multipart("mixed", *(f"Content-Type: text/plain\n\nPart {n}." for n in (1, 2, 3))))
    assert texts(document) == ["Part 1.", "Part 2.", "Part 3."]


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("x-unknown-9", "Das Café öffnet früh und schließt spät.".encode("cp1252")),
        ("utf-8", "Das Café öffnet früh und schließt spät.".encode("cp1252")),
        ("iso-8859-1", "Das Café öffnet früh und schließt spät.".encode()),
        ("us-ascii", "Das Café öffnet früh und schließt spät.".encode()),
        ("base64", "Das Café öffnet früh und schließt spät.".encode()),
        ("utf-16", "Das Café öffnet früh und schließt spät.".encode()),
    ],
)
def test_a_charset_that_is_unknown_or_wrong_is_guessed(charset: str, body: bytes) -> None:
    """No text is lost because a program names its encoding wrongly."""
    head = f"{HEAD}Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n".encode()
    assert texts(mail(head + body)) == ["Das Café öffnet früh und schließt spät."]


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        ("x-sjis", "cp932", "会議は午後三時です"),
        ("windows-31j", "cp932", "①会議 ｶﾅ"),
        ("x-gbk", "gbk", "会议室在三楼"),
        ("x-windows-949", "cp949", "회의는 세 시입니다 똠"),
        ("x-mac-cyrillic", "mac_cyrillic", "Причал открыт"),
        ("iso-8859-8-i", "iso8859-8", "הרציף פתוח"),
        ("windows-874", "cp874", "ท่าเรือเปิด"),
        ("KOI8-RU", "koi8-u", "Причал їжак"),
        ("x-x-big5", "cp950", "碼頭開放"),
        ("x-cp1251", "cp1251", "Причал"),
        ("cp50220", "iso2022_jp", "会議は\n三時"),
        ("", "iso2022_jp", "会議は三時です"),
        ("utf-8", "iso2022_kr", "회의는 세 시"),
    ],
)
def test_charsets_by_their_other_names_are_known(charset: str, encoding: str, text: str) -> None:
    """As browsers and mail programs know them."""
    head = f"{HEAD}Content-Type: text/plain; charset={charset or 'x'}\nContent-Transfer-Encoding: 8bit\n\n"
    document = mail(head.encode() + text.encode(encoding))
    assert ("\n".join(texts(document)), document.notes) == (text, ())


@pytest.mark.parametrize("charset", ["iso-2022-jp", "iso-2022-jp-ms", "CP50221", "x-unknown-9"])
def test_windows_characters_in_japanese_mail_are_read(charset: str) -> None:
    """Circled numbers and narrow kana, which the encoding's definition does not have."""
    body = b"(\x1b$B-!2q5D\x1b(B at \x1b(I6E\x1b(B 3)"
    head = f"{HEAD}Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 7bit\n\n".encode()
    assert texts(mail(head + body)) == ["(①会議 at ｶﾅ 3)"]


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("=?utf-8?B?QsO8?= =?utf-8?B?cm8=?=", "Büro"),
        ("=?utf-8?B?QsM=?=\n =?utf-8?B?vHJv?= keys", "Büro keys"),
        ("=?x-unknown-9?Q?B=FCro?=", "Büro"),
        ("=?utf-8?Q?B=C3=BCro?", "=?utf-8?Q?B=C3=BCro?"),
        ("Re: =?iso-8859-1?Q?B=FCro_keys?=", "Re: Büro keys"),
        ("Büro", "Büro"),
    ],
)
def test_headers_are_unpacked(subject: str, title: str) -> None:
    """Also characters that begin in one encoded word and end in the next, and those that were never encoded."""
    assert mail(f"From: a@b.c\nSubject: {subject}\n\nText.").title == title


def test_lines_that_flow_are_joined_and_quotes_are_quotes() -> None:
    """RFC 3676: a line that ends in a space goes on in the next one of its depth."""
    document = mail(
        f"{HEAD}Content-Type: text/plain; format=flowed\n\nThe quay \ncloses at \nnine.\n\n"
        "Bo wrote:\n> When does \n> it close?\n\n From here.\n-- \nAna\n"
    )
    assert texts(document) == [
        "The quay closes at nine.", "Bo wrote:", "> When does it close?", "From here.\n-- \nAna"
    ]  # fmt: skip
    assert document.blocks[3].kind is BlockKind.QUOTE


CALENDAR = (
    "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nSUMMARY:Quay\\, walk\n"
    "DTSTART;TZID=Europe/Berlin:20260302T100000\nDTEND;TZID=Europe/Berlin:20260302T110000\n"
    "RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO,-1FR;UNTIL=20261231T000000Z\nORGANIZER;CN=Ana:mailto:ana@a.b\n"
    'ATTENDEE;CN="Bo, B.";PARTSTAT=ACCEPTED:mailto:bo@a.b\nLOCATION:Room 5\nDESCRIPTION:Bring\\npapers\nEND:VEVENT\n'
    "BEGIN:VEVENT\nSUMMARY:Holiday\nDTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260503\nSTATUS:CANCELLED\nEND:VEVENT\n"
    "END:VCALENDAR\n"
)
WALK = (
    "When: Monday, 2 March 2026, 10:00 to 11:00 (Europe/Berlin)\n"
    "Repeats: every 2 months on the first Monday and the last Friday, until Thursday, 31 December 2026\n"
    "Where: Room 5\nOrganizer: Ana <ana@a.b>\nWith: Bo, B. <bo@a.b> (accepted)"
)


def test_invitations_are_read_in_words_once() -> None:
    """What takes place, when by which clock, where and with whom; also where it hangs on the message a second time."""
    invitation = f"Content-Type: text/calendar; method=REQUEST\n\n{CALENDAR}"
    attached = f"Content-Type: application/ics; name=a.ics\nContent-Disposition: attachment\n\n{CALENDAR}"
    document = mail(multipart("mixed", "Content-Type: text/plain\n\nJoin us.", invitation, attached))
    assert texts(document) == [
        *("Join us.", "Quay, walk", WALK, "Bring\npapers"),
        *("Holiday", "Status: cancelled\nWhen: Friday, 1 May 2026 to Saturday, 2 May 2026, all day"),
    ]
    assert mail(CALENDAR, "team.ics").blocks[1].text == WALK
    assert "was not read" in mail(multipart("mixed", "Content-Type: text/calendar\n\nBEGIN:VEVENT")).notes[0]


@pytest.mark.parametrize(
    ("line", "unread"),
    [
        ("DTSTART:20261301T100000", "When"),
        ("RRULE:FREQ=WEEKLY;BYMONTH=13", "Repeats"),
        ("DUE:soon", "Due"),
        ("EXDATE:x", "Except"),
    ],
)
def test_a_broken_entry_takes_nothing_of_the_others(line: str, unread: str) -> None:
    """What of it is whole is read as well, and what is not is said."""
    whole = "BEGIN:VEVENT\nSUMMARY:Walk\nDTSTART:20261201T100000\nEND:VEVENT"
    broken = f"BEGIN:VEVENT\nSUMMARY:Race\nLOCATION:Quay\n{line}\nEND:VEVENT"
    document = mail(f"BEGIN:VCALENDAR\nVERSION:2.0\n{broken}\n{whole}\nEND:VCALENDAR\n", "team.ics")
    expected = ["Race", "Where: Quay", "Walk", "When: Tuesday, 1 December 2026, 10:00"]
    assert [block.text for block in document.blocks] == expected
    assert document.notes == (f"What is broken in entries of the calendar was not read: {unread}.",)


def test_a_mailbox_is_read_message_by_message() -> None:
    """By day and subject, with the files that hang on each; lines that begin like a message are text again."""
    first = f"From ana@a.b Mon Mar  2 10:00:00 2026\n{HEAD}\nOpen.\n\n>From here on.\n"
    second = bytes(written("Plan", "See it.")).decode().replace("\r\n", "\n")
    found = list(members(f"{first}\nFrom bo@a.b Tue Mar  3 10:00:00 2026\n{second}".encode(), PurePath("a.mbox")))
    assert [member.name for member in found] == ["2026-03-02 Keys.eml", "Plan.eml"]
    assert found[0].parse is not None
    assert texts(parse_with(found[0].parse, found[0].read(), PurePath("a.eml"))) == ["Open.", "From here on."]


def test_a_saved_page_is_read() -> None:
    """What browsers save as one file, packed like a message."""
    saved = (
        "From: <Saved by Blink>\nSubject: Quay\nContent-Type: multipart/related; boundary=x\n\n--x\n"
        "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        "<nav>Menu</nav><h1>Quay=\n fees</h1><p>Caf=C3=A9.</p>\n--x\nContent-Type: image/png\n\nAA\n--x--\n"
    )
    document = mail(saved, "a.mhtml")
    assert (document.title, texts(document)) == ("Quay fees", ["Café."])
