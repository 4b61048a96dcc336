"""The chart of the docs: how many times the floor's CPU each first call takes, as an SVG."""

from html import escape
from typing import Any

ROW, LEFT, WIDTH, TOP = 34, 250, 780, 64
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.muted { fill: #57606a } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: #d0d7de } .bar { fill: #3b6fd4 } .floor { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .muted { fill: #9198a1 } .grid { stroke: #3d444d }
  .bar { fill: #6f9bf0 } .floor { fill: #656c76 }
}
"""


def svg(document: dict[str, Any]) -> str:
    """A bar for the floor and each case of a `figures.document`, readable on light and dark."""
    rows = [document["floor"], *document["cases"]]
    largest = max(row["cold_cpu_ratio"] for row in rows)
    scale = (WIDTH - LEFT - 210) / largest
    height = TOP + ROW * len(rows) + 30
    body = [_grid(scale, largest, height)]
    body += [_row(row, TOP + ROW * place, scale) for place, row in enumerate(rows)]
    title = "CPU time of a cold start, as a multiple of an empty Python handler's"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{title}">\n<style>{_STYLE}</style>\n'
        f'<text class="title" x="12" y="26">{title}</text>\n'
        f'<text class="muted" x="12" y="46">Median of {document["cold_starts"]} fresh containers; '
        "authentication, secrets and one real answer included</text>\n"
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _grid(scale: float, largest: float, height: int) -> str:
    lines = []
    for times in range(0, int(largest) + 1, 2):
        x = LEFT + times * scale
        lines.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - 26}"/>'
            f'<text class="muted" x="{x:.1f}" y="{height - 10}" text-anchor="middle">'
            f"{times}×</text>"
        )
    return "\n".join(lines)


def _row(row: dict[str, Any], y: int, scale: float) -> str:
    ratio = row["cold_cpu_ratio"]
    width = ratio * scale
    kind = "floor" if row["function"] == "floor" else "bar"
    middle = y + ROW / 2
    note = f"{row['cold_cpu_ms']:.0f} ms, warm {row['warm_p50_ms']:.1f} ms"
    return (
        f'<text x="{LEFT - 10}" y="{middle + 2}" text-anchor="end">{escape(row["name"])}</text>'
        f'<rect class="{kind}" x="{LEFT}" y="{y + 4}" width="{width:.1f}" height="{ROW - 12}" '
        'rx="3"/>'
        f'<text x="{LEFT + width + 8:.1f}" y="{middle + 2}">{ratio:.1f}×'
        f'<tspan class="muted" dx="8">{note}</tspan></text>'
    )
