"""What a frontend's policy has to allow for the local Stripe.js."""

import pytest

from localcloud.gateway.content_policy import nonce_of, widened

S, F, D = "http://localhost:1/s.js", "http://localhost:2/c/embed/", "sha256-abc="


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ("img-src *", "img-src *"),
        ("script-src 'none'; frame-src 'none'", f"script-src {S}; frame-src {F}"),
        (
            "default-src 'self'; upgrade-insecure-requests",
            f"default-src 'self'; upgrade-insecure-requests; script-src 'self' {S}; "
            f"frame-src 'self' {F}",
        ),
        (
            "Script-Src 'self'; script-src-elem 'unsafe-inline'; child-src a.example",
            f"script-src 'self'; script-src-elem 'unsafe-inline' {S}; child-src a.example; "
            f"frame-src a.example {F}",
        ),
        ("script-src 'nonce-abc' 'strict-dynamic'", "script-src 'nonce-abc' 'strict-dynamic'"),
        (
            "script-src 'strict-dynamic' 'sha256-x'",
            f"script-src 'strict-dynamic' 'sha256-x' {S} '{D}'",
        ),
        ("script-src a, frame-src b;;", f"script-src a {S}, frame-src b {F}"),
        ("script-src a; script-src *", f"script-src a {S}"),
    ],
)
def test_one_script_and_one_frame_are_added(policy: str, wanted: str) -> None:
    assert widened(policy, script=S, frame=F, digest=D) == wanted


def test_the_nonce_is_that_of_scripts() -> None:
    assert nonce_of(["style-src 'nonce-style'; default-src 'nonce-Ab1+/_-='"]) == "Ab1+/_-="
    assert nonce_of(["script-src 'self'; default-src 'nonce-abc'"]) == ""
    assert nonce_of(["img-src *, script-src 'nonce-x'"]) == "x"
    assert nonce_of([]) == ""
