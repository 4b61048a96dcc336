"""What a page's form sends."""

from urllib.parse import parse_qsl

from aiohttp import web


async def read(request: web.Request) -> dict[str, str]:
    """The fields of an urlencoded body, the last of each name; empty for anything else."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    text = (await request.read()).decode(errors="replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        return {}
