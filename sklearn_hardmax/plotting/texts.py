"""Names in pictures: rows of names above a picture (LeaderDisplay), and names beside tokens (TokenFlowDisplay)."""

import numpy as np

_ROW = 0.11  # height of a row of names, as a part of the height of the picture
_MOST_BESIDE = 10  # largest number of names beside tokens
_STEP = 0.055  # smallest vertical distance of two of them, as a part of the height of the picture


def space_below(ax):
    """Extend the axes downwards by one row."""
    low, high = ax.get_ylim()
    ax.set_ylim(low - 1.2 * _ROW * (high - low), high)


def rows_above(ax, n_rows):
    """Extend the axes upwards by n_rows rows; the heights of the rows, from top to bottom."""
    low, high = ax.get_ylim()
    step = _ROW * (high - low)
    ax.set_ylim(low, high + n_rows * step)
    return [high + (n_rows - 0.6 - row) * step for row in range(n_rows)]


def in_row(ax, place, height, text):
    """The text at this height above a place, with a line to it; near the left or right end it is aligned inwards."""
    left, right = ax.get_xlim()
    part = (place[0] - left) / (right - left)
    if part < 0.25:
        side, end = "left", 0.0
    elif part > 0.75:
        side, end = "right", 1.0
    else:
        side, end = "center", 0.5
    return ax.annotate(
        text,
        place,
        (place[0], height),
        fontsize="small",
        horizontalalignment=side,
        verticalalignment="center",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
        arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.7, "relpos": (end, 0.0)},
        zorder=5,
    )


def beside_tokens(ax, names, places, is_leader):
    """Distinct names beside their tokens at places (n_tokens, 2), those of leaders in bold; from top to bottom."""
    distances = np.linalg.norm(places - places.mean(axis=0), axis=1)
    # one token of each name, leaders before others and then tokens far from the centre first
    token_of = {}
    for i in np.lexsort([-distances, ~is_leader]).tolist():
        token_of.setdefault(str(names[i]), i)
    shown = sorted(list(token_of.items())[:_MOST_BESIDE], key=lambda item: -places[item[1]][1])
    low, high = ax.get_ylim()
    step = _STEP * abs(high - low)
    heights = apart([places[i][1] for _, i in shown], step)
    # extend the axes to show all names; an inverted axis, that of layers, is left as it is
    if low < high:
        ax.set_ylim(min(low, heights[-1] - step), max(high, heights[0] + step))
    left, right = ax.get_xlim()
    texts = []
    for (name, i), height in zip(shown, heights):
        side = 1 if places[i][0] < (left + right) / 2 else -1
        text = ax.annotate(
            name,
            places[i],
            (places[i][0] + side * 0.05 * (right - left), height),
            fontsize="small",
            fontweight="bold" if is_leader[i] else "normal",
            horizontalalignment="left" if side > 0 else "right",
            verticalalignment="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.65, "pad": 0.4},
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6},
            zorder=6,
        )
        texts.append(text)
    return texts


def apart(heights, step):
    """Decreasing heights, moved so that neighbours are at least a step apart.

    Each is moved down as far as needed, then all are moved up by half the distance that the last one was moved.
    """
    out = []
    for height in heights:
        out.append(min(height, out[-1] - step) if out else height)
    back = (heights[-1] - out[-1]) / 2 if out else 0.0
    return [height + back for height in out]
