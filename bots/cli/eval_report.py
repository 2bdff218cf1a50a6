"""Results of an evaluation → one HTML page that needs nothing else and fetches nothing.

Every text in it is data of somebody's documents or of a model: escaped, and without control characters. The page
forbids itself scripts and the network, follows the reader's light or dark, and puts its columns under each other on
a phone. Knows nothing of files or of how questions are asked.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bots import eval_texts
from bots.render import clean, home_folder, short_path
from core.domain import Passage, RankedPassage
from core.evaluation.evaluator import ENOUGH, EvaluationSummary, ProductAnswer, Result

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; --good: #1a7f37; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --dim: #9a9a9a; --good: #57c26f; --bad: #ff8a7a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; } h3 { font-size: 1rem; margin: 0; }
h4 { font-size: .8rem; margin: 0 0 .3rem; color: var(--dim); font-weight: 600; }
table { border-collapse: collapse; } td, th { padding: .2rem 1rem .2rem 0; vertical-align: top; text-align: left; }
td.value { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .8rem; margin: .8rem 0; }
.sides { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
.faults { color: var(--bad); margin: .1rem 0 .6rem; } .dim { color: var(--dim); } small { color: var(--dim); }
.right { color: var(--good); font-weight: 600; } .note { border-left: 3px solid var(--bad); padding-left: .8rem; }
p { margin: 0 0 .4rem; } ol, ul { margin: 0; padding-left: 1.4rem; } li { margin-bottom: .3rem; }
.text { white-space: pre-wrap; } summary { cursor: pointer; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Report:
    """What stands in a report. `asked_of` names the models; `notes` are whole sentences about the whole."""

    file: str
    asked_of: str
    made_at: datetime
    passages: int
    figures: EvaluationSummary
    results: Sequence[Result]
    notes: Sequence[str] = ()


def page(report: Report) -> str:
    """The whole page."""
    missed = [result for result in report.results if result.missed]
    misses = "".join(_miss(result) for result in missed) or _paragraph(eval_texts.NO_MISSES)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(eval_texts.TITLE)}</title><style>{_STYLE}</style></head><body>\n"
        f"{_head(report)}"
        f"<h2>{eval_texts.FIGURES}</h2>{_figures(report.figures)}"
        f"<h2>{eval_texts.MISSES} ({len(missed):,})</h2>{misses}"
        f"<h2>{eval_texts.QUESTIONS} ({len(report.results):,})</h2>{_list(report.results)}"
        "</body></html>\n"
    )


def _head(report: Report) -> str:
    made = report.made_at.strftime("%Y-%m-%d %H:%M")
    about = f"{report.file} · {report.asked_of} · {made}"
    notes = "".join(_paragraph(note, "note") for note in report.notes)
    asked = eval_texts.asked(report.figures, report.passages)
    return f"<h1>{_text(eval_texts.TITLE)}</h1>{_paragraph(asked)}{_paragraph(about, 'dim')}{notes}\n"


def _figures(figures: EvaluationSummary) -> str:
    rows = (
        f'<tr><th scope="row">{_text(row.name)}</th><td class="value">{_text(row.value)}</td>'
        f'<td class="dim">{_text(row.meaning)}</td></tr>'
        for row in eval_texts.rows(figures)
    )
    return f"<table>{''.join(rows)}</table>\n"


def _miss(result: Result) -> str:
    faults = "; ".join(eval_texts.faults(result))
    columns = [(eval_texts.EXPECTED, _expected(result)), (eval_texts.FOUND, _found(result))]
    if result.said is not None:
        columns.append((eval_texts.SAID, _said(result.said)))
    sides = "".join(f"<section><h4>{title}</h4>{content}</section>" for title, content in columns)
    question = f"<h3>{_text(result.question.text)}</h3>{_paragraph(faults, 'faults')}"
    return f'<article>{question}<div class="sides">{sides}</div></article>\n'


def _expected(result: Result) -> str:
    question = result.question
    if not question.answerable:
        return _paragraph(eval_texts.NO_ANSWER_EXPECTED)
    answer = _paragraph(question.answer, "text") if question.answer else ""
    return answer + _items((f"<small>{_text(page)}</small>" for page in question.pages), "ul")


def _found(result: Result) -> str:
    shown = result.found[:ENOUGH]
    if not shown:
        return _paragraph(eval_texts.NOTHING_FOUND)
    place = _paragraph(eval_texts.rank(result), "dim") if result.question.answerable else ""
    return place + _items((_ranked(result, ranked) for ranked in shown), "ol")


def _ranked(result: Result, ranked: RankedPassage) -> str:
    mark = f' <span class="right">✓ {eval_texts.RIGHT}</span>' if result.is_right(ranked.passage) else ""
    scores = eval_texts.scores(ranked.probability, ranked.dense, ranked.sparse)
    return f"{_passage(ranked.passage)}{mark}<br><small>{_text(scores)}</small>"


def _passage(passage: Passage) -> str:
    place = f"{short_path(passage.source, home=home_folder(), here=Path.cwd())}:{passage.line}"
    return f"{_text(passage.heading_path)}<br><small>{_text(place)}</small>"


def _said(said: ProductAnswer) -> str:
    score = _paragraph(eval_texts.f1(said.f1), "dim") if said.f1 is not None else ""
    cited = _items((_passage(passage) for passage in said.cited), "ul")
    sources = f"<h4>{eval_texts.CITED}</h4>{cited}" if said.cited else ""
    return f"{_paragraph(said.text, 'text')}{score}{sources}"


def _list(results: Sequence[Result]) -> str:
    rows = (f"<tr><td>{_text(result.question.text)}</td><td>{_text(_became(result))}</td></tr>" for result in results)
    return f"<details><summary>{eval_texts.QUESTIONS}</summary><table>{''.join(rows)}</table></details>\n"


def _became(result: Result) -> str:
    score = eval_texts.f1(result.said.f1) if result.said else ""
    refused = eval_texts.REFUSED if result.refused else ""
    return " · ".join(part for part in (eval_texts.rank(result), refused, score) if part)


def _items(items: Iterable[str], kind: str) -> str:
    return f"<{kind}>{''.join(f'<li>{item}</li>' for item in items)}</{kind}>"


def _paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{_text(text)}</p>' if kind else f"<p>{_text(text)}</p>"


def _text(text: str) -> str:
    return html.escape(clean(text), quote=True)
