"""Who may use the console: links that work once, the password, sessions, and how often somebody may be wrong.

Knows nothing of HTTP, of pages, or of what the console shows.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from bots.web.console import texts
from core.errors import ConfigurationError
from core.settings import Settings

LINK_LASTS = 600.0  # seconds
SESSION_LASTS, SESSION_ENDS = 12 * 3600.0, 7 * 24 * 3600.0  # seconds without a request, and with any
SESSIONS = 200  # at once
TRIES, TRIES_OF_ALL, TRIES_WITHIN = 5, 50, 300.0  # wrong ones, from one address and from all, in seconds
PASSWORD_CHARACTERS = 12  # at least


class OneTimeLinks:
    """Links that open the console once. Each is an empty file, named by a hash: another process may make one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self) -> str:
        """The key of a new link."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in self._folder.iterdir():
            if _age(old) > LINK_LASTS:
                old.unlink(missing_ok=True)
        key = secrets.token_urlsafe(24)
        self._place(key).touch(mode=0o600)
        return key

    def use(self, key: str) -> bool:
        """Use a link up; False where it was used, has ended or never was."""
        place = self._place(key)
        try:
            age = _age(place)
            place.unlink()
        except FileNotFoundError:
            return False
        return age <= LINK_LASTS

    def _place(self, key: str) -> Path:
        return self._folder / sha256(key.encode()).hexdigest()


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime


@dataclass(slots=True)
class ConsoleSession:
    """One browser that is signed in. `token` is in each of its forms; `notice` is said once, on its next page."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    used: float = 0.0
    began: float = 0.0
    notice: str = ""

    def take_notice(self) -> str:
        """What is to be said once."""
        notice, self.notice = self.notice, ""
        return notice


class Sessions:
    """The browsers that are signed in, as long as this process runs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, ConsoleSession] = {}

    def begin(self) -> str:
        """The name of a new session."""
        name, now = secrets.token_urlsafe(32), self._clock()
        live = {key: one for key, one in self._open.items() if now - one.used <= SESSION_LASTS}
        kept = sorted(live.items(), key=lambda pair: pair[1].used)[-(SESSIONS - 1) :]
        self._open = {**dict(kept), name: ConsoleSession(used=now, began=now)}
        return name

    def find(self, name: str) -> ConsoleSession | None:
        """The session of that name, which begins to last anew."""
        session = self._open.get(name)
        now = self._clock()
        if session is None or now - session.used > SESSION_LASTS or now - session.began > SESSION_ENDS:
            self.end(name)
            return None
        session.used = now
        return session

    def end(self, name: str) -> None:
        """Sign a browser out."""
        self._open.pop(name, None)


class WrongTries:
    """Counts wrong keys and passwords, by address and of all: a password cannot be guessed by trying."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, str]] = deque()

    def allows(self, address: str) -> bool:
        """Whether whoever is at `address` may try now."""
        while self._seen and self._clock() - self._seen[0][0] > TRIES_WITHIN:
            self._seen.popleft()
        mine = sum(1 for _, each in self._seen if each == address)
        return mine < TRIES and len(self._seen) < TRIES_OF_ALL

    def count(self, address: str) -> None:
        """One more was wrong."""
        self._seen.append((self._clock(), address))


class Entrance:
    """Lets somebody in by a link or by the password of the settings."""

    def __init__(self, links: OneTimeLinks, password: str = "") -> None:
        self._links = links
        self._password = password
        self._tries = WrongTries()
        self.sessions = Sessions()

    @property
    def has_password(self) -> bool:
        """Whether there is a password to sign in with."""
        return bool(self._password)

    def allows(self, address: str) -> bool:
        """Whether whoever is at `address` may try now."""
        return self._tries.allows(address)

    def by_link(self, key: str) -> str | None:
        """The name of a new session, where the key is that of a link: too long to guess, so no tries are counted."""
        return self.sessions.begin() if self._links.use(key) else None

    def by_password(self, typed: str, address: str) -> str | None:
        """The name of a new session, where the password is right."""
        same = hmac.compare_digest(typed.encode(), self._password.encode())
        if not (same and self.has_password):
            self._tries.count(address)
            return None
        return self.sessions.begin()


def links_of(settings: Settings) -> OneTimeLinks:
    """The links that open the console over the data of these settings."""
    return OneTimeLinks(settings.data_folder / "links")


def entrance_of(settings: Settings, *, wide: bool) -> Entrance:
    """The entrance of a console; `wide` where others than this machine can reach it.

    Raises:
        ConfigurationError: it is wide, and there is no password, or too short a one.
    """
    password = settings.console_password.get_secret_value() if settings.console_password else ""
    if wide and not password:
        raise ConfigurationError(texts.UNGUARDED)
    if password and len(password) < PASSWORD_CHARACTERS:
        raise ConfigurationError(texts.short_password(PASSWORD_CHARACTERS))
    return Entrance(links_of(settings), password)
