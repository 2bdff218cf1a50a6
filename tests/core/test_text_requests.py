"""A message that wants a text written is told from a question, and from what only points at an answer."""

from __future__ import annotations

import pytest

from core.people.preferences import Language
from core.writing.limits import Limits
from core.writing.requests import request_of

NO_TEXTS = [
    "how do I write an email to all staff?",
    "what goes in an email signature?",
    "what is the email address of HR?",
    "give me the email address of HR",
    "email for the security team",
    "can you write off a laptop?",
    "can I send an email to everyone?",
    "where can I draft a post?",
    "do I need to create an email for this?",
    "do you have a checklist for leaving?",
    "checklist for leaving?",
    "what is the difference between sick leave and annual leave in a table",
    "how do we do code review in five bullets",
    "how to create a report in Tock",
    "create a new slack channel",
    "make message retention shorter",
    "report a bug",
    "note that leave is 20 days",
    "note to self: buy milk",
    "leave rules",
    "I got an email about laptops",
    "I received a slack message telling me to buy gift cards",
    "phishing email telling me to pay",
    "my email to HR about leave was ignored",
    "an email about laptops was sent yesterday",
    "reports of harassment go to whom",
    "book a table for lunch",
    "I keep my notes in a table",
    "draft beer in the office",
    "draft mode in github",
    "compose new music",
    "Ich habe eine E-Mail über Phishing bekommen",
    "eine Rundmail über Parkplätze kam gestern",
    "create a post in which channel?",
    "create table for users in SQL",
    "reports for March",
    "Ich brauche einen Bericht für die Reisekosten, wo finde ich ihn",
    "Please post about it in the channel",
    "make the printer faster",
    "summary",
    "write a poem",
    "wie schreibe ich eine E-Mail an alle?",
    "gibt es eine Checkliste für den ersten Tag?",
    "wer schreibt die Zusammenfassung?",
    "Who translates our contracts?",
    "How do I translate a page?",
    "what is the translation policy",
    "Übersetzungen: wer macht das?",
    "Which languages is the handbook translated into?",
    "Wer übersetzt unsere Verträge ins Englische?",
    "Do we have a translation service?",
    "can I translate documents with DeepL?",
    "Is the handbook available in German?",
    "translate server error",
    "translate the form into a ticket system",
    "Where do I find the email template for customers?",
    "gib mir die E-Mail-Adresse der Personalabteilung",
    "eine E-Mail-Adresse beantragen",
    "shorten the probation period to 3 months",
    "cut the cake into 8 pieces",
    "send an invoice to the customer",
    "presentation on Friday",
    "slides from the all-hands",
    "what are the key points of the leave policy?",
    "who writes the summary?",
    "we need a new printer",
    "wir brauchen einen Drucker",
    "Kann ich eine Krankmeldung bekommen?",
    "Kann ich eine Mail an alle schicken?",
    "Er schreibt eine Mail an alle über Urlaub",
    "massage for the team",
    "Email about phishing from the CEO, is it real",
    "Mail about my contract never arrived",
    "Email about password reset looks strange",
    "Email about phishing received",
    "Erinnerung wegen Zeiterfassung abschalten",
    "Mitteilung über Krankheit abgeben",
    "Antwort wegen Urlaub steht aus",
    "E-Mail über Urlaub bekommen",
    "Tabelle für Spesen hochladen",
    "Will you send me a reminder about my leave?",
    "Send me a reminder to submit my expenses",
    "can you get me a table for lunch?",
    "Ich muss eine E-Mail an HR schreiben",
    "Wir müssen die Reiserichtlinie zusammenfassen",
    "Build a table in Confluence",
    "Create a report in Power BI about sales",
    "Ich möchte einen Bericht in SAP erstellen",
    "Übersetzt jemand Verträge ins Englische?",
    "stelle den Drucker auf",
    "",
    "?",
]
POINTING = [
    "summarise this",
    "summarize the thread",
    "turn it into a checklist",
    "put it in a table",
    "compare them",
    "write it shorter",
    "write that down",
    "write me an email",
    "give me a summary",
    "in German",
    "shorter",
    "kannst du das zusammenfassen?",
    "fass das zusammen",
    "mach daraus eine Liste",
    "fasst das mal zusammen",
    "fass das mal eben zusammen",
    "Übersetze das mal eben ins Englische",
    "Fasst du das bitte kurz zusammen?",
]


@pytest.mark.parametrize("message", [*NO_TEXTS, *POINTING])
def test_a_question_stays_a_question(message: str) -> None:
    """What asks, and what only points at something said before, wants no text of its own."""
    assert request_of(message) is None


@pytest.mark.parametrize(
    ("message", "topics"),
    [
        ("draft a slack message telling the team about the new leave rules", ("the new leave rules",)),
        ("Please draft a Slack message to my team about travel!", ("travel",)),
        ("summarise how we do code review in five bullets", ("how we do code review",)),
        ("turn the on-call guide into a checklist", ("the on-call guide",)),
        ("the travel guide as a checklist", ("the travel guide",)),
        ("compare Slack and Google Meet in a table", ("Slack", "Google Meet")),
        ("can you compare sick leave and annual leave?", ("sick leave", "annual leave")),
        ("e-mail to a new starter about laptops", ("laptops",)),
        ("could you give me an overview of the benefits?", ("the benefits",)),
        ("tl;dr of the travel guide", ("the travel guide",)),
        ("faq on pay and levels with 3 questions", ("pay and levels",)),
        ("an email about who is on call", ("who is on call",)),
        ("please, an e-mail to the team about laptops", ("laptops",)),
        ("I need a checklist for my first day", ("my first day",)),
        ("can I get a summary of on-call", ("on-call",)),
        ("Ich brauche eine kurze E-Mail über Urlaub", ("Urlaub",)),
        ("draft something about telework", ("telework",)),
        ("one paragraph about how we hire", ("how we hire",)),
        ("write something about telework", ("telework",)),
        ("write up the process for getting a laptop", ("the process for getting a laptop",)),
        ("make a table of the leave types", ("the leave types",)),
        ("email telling everyone that timesheets are due on Friday", ("timesheets are due on Friday",)),
        ("write an email to new hires about laptops in a friendly tone", ("laptops",)),
        ("summarise leave.md", ("leave.md",)),
        ("schreib eine E-Mail an alle neuen Kollegen über Laptops", ("Laptops",)),
        ("Kannst du mir bitte eine E-Mail an das Team über Urlaub schreiben?", ("Urlaub",)),
        ("fass die Reiserichtlinie in drei Sätzen zusammen", ("die Reiserichtlinie",)),
        ("fasse zusammen, wie wir einstellen", ("wie wir einstellen",)),
        ("erstelle eine Checkliste für den ersten Arbeitstag", ("den ersten Arbeitstag",)),
        ("vergleiche Slack und Teams in einer Tabelle", ("Slack", "Teams")),
        ("gib mir einen Überblick über Reisen", ("Reisen",)),
        ("Schreib eine Mail ans Team wegen der Urlaubsregeln", ("der Urlaubsregeln",)),
        ("Write a polite email declining the request", ("declining the request",)),
        ("can I get a summary of leave?", ("leave",)),
        ("Mach aus dem Bereitschaftsleitfaden eine Checkliste", ("dem Bereitschaftsleitfaden",)),
        ("make the on-call guide a checklist", ("the on-call guide",)),
        ("please provide a summary of leave", ("leave",)),
        ("show me a summary of leave", ("leave",)),
        ("Formuliere eine Absage an einen Bewerber", ("einen Bewerber",)),
        ("write a job ad for a developer", ("a developer",)),
        ("Ich möchte eine E-Mail an das Team zum Thema Urlaub", ("Urlaub",)),
        ("rewrite the on-call guide as a checklist", ("the on-call guide",)),
        ("List the steps to request a laptop as a checklist", ("the steps to request a laptop",)),
        ("Vergleich mal Slack und Google Meet", ("Slack", "Google Meet")),
        ("Können Sie mir die Reiserichtlinie zusammenfassen?", ("die Reiserichtlinie",)),
        ("summarise leave in five concise bullet points", ("leave",)),
        ("summary of leave in fifty words", ("leave",)),
        ("translate the leave policy into German", ("the leave policy",)),
        ("can you translate the travel guide to Spanish?", ("the travel guide",)),
        ("Übersetze die Urlaubsregeln ins Englische", ("die Urlaubsregeln",)),
        ("Kannst du die Reiserichtlinie ins Englische übersetzen?", ("die Reiserichtlinie",)),
        ("Schreiben Sie bitte eine E-Mail an alle über Laptops", ("Laptops",)),
        ("schreib den Kollegen eine Mail, dass am Freitag frei ist", ("am Freitag frei ist",)),
        ("Schreib Anna eine kurze Nachricht über Urlaub", ("Urlaub",)),
        ("Kannst du mir eine Mail an HR schreiben, dass ich krank bin?", ("ich krank bin",)),
        ("Kannst du eine Mail schreiben, die erklärt, wie man Urlaub beantragt?", ("wie man Urlaub beantragt",)),
        ("Könnten Sie eine Nachricht an das Team über die Feiertage verfassen?", ("die Feiertage",)),
        ("Setz bitte eine Mail an das Team über Reisekosten auf", ("Reisekosten",)),
        ("schreib mir 'ne Mail ans Team ueber Urlaub", ("Urlaub",)),
        ("schreibe einen Blogbeitrag über Code Review", ("Code Review",)),
        ("Fassen Sie die Reiserichtlinie zusammen", ("die Reiserichtlinie",)),
        ("Fass mir bitte die Reiserichtlinie kurz zusammen", ("die Reiserichtlinie",)),
        ("Kann ich eine Zusammenfassung der Reiserichtlinie bekommen?", ("Reiserichtlinie",)),
        ("Wir brauchen eine Checkliste für den ersten Arbeitstag", ("den ersten Arbeitstag",)),
        ("Gib mir die wichtigsten Punkte der Reiserichtlinie", ("Reiserichtlinie",)),
        ("we need an announcement about the new laptops", ("the new laptops",)),
        ("I'd love a summary of the travel guide", ("the travel guide",)),
        ("would you mind drafting an email about laptops?", ("laptops",)),
        ("could we get a summary of leave?", ("leave",)),
        ("write an article about our hiring process", ("our hiring process",)),
        ("write the team a message about the new leave rules", ("the new leave rules",)),
        ("give me the gist of the leave policy", ("the leave policy",)),
        ("key takeaways from the travel guide", ("the travel guide",)),
        ("pros and cons of telework", ("telework",)),
        ("shorten the leave policy to 100 words", ("the leave policy",)),
        ("boil the travel guide down to 5 bullets", ("the travel guide",)),
        ("summerize the travel guide", ("the travel guide",)),
        ("Summarise the FAQ for customers", ("the FAQ for customers",)),
        ("Hilf mir eine Mail an den Kunden zu schreiben", ("den Kunden",)),
        ("Hilf mir, eine Mail an alle über Urlaub aufzusetzen", ("Urlaub",)),
        ("Fasst du den Leitfaden zusammen?", ("den Leitfaden",)),
        ("Übersetzt du den Leitfaden mal eben ins Englische?", ("den Leitfaden",)),
        ("can you send me a summary of leave?", ("leave",)),
        ("write a post in Slack style about leave", ("leave",)),
        ("an email about laptops, who gets them and when", ("laptops, who gets them and when",)),
        (
            "fasse mal bitte kurz zusammen was im onboarding guide steht",
            ("was im onboarding guide steht",),
        ),
        ("Fasst du mir bitte zusammen, wie wir einstellen?", ("wie wir einstellen",)),
        ("pls sumarize leave.md in 5 bullets", ("leave.md",)),
    ],
)
def test_a_text_is_wanted_of_its_topic(message: str, topics: tuple[str, ...]) -> None:
    """What it is of is what is searched for: nothing of its form, of whom it is for or of how long it may be."""
    wanted = request_of(message)
    assert wanted is not None
    assert wanted.topics == topics


def test_a_request_says_its_form() -> None:
    """Limits, language and what becomes a list are part of it."""
    wanted = request_of("summarise the leave page in five bullets in German")
    assert wanted is not None
    assert (wanted.limits, wanted.is_list, wanted.language) == (Limits(items=5), True, Language.GERMAN)
    letter = request_of("draft an email about leave with three bullets")
    assert letter is not None
    assert (letter.limits, letter.is_list, letter.is_survey) == (Limits(items=3), False, False)


@pytest.mark.parametrize(
    ("message", "language"),
    [
        ("write an email in German about leave", Language.GERMAN),
        ("write an email about leave, in Spanish, please", Language.SPANISH),
        ("fass die Reiserichtlinie auf Englisch zusammen", Language.ENGLISH),
        ("Übersetze die Urlaubsregeln ins Englische", Language.ENGLISH),
        ("translate the leave policy to french please", Language.FRENCH),
        ("write an email about working in Spanish offices", None),
        ("draft a note about travel in French Polynesia", None),
        ("a summary of leave in Polish-speaking teams", None),
    ],
)
def test_a_language_is_none_of_a_place(message: str, language: Language | None) -> None:
    """What is named behind "in" is a language only where the phrase ends with it."""
    wanted = request_of(message)
    assert wanted is not None
    assert wanted.language == language


def test_a_long_request_is_one_by_its_beginning() -> None:
    """Whatever somebody adds of whom it is for, and of what it may say."""
    wanted = request_of(f"Draft an e-mail about laptops. {'Say that they are new. ' * 40}Max 60 words.")
    assert wanted is not None
    assert wanted.topic.startswith("laptops")
    assert wanted.limits == Limits(words=60)
    assert request_of(f"An e-mail about laptops. {'I read it. ' * 60}") is None


def test_a_comparison_has_a_few_sides() -> None:
    """However many are listed, no short message makes a hundred searches."""
    wanted = request_of(f"compare {', '.join(f'a{number}' for number in range(90))}")
    assert wanted is not None
    assert len(wanted.topics) == 4
