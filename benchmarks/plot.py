"""Lines over two logarithmic axes as SVG, on a card like those of ``benchmarks.chart``."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import ceil, floor, log10

from benchmarks.chart import EDGE, OTHERS, OURS, STYLE, WIDTH

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 70, 320, 60, 60
GRID = "#e4e7eb"

Line = Sequence[tuple[float, float]]


def plot(title: str, lines: Mapping[str, Line], ours: str, axes: tuple[str, str]) -> str:
    """
    *lines* by name, each of points of positive numbers; *ours* stands out.

    *axes* are the words at the ends of the horizontal and the vertical one.
    """
    points = [point for line in lines.values() for point in line]
    across, up = (_Axis([point[n] for point in points]) for n in (0, 1))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff" stroke="#d2d6dc"/>',
            f'<text class="title" x="{EDGE}" y="{EDGE + 12}">{escape(title)}</text>',
            *_grid(across, up, axes),
            *_lines(lines, ours, across, up),
            "</svg>\n",
        ]
    )


class _Axis:
    """From the power of ten below all *values* to the one above."""

    def __init__(self, values: Sequence[float]) -> None:
        self.first = floor(log10(min(values)))
        self.last = max(ceil(log10(max(values))), self.first + 1)

    def share(self, value: float) -> float:
        """Where *value* is between the ends, 0 to 1."""
        return (log10(value) - self.first) / (self.last - self.first)

    def marks(self) -> Iterator[tuple[float, str]]:
        for power in range(self.first, self.last + 1):
            yield 10.0**power, f"{10.0**power:,.{max(0, -power)}f}"


def _x(across: _Axis, value: float) -> float:
    return LEFT + across.share(value) * (WIDTH - LEFT - RIGHT)


def _y(up: _Axis, value: float) -> float:
    return HEIGHT - BOTTOM - up.share(value) * (HEIGHT - TOP - BOTTOM)


def _grid(across: _Axis, up: _Axis, axes: tuple[str, str]) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, text in up.marks():
        y = _y(up, value)
        yield f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
        yield f'<text class="name" x="{LEFT - 8}" y="{y + 4:.1f}">{text}</text>'
    for value, text in across.marks():
        x = _x(across, value)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="{GRID}"/>'
        yield f'<text text-anchor="middle" x="{x:.1f}" y="{bottom + 20}">{text}</text>'
    yield f'<text class="name" x="{right}" y="{bottom + 40}">{escape(axes[0])}</text>'
    yield f'<text class="name" x="{LEFT - 8}" y="{TOP - 8}">{escape(axes[1])}</text>'


def _lines(lines: Mapping[str, Line], ours: str, across: _Axis, up: _Axis) -> Iterator[str]:
    """Each with its name at its end; names that would lie on each other move down."""
    free = 0.0
    for name, line in sorted(lines.items(), key=lambda one: _y(up, one[1][-1][1])):
        colour, width = (OURS, 3) if name == ours else (OTHERS, 2)
        path = " ".join(f"{_x(across, x):.1f},{_y(up, y):.1f}" for x, y in line)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        x, y = _x(across, line[-1][0]), _y(up, line[-1][1])
        free = max(free, y + 4)
        figure = f"{line[-1][1]:,.1f}"
        yield f'<text x="{x + 8:.1f}" y="{free:.1f}">{escape(name)}: {figure}</text>'
        free += 16
