"""Where markup goes in a document that arrives in pieces."""

import pytest

from localcloud.gateway.insertion import HeadInsertion

MARK = b"<script></script>"


def inserted(pieces: list[bytes]) -> bytes:
    insertion = HeadInsertion(MARK)
    return b"".join([*map(insertion.feed, pieces), insertion.finish()])


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (b"<!DOCTYPE html><html><head><title>x</title>", b"<head>"),
        (
            b'<!doctype html>\n<!-- a > b -->\n<HTML data-x="a>b" lang=de>\n<Head id=h><meta>',
            b"<Head id=h>",
        ),
        (b"\xef\xbb\xbf<html><head></head>", b"<head>"),
        (b"<html\nlang='en'\n><body><header>", b"lang='en'\n>"),
        (b"<!doctype html><title>short</title><head>", b"<!doctype html>"),
        (b"<!doctype html><header>no head</header>", b"<!doctype html>"),
        (b"plain words", b""),
        (b"<p>no head", b""),
        (b"<!doctype html>", b"<!doctype html>"),
        (b"<![CDATA[", b""),
    ],
)
def test_it_goes_first_into_the_head_in_whatever_pieces(document: bytes, place: bytes) -> None:
    begin, _, rest = document.partition(place) if place else (b"", b"", document)
    wanted = begin + place + MARK + rest
    assert inserted([document]) == wanted
    assert inserted([document[i : i + 1] for i in range(len(document))]) == wanted


def test_an_empty_document_stays_empty() -> None:
    assert inserted([]) == inserted([b""]) == b""


def test_the_rest_is_not_held_back() -> None:
    insertion = HeadInsertion(MARK)
    assert insertion.feed(b"<html><hea") == b""
    assert insertion.feed(b"d><title>") == b"<html><head>" + MARK + b"<title>"
    assert insertion.feed(b"<head>") == b"<head>"


def test_a_comment_without_end_does_not_hold_back_for_ever() -> None:
    document = b"<!-- " + b"x" * 70_000
    insertion = HeadInsertion(MARK)
    assert insertion.feed(document) == MARK + document
