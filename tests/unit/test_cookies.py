"""Reading a request's cookies, and the lines that end one wherever it was planted."""

import pytest

from saas import cookies

SITE = ["https://app.example.co.uk", "http://localhost:3000", "https://10.0.0.1", "nonsense"]


def where(lines: list[str]) -> set[tuple[str, str]]:
    """(path, domain) of each line; an empty domain is the host alone."""
    fields = [dict(part.partition("=")[::2] for part in line.split("; ")) for line in lines]
    return {(field["Path"], field.get("Domain", "")) for field in fields}


def test_a_cookie_is_ended_on_each_domain_and_path_it_can_have_come_from() -> None:
    lines = cookies.ending(["session"], SITE, "/backend/users/me")
    paths = {"/", "/backend", "/backend/", "/backend/users", "/backend/users/", "/backend/users/me"}
    domains = {"", "app.example.co.uk", "example.co.uk", "co.uk"}
    assert where(lines) == {(path, domain) for path in paths for domain in domains}
    assert len(lines) == len(paths) * len(domains)


def test_prefixed_names_need_the_attribute() -> None:
    assert cookies.ending(["__Secure-x"], [], "/") == [
        "__Secure-x=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure"
    ]
    assert cookies.ending(["x"], [], "/") == ["x=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]


@pytest.mark.parametrize("path", ["", "*", "/a;b", "/a\r\nb", "a", "//", "/é", "/a b"])
def test_a_path_that_a_line_cannot_name_is_left_out(path: str) -> None:
    assert where(cookies.ending(["x"], [], path)) == {("/", "")}


def test_too_many_lines_are_none() -> None:
    assert cookies.ending((f"x.{index}" for index in range(30)), SITE, "/backend/users") == []


def test_cookies_come_from_the_event_and_from_the_header() -> None:
    found = cookies.of({"cookies": ["a=1", "b=2=3"]}, {"cookie": " c=4;d; e= ;\u3000f=5"})
    assert found == [("a", "1"), ("b", "2=3"), ("c", "4"), ("e", ""), ("\u3000f", "5")]
