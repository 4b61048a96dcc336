"""Policies in a document's head are changed in whatever pieces the document arrives."""

import pytest

from localcloud.gateway.meta_policy import HeadPolicies

POLICY = b'<meta http-equiv="Content-Security-Policy" content="frame-src a">'
CHANGED = (
    b'<meta http-equiv="Content-Security-Policy" '
    b'content="[frame-src a]" data-localstripe-before="frame-src a">'
)
BEGIN = b"<!doctype html><html lang='a>b'><head><meta charset=utf-8>"


def changed(pieces: list[bytes]) -> bytes:
    policies = HeadPolicies(lambda policy: f"[{policy}]")
    return b"".join([*map(policies.feed, pieces), policies.finish()])


def check(document: bytes, wanted: bytes) -> None:
    assert changed([document]) == wanted
    assert changed([document[i : i + 1] for i in range(len(document))]) == wanted
    for place in range(len(document)):
        assert changed([document[:place], document[place:]]) == wanted


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        (POLICY, CHANGED),
        (
            b"<META content='frame-src a' HTTP-EQUIV=content-security-policy />",
            b'<META content="[frame-src a]" data-localstripe-before="frame-src a" '
            b"HTTP-EQUIV=content-security-policy />",
        ),
        (
            b'<meta http-equiv="Content-Security-Policy" content="script-src &#x27;self&#x27;">',
            b'<meta http-equiv="Content-Security-Policy" content="[script-src &#x27;self&#x27;]" '
            b'data-localstripe-before="script-src &#x27;self&#x27;">',
        ),
        (
            b"<meta content=x content=y http-equiv=Content-Security-Policy>",
            b'<meta content="[x]" data-localstripe-before="x" content=y '
            b"http-equiv=Content-Security-Policy>",
        ),
        (
            b'<meta http-equiv=Content-Security-Policy content="a \xc3\xbc &#8364;">',
            b'<meta http-equiv=Content-Security-Policy content="[a \xc3\xbc &#8364;]" '
            b'data-localstripe-before="a \xc3\xbc &#8364;">',
        ),
    ],
)
def test_a_policy_in_the_head_is_changed(tag: bytes, wanted: bytes) -> None:
    check(BEGIN + tag + b"</head><body>", BEGIN + wanted + b"</head><body>")


@pytest.mark.parametrize(
    "before",
    [
        b"<title>a < b </titles> </title>",
        b"<script>if (a</scripted/.test(b)) '<body>'</script >",
        b"<style>a > b { content: '<p>' }</style>",
        b"<!-- <body> -- > --><!--><!--->",
        b"<noscript><link></noscript><template><p></p></template>",
        b'<link data-x="<body>"><base href=/>\n',
        b"<?xml version='1.0'?>",
    ],
)
def test_it_is_found_behind_whatever_a_head_has(before: bytes) -> None:
    check(BEGIN + before + POLICY, BEGIN + before + CHANGED)


@pytest.mark.parametrize(
    "document",
    [
        BEGIN + b"</head><body>" + POLICY,
        BEGIN + b"<div>" + POLICY,
        BEGIN + b"words" + POLICY,
        BEGIN + b"< meta" + POLICY,
        BEGIN + b"<script>'" + POLICY + b"'</script>",
        BEGIN + b"<!-- " + POLICY + b" -->",
        BEGIN + b"<template>" + POLICY + b"</template>",
        BEGIN + POLICY.replace(b"Security-Policy", b"Security-Policy-Report-Only"),
        BEGIN + b"<meta name=x content='frame-src a'><meta http-equiv=Content-Security-Policy>",
        b"",
        b"<",
        b"plain words",
    ],
)
def test_everything_else_stays_as_it_is(document: bytes) -> None:
    check(document, document)


def test_a_head_without_tags_and_several_policies() -> None:
    check(b"<!doctype html>\n" + POLICY * 2 + b"<p>", b"<!doctype html>\n" + CHANGED * 2 + b"<p>")


def test_only_a_tag_that_is_not_whole_is_held_back() -> None:
    policies = HeadPolicies(str.upper)
    assert policies.feed(b"<head><title>a") == b"<head><title>"
    assert policies.feed(b"bcdefghijklmnopqrstuvwxyz") != b""
    policies = HeadPolicies(str.upper)
    assert policies.feed(b"<head><meta http-eq") == b"<head>"
    assert policies.feed(b"uiv=x></head><bo") == b"<meta http-equiv=x></head><bo"


def test_a_tag_without_end_does_not_hold_back_for_ever() -> None:
    document = b"<head><meta content='" + b"x" * 70_000
    policies = HeadPolicies(str.upper)
    assert policies.feed(document) == document
    assert policies.feed(POLICY) == POLICY
