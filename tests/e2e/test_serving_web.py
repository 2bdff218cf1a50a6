"""`attune serve` with its console and its door for programs, as people start it: one process, one model."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from openai import OpenAI

from tests.bots.test_serving import free_port
from tests.conftest import wait_until
from tests.e2e.home import Home, ended, is_plain

pytestmark = pytest.mark.model

OFFICE = """\
# Office handbook

## Wifi

The password of the guest wifi is tulip-42. It changes on the first Monday of each month.
"""
QUESTION = "guest wifi password?"


@contextmanager
def serving(home: Home, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """The command, once it answers at all three doors; told to end, it does so cleanly."""
    process = home.start("serve", **environ)
    wait_until(lambda: process.poll() is not None or all(map(_answers, _addresses(environ))), seconds=300)
    assert process.poll() is None, ended(process).stderr
    yield process
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def _addresses(environ: dict[str, str]) -> list[str]:
    pages = {"ATTUNE_CONSOLE": "/sign-in", "ATTUNE_API": "/openapi.json", "ATTUNE_METRICS": "/readyz"}
    return [f"http://{environ[name]}{page}" for name, page in pages.items()]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_one_command_serves_people_programs_and_the_operator(home: Home) -> None:
    """A link of another process opens the console; console and API answer from the same documents, and are counted."""
    home.write("pages/office.md", OFFICE)
    assert home.run("ingest", "pages").returncode == 0
    key = home.run("clients", "add", "tester", "--readers", "everyone").stdout.strip()
    doors = {name: f"127.0.0.1:{free_port()}" for name in ("ATTUNE_CONSOLE", "ATTUNE_API", "ATTUNE_METRICS")}
    with serving(home, **doors), httpx.Client(base_url=f"http://{doors['ATTUNE_CONSOLE']}") as browser:
        said = home.run("console", "--link", **doors)
        assert is_plain(said), said.stderr
        assert _enter(browser, said.stdout + said.stderr).headers["location"] == "/ask"
        shown = _ask(browser, QUESTION)
        assert "Office handbook" in shown
        client = OpenAI(base_url=f"http://{doors['ATTUNE_API']}/v1", api_key=key, max_retries=0)
        reply = client.chat.completions.create(model="attune", messages=[{"role": "user", "content": QUESTION}])
        assert reply.choices[0].message.content
        client.close()
        figures = httpx.get(f"http://{doors['ATTUNE_METRICS']}/metrics").text
        assert re.search(r'attune_requests_total\{door="api",status="200"\} [1-9]', figures)
        assert re.search(r'attune_requests_total\{door="console",status="200"\} [1-9]', figures)


def _enter(browser: httpx.Client, said: str) -> httpx.Response:
    """Press the button behind the link that was printed."""
    link = re.search(r"(http://\S+/enter)#(\S+)", said)
    assert link, said
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get(link[1]).text)
    assert token
    return browser.post("/enter", data={"csrf": token[1], "key": link[2]})


def _ask(browser: httpx.Client, question: str) -> str:
    """The answer as the page shows it in the end."""
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/ask").text)
    assert token
    begun = browser.post("/ask", data={"csrf": token[1], "question": question}, headers={"HX-Request": "true"}).text
    answer = re.search(r'id="answer-([\w-]+)"', begun)
    assert answer, begun
    deadline = time.monotonic() + 120
    while 'aria-busy="true"' in (shown := browser.get(f"/ask/{answer[1]}", headers={"HX-Request": "true"}).text):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return shown
