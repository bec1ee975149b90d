"""The cookie store by the rules of RFC 6265."""

from __future__ import annotations

import msgspec
import pytest

from connectors._wire.cookies import MAX_COOKIES, Cookie, CookieStore

URL = "http://127.0.0.1:8080/api/v2/notifications"


def test_a_cookie_of_a_host_named_by_its_address_is_sent_back() -> None:
    store = CookieStore()
    store.update(URL, ["BAYEUX_BROWSER=abc; Path=/; HttpOnly"])
    assert store.header_for(URL) == "BAYEUX_BROWSER=abc"


@pytest.mark.parametrize(
    ("header", "url", "sent"),
    [
        ("a=1; Path=/api", "http://h/api", "a=1"),
        ("a=1; Path=/api", "http://h/api/x", "a=1"),
        ("a=1; Path=/api", "http://h/apis", ""),
        ("a=1; Path=/", "http://other/api", ""),
        ("a=1", "http://h/api/x", "a=1"),
        ("a=1", "http://h/", ""),
        ("a=1; Path=/; Domain=h", "http://h/", "a=1"),
        ("a=1; Path=/; Domain=evil.com", "http://evil.com/", ""),
        ("a=1; Path=/; Max-Age=0", "http://h/", ""),
        ("a=1; Path=/; Max-Age=60", "http://h/", "a=1"),
        ("a=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://h/", "a=1"),
        ("a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://h/", ""),
        ("a=1; Path=/; Secure", "http://h/", ""),
        ('a="q=1"; Path=/', "http://h/", 'a="q=1"'),
        ("nonsense", "http://h/", ""),
        ("=1; Path=/", "http://h/", ""),
        ("a=1\r\nX: y; Path=/", "http://h/", ""),
    ],
)
def test_what_is_set_at_one_place_is_sent_where_it_belongs(
    header: str, url: str, sent: str
) -> None:
    store = CookieStore()
    store.update("http://h/api/v2", [header])
    assert store.header_for(url) == sent


def test_a_domain_cookie_goes_to_its_hosts_only() -> None:
    store = CookieStore()
    store.update("http://a.example.com/", ["a=1; Domain=.example.com; Path=/", "b=2; Path=/"])
    assert store.header_for("http://b.example.com/") == "a=1"
    assert store.header_for("http://badexample.com/") == ""


def test_a_secure_cookie_goes_over_tls_only() -> None:
    store = CookieStore()
    store.update("https://h/", ["a=1; Secure; Path=/"])
    assert store.header_for("https://h/") == "a=1"
    assert store.header_for("http://h/") == ""


def test_a_cookie_expires_and_is_deleted() -> None:
    now = 1_000.0
    store = CookieStore(now=lambda: now)
    store.update("http://h/", ["a=1; Max-Age=10", "b=1"])
    store.update("http://h/", ["b=; Max-Age=0"])
    assert store.header_for("http://h/") == "a=1"
    now = 1_011.0
    assert store.header_for("http://h/") == ""
    assert store.export() == ()


def test_what_is_sent_again_to_the_same_place_follows_every_change() -> None:
    store = CookieStore()
    store.restore([Cookie("a", "1", "h")])
    assert [store.header_for("http://h/") for _ in range(2)] == ["a=1", "a=1"]
    store.update("http://h/", ["a=2; Path=/"])
    assert store.header_for("http://h/") == "a=2"
    store.restore([Cookie("b", "3", "h")])
    assert store.header_for("http://h/") == "a=2; b=3"
    store.update("http://h/", ["a=; Path=/; Max-Age=0"])
    assert store.header_for("http://h/") == "b=3"
    assert store.header_for("http://other/") == ""
    store.clear()
    assert store.header_for("http://h/") == ""


def test_cookies_survive_export_as_json_and_newer_ones_win() -> None:
    old = CookieStore()
    old.update("http://h/", ["a=1; Path=/", "b=1; Path=/"])
    kept = msgspec.json.decode(msgspec.json.encode(old.export()), type=tuple[Cookie, ...])
    store = CookieStore()
    store.update("http://h/", ["b=2; Path=/"])
    store.restore(kept)
    assert store.header_for("http://h/") == "b=2; a=1"


def test_the_store_is_bounded_and_the_oldest_makes_room() -> None:
    store = CookieStore()
    store.update("http://h/", [f"c{n}=1" for n in range(MAX_COOKIES + 1)])
    names = [cookie.name for cookie in store.export()]
    assert len(names) == MAX_COOKIES
    assert "c0" not in names


def test_no_value_shows_when_a_cookie_is_printed() -> None:
    assert "hush" not in repr(Cookie("a", "hush", "h"))
