"""A line chart as SVG: shares from 0 to 1 over counts, one line a series, named at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 420, 300  # px, of one chart
LEFT, RIGHT, TOP, BOTTOM = 40, 110, 30, 40  # px, around the plot
COLORS = ("#2d5b8a", "#a8552b", "#3d8a4f", "#8a3d7a", "#777777", "#b8952b", "#2b9aa8")
LABEL_HEIGHT = 13  # px


def chart(title: str, label: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """One chart as a ``<g>``: ``series`` are (count, share) points; counts are evenly spaced."""
    places = sorted({x for points in series.values() for x, _ in points})
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(x: float) -> float:
        return LEFT + width * places.index(x) / max(1, len(places) - 1)

    def down(share: float) -> float:
        return TOP + height * (1 - share)

    parts = [f'<text x="{LEFT}" y="16" font-weight="bold">{escape(title)}</text>']
    for tenth in range(0, 11, 2):
        y = down(tenth / 10)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')  # fmt: skip
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:.1f}</text>')  # fmt: skip
    for x in places:
        parts.append(f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>')  # fmt: skip
    parts.append(f'<text x="{LEFT + width / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(label)}</text>')  # fmt: skip
    ordered = sorted((name for name in series if series[name]), key=lambda name: -series[name][-1][1])  # fmt: skip
    named_at = -LABEL_HEIGHT
    for rank, name in enumerate(ordered):
        color = COLORS[list(series).index(name) % len(COLORS)]
        points = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in series[name])
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        for x, y in series[name]:
            parts.append(f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3" fill="{color}"/>')
        # beside its end, but below the name above it and above the room that those below need
        lowest = HEIGHT - 4 - LABEL_HEIGHT * (len(ordered) - 1 - rank)
        own = min(round(down(series[name][-1][1])) + 4, lowest)
        named_at = max(own, named_at + LABEL_HEIGHT)
        parts.append(f'<text x="{LEFT + width + 8}" y="{named_at}" fill="{color}">{escape(name)}</text>')  # fmt: skip
    return f"<g>{''.join(parts)}</g>"


def page(charts: Sequence[str]) -> str:
    """Charts side by side as one SVG file."""
    placed = "".join(
        f'<g transform="translate({index * WIDTH} 0)">{one}</g>' for index, one in enumerate(charts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(charts)} {HEIGHT}" '
        f'width="{WIDTH * len(charts)}" height="{HEIGHT}" font-family="system-ui,sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#fff"/>{placed}</svg>\n'
    )
