"""What a page's form sends, and the cards that may be typed into it."""

import re
from urllib.parse import parse_qsl

from aiohttp import web

from localcloud.stripe.cards import CARDS, CardDetails

EXPIRY = re.compile(r"\s*([0-9]{1,2})\s*/?\s*((?:20)?[0-9]{2})\s*")


async def read(request: web.Request) -> dict[str, str]:
    """The fields of an urlencoded body, the last of each name; empty for anything else."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    text = (await request.read()).decode(errors="replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        return {}


def card(fields: dict[str, str]) -> CardDetails:
    """The card of a form; what cannot be read becomes details that no bank accepts."""
    expiry = EXPIRY.fullmatch(fields.get("expiry", ""))
    month, year = (int(expiry[1]), int(expiry[2])) if expiry else (0, 0)
    return CardDetails(
        number=re.sub(r"[\s-]", "", fields.get("number", ""))[:30],
        exp_month=month,
        exp_year=year + 2000 if year < 100 else year,
        cvc=fields.get("cvc", "").strip()[:10],
        name=fields.get("name", "").strip()[:256] or None,
    )


def test_cards() -> list[dict[str, str]]:
    """The test cards that pages name, with what each does."""
    return [
        {"number": _grouped(number), "hint": card.hint}
        for number, card in CARDS.items()
        if card.hint
    ]


def _grouped(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
