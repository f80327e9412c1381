"""Draws simulated and predicted times of reads over the number of ranks, as SVG without any package."""
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 70, 190, 30, 50
LINES = (("gathered", "64 keys, gathered", "#b2182b"), ("merged", "64 keys, merged", "#2166ac"),
         ("gathered_single", "1 key, gathered", "#ef8a62"), ("merged_single", "1 key, merged", "#67a9cf"))


def draw(series):
    """series: {name: [(ranks, simulated us, predicted us)]}. Lines are simulated, circles predicted; both axes are logarithmic."""
    points = [point for name, _, _ in LINES for point in series[name]]
    x_low, x_high = math.log2(min(p[0] for p in points)), math.log2(max(p[0] for p in points))
    y_low = math.floor(math.log10(min(min(p[1:]) for p in points)))
    y_high = math.ceil(math.log10(max(max(p[1:]) for p in points)))

    def x(ranks):
        return LEFT + (math.log2(ranks) - x_low) / max(x_high - x_low, 1) * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - (math.log10(value) - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for exponent in range(y_low, y_high + 1):
        at = y(10 ** exponent)
        parts.append(f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{10 ** exponent:,} us</text>')
    for ranks, _, _ in series["merged"]:
        parts.append(f'<text x="{x(ranks):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{ranks:,}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - 10}" text-anchor="middle">ranks</text>')
    for number, (name, label, colour) in enumerate(LINES):
        line = " ".join(f"{x(ranks):.1f},{y(simulated):.1f}" for ranks, simulated, _ in series[name])
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for ranks, _, predicted in series[name]:
            parts.append(f'<circle cx="{x(ranks):.1f}" cy="{y(predicted):.1f}" r="3.5" fill="white" stroke="{colour}" stroke-width="1.5"/>')
        at = TOP + 20 + 20 * number
        parts.append(f'<line x1="{WIDTH - RIGHT + 10}" y1="{at}" x2="{WIDTH - RIGHT + 30}" y2="{at}" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 36}" y="{at + 4}">{label}</text>')
    at = TOP + 20 + 20 * len(LINES)
    parts.append(f'<circle cx="{WIDTH - RIGHT + 20}" cy="{at}" r="3.5" fill="white" stroke="#555" stroke-width="1.5"/>')
    parts.append(f'<text x="{WIDTH - RIGHT + 36}" y="{at + 4}">the model of each</text>')
    return "\n".join(parts) + "\n</svg>\n"
