"""The cookies of one platform account: a small store that one account's clients share.

aiohttp's own jar drops the cookies of hosts named by IP address, and one jar for all accounts
would make a CometD server take them for tabs of one browser. So the shared HTTP session keeps
none, and each account has a store. Rules: RFC 6265 sections 5.1.3 (domains), 5.1.4 (paths), 5.2
(attributes), 5.3 (storage) and 5.4 (sending).
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

MAX_COOKIES = 64
MAX_COOKIE_CHARACTERS = 8192


class Cookie(msgspec.Struct, frozen=True):
    """One cookie. `expires_at` is in seconds since the epoch; none means for as long as the session lasts."""

    name: str
    value: str
    host: str
    path: str = "/"
    host_only: bool = True
    secure: bool = False
    expires_at: float | None = None

    def __repr__(self) -> str:
        return f"Cookie(name={self.name!r}, host={self.host!r}, path={self.path!r}, value hidden)"


class CookieStore:
    """Remembers what servers set and says what to send back.

    At most `MAX_COOKIES` are kept: when full, the oldest makes room. Longer ones than
    `MAX_COOKIE_CHARACTERS` are ignored.
    """

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._cookies: dict[tuple[str, str, str], Cookie] = {}
        # Polls ask for the same URL again and again.
        self._last: tuple[str, str] | None = None

    def update(self, url: str, set_cookie_headers: Iterable[str]) -> None:
        """Take in the `Set-Cookie` headers of one reply of `url`. What cannot be understood is ignored."""
        for header in set_cookie_headers:
            parts = urlsplit(url)
            cookie = _parse(header, (parts.hostname or "").lower(), parts.path, self._now())
            if cookie is None or (cookie.secure and parts.scheme != "https"):
                continue
            self._last = None
            key = (cookie.host, cookie.path, cookie.name)
            if cookie.expires_at is not None and cookie.expires_at <= self._now():
                self._cookies.pop(key, None)
                continue
            if key not in self._cookies and len(self._cookies) >= MAX_COOKIES:
                del self._cookies[next(iter(self._cookies))]
            self._cookies[key] = cookie

    def header_for(self, url: str) -> str:
        """The value of the `Cookie` header for a request to `url`; empty if there is none to send."""
        if not self._cookies:
            return ""
        if self._last is not None and self._last[0] == url:
            return self._last[1]
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        now = self._now()
        fitting = [
            cookie
            for cookie in self._cookies.values()
            if (cookie.expires_at is None or cookie.expires_at > now)
            and (not cookie.secure or parts.scheme == "https")
            and (host == cookie.host or (not cookie.host_only and _in_domain(host, cookie.host)))
            and _in_path(parts.path or "/", cookie.path)
        ]
        fitting.sort(key=lambda cookie: -len(cookie.path))
        header = "; ".join(f"{cookie.name}={cookie.value}" for cookie in fitting)
        if all(cookie.expires_at is None for cookie in fitting):
            self._last = (url, header)
        return header

    def export(self) -> tuple[Cookie, ...]:
        """All cookies that are still valid, to be kept with a feed's resume state."""
        now = self._now()
        return tuple(
            c for c in self._cookies.values() if c.expires_at is None or c.expires_at > now
        )

    def restore(self, cookies: Iterable[Cookie]) -> None:
        """Put back exported cookies; those held already win, for they are newer."""
        for cookie in cookies:
            self._cookies.setdefault((cookie.host, cookie.path, cookie.name), cookie)
        self._last = None

    def clear(self) -> None:
        """Forget all."""
        self._cookies.clear()
        self._last = None


def _parse(header: str, host: str, request_path: str, now: float) -> Cookie | None:
    pair, *attributes = header.split(";")
    name, equals, value = pair.partition("=")
    name = name.strip()
    if not equals or not name or len(header) > MAX_COOKIE_CHARACTERS or not header.isprintable():
        return None
    path = request_path.rpartition("/")[0] or "/" if request_path.startswith("/") else "/"
    domain, secure = "", False
    expires_at: float | None = None
    max_age: float | None = None
    for attribute in attributes:
        key, _, text = attribute.partition("=")
        text = text.strip()
        match key.strip().lower():
            case "path":
                path = text if text.startswith("/") else path
            case "secure":
                secure = True
            case "domain":
                domain = text.removeprefix(".").lower()
            case "max-age" if text.lstrip("-").isdecimal():
                max_age = now + int(text[:12]) if not text.startswith("-") else 0.0
            case "expires":
                expires_at = _date(text)
            case _:
                continue
    if domain and domain != host and not _in_domain(host, domain):
        return None
    return Cookie(
        name=name,
        value=value.strip(),
        host=domain or host,
        path=path,
        host_only=not domain or _is_address(host),
        secure=secure,
        expires_at=max_age if max_age is not None else expires_at,
    )


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _in_domain(host: str, domain: str) -> bool:
    return "." in domain and host.endswith("." + domain) and not _is_address(host)


def _in_path(path: str, cookie_path: str) -> bool:
    return path == cookie_path or (
        path.startswith(cookie_path)
        and (cookie_path.endswith("/") or path[len(cookie_path)] == "/")
    )
