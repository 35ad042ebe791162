"""Horizontal bars as SVG: on a card of its own, so that it reads on light and on dark pages."""

from collections.abc import Iterator, Mapping
from html import escape

WIDTH, NAMES, FIGURES, LINE, GAP, EDGE = 760, 190, 90, 24, 34, 20
OURS, OTHERS = "#0b6e4f", "#9aa5b1"
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2933}"
    ".title{font-weight:600;font-size:16px}.panel{font-weight:600}.name{text-anchor:end}"
)


def chart(title: str, panels: Mapping[str, Mapping[str, float]], ours: str) -> str:
    """
    A panel for each of *panels*, on a scale of its own; *ours* is the bar that stands out.

    A bar that would leave nothing to see of the others is cut at four times the median,
    with a gap; its figure tells.
    """
    lines = list(_panels(panels, ours))
    height = EDGE * 3 + sum(GAP + LINE * len(bars) for bars in panels.values())
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff" stroke="#d2d6dc"/>',
            f'<text class="title" x="{EDGE}" y="{EDGE + 12}">{escape(title)}</text>',
            *lines,
            "</svg>\n",
        ]
    )


def _panels(panels: Mapping[str, Mapping[str, float]], ours: str) -> Iterator[str]:
    top = EDGE * 2
    for name, bars in panels.items():
        yield f'<text class="panel" x="{EDGE}" y="{top + GAP - 12}">{escape(name)}</text>'
        top += GAP
        figures = sorted(bars.values())
        most = min(figures[-1], 4 * figures[len(figures) // 2])
        for who, figure in bars.items():
            yield from _bar(who, figure, most, top, OURS if who == ours else OTHERS)
            top += LINE


def _bar(who: str, figure: float, most: float, top: int, colour: str) -> Iterator[str]:
    left, room = EDGE + NAMES, WIDTH - 2 * EDGE - NAMES - FIGURES
    length = min(figure / most, 1) * room
    middle, thick = top + LINE // 2 + 4, LINE - 6
    yield f'<text class="name" x="{left - 8}" y="{middle}">{escape(who)}</text>'
    at = f'x="{left}" y="{top + 3}"'
    yield f'<rect {at} width="{length:.1f}" height="{thick}" fill="{colour}"/>'
    if figure > most:  # A gap near its end tells that the bar goes on.
        yield f'<rect x="{left + room - 24}" y="{top}" width="6" height="{LINE}" fill="#fff"/>'
    yield f'<text x="{left + length + 8:.1f}" y="{middle}">{figure / 1000:,.2f} ms</text>'
