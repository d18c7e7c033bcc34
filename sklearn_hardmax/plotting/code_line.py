"""CodeLineDisplay: draw the one-dimensional classifier behind HardmaxTransformerClassifier(n_heads=0)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_hardmax._typing import AnyArray
from sklearn_hardmax.estimators.classifier import HardmaxTransformerClassifier
from sklearn_hardmax.plotting.canvas import fitted_snapshot, pyplot
from sklearn_hardmax.sequences import SequencesLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure, SubFigure

_PAD = 0.02  # part of the line that is shown beyond its ends


class CodeLineDisplay:
    """Draw the intervals of codes that a classifier assigns to each class, and the codes of sequences.

    A classifier with n_heads=0 computes one number per sequence, its code. The line of codes is divided into cells, intervals
    of one label, and a sequence gets the label of the cell that holds its code. The picture has one row per class and a row
    "network" at the bottom. The bottom row is the line with each cell in the colour of its label. The row of a class shows
    the cells of this class in a light shade, and a tick at the code of every sequence whose true label is this class: a tick
    outside the shaded cells of its row is a sequence with a wrong prediction.

    Parameters
    ----------
    codes : array-like of shape (n_sequences,)
        Code of each sequence, in [1, 2].
    labels : array-like of int, shape (n_sequences,)
        True class of each sequence, as index in `classes`.
    borders : array-like of shape (n_cells - 1,)
        Codes at which one cell ends and the next begins, ascending.
    cell_labels : array-like of int, shape (n_cells,)
        Label of each cell, as index in `classes`.
    classes : array-like of shape (n_classes,)
        Names of the classes.
    n_blocks : int, default=None
        Number of blocks of the network, for the title.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Axes that `plot` has drawn on, and their figure.
    cells_ : matplotlib PolyCollection
        The bands of the bottom row, one per cell in the order of the line.
    class_cells_ : list of matplotlib PolyCollection
        The shaded bands of each class, in its row.
    ticks_ : list of matplotlib LineCollection
        The ticks of each class, in its row; empty for a class without sequences.

    See Also
    --------
    CodeLineDisplay.from_estimator : From a fitted HardmaxTransformerClassifier.

    Notes
    -----
    Bands that are narrower than a pixel blend. ``display.ax_.set_xlim(low, high)`` magnifies a part of the line.

    Examples
    --------
    >>> from sklearn_hardmax.plotting import CodeLineDisplay
    >>> display = CodeLineDisplay([1.1, 1.2, 1.8], [0, 0, 1], [1.5], [0, 1], ["a", "b"]).plot()
    >>> display.ax_.get_title()
    '2 label runs for 3 sequences'
    """

    ax_: Axes
    figure_: Figure | SubFigure
    cells_: PolyCollection
    class_cells_: list[PolyCollection]
    ticks_: list[LineCollection]

    def __init__(
        self,
        codes: ArrayLike,
        labels: ArrayLike,
        borders: ArrayLike,
        cell_labels: ArrayLike,
        classes: Sequence[Any] | AnyArray,
        *,
        n_blocks: int | None = None,
    ) -> None:
        self.codes = codes
        self.labels = labels
        self.borders = borders
        self.cell_labels = cell_labels
        self.classes = classes
        self.n_blocks = n_blocks

    @classmethod
    def from_estimator(
        cls,
        estimator: HardmaxTransformerClassifier,
        X: SequencesLike,
        y: ArrayLike,
        *,
        ax: Axes | None = None,
        cmap: str | Colormap | None = None,
    ) -> Self:
        """Draw the code line of a fitted classifier, and the codes of sequences.

        Parameters
        ----------
        estimator : HardmaxTransformerClassifier
            Fitted, with n_heads=0.
        X : RaggedSequences or anything that as_sequences reads
            The training sequences, or others, whose codes may be closer to a border.
        y : array-like of shape (n_sequences,)
            Their true labels, all of them in `classes_`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            See `plot`.

        Returns
        -------
        CodeLineDisplay

        Raises
        ------
        TypeError
            The estimator is not a HardmaxTransformerClassifier.
        NotFittedError
            The estimator is not fitted.
        ValueError
            The estimator was fitted with heads, or on one label; X cannot be read; y holds labels that are not in `classes_`.
        ImportError
            matplotlib is not installed.

        Notes
        -----
        Cost: one pass over the tokens for the codes.

        Examples
        --------
        >>> from sklearn_hardmax import HardmaxTransformerClassifier
        >>> from sklearn_hardmax.datasets import make_labelled_sequences
        >>> from sklearn_hardmax.plotting import CodeLineDisplay
        >>> X, y = make_labelled_sequences(30, n_classes=3, random_state=0)
        >>> clf = HardmaxTransformerClassifier(ordered=False, n_heads=0, random_state=0).fit(X, y)
        >>> display = CodeLineDisplay.from_estimator(clf, X, y)
        >>> [text.get_text() for text in display.ax_.get_yticklabels()]
        ['network', '0', '1', '2']
        """
        estimator = fitted_snapshot(cls, estimator, HardmaxTransformerClassifier)
        line = estimator.code_line(X)
        labels = _class_indices(estimator.classes_, y)
        check_consistent_length(line.codes, labels)
        display = cls(
            line.codes,
            labels,
            line.boundaries,
            line.interval_labels,
            estimator.classes_,
            n_blocks=estimator.n_blocks_,
        )
        return display.plot(ax, cmap=cmap)

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap | None = None) -> Self:
        """Draw the code line and the ticks of the sequences.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure, higher with more classes.
        cmap : str or matplotlib Colormap, default=None
            Colours of the classes. None: "tab10", with more than ten classes "tab20", with more than twenty "turbo".

        Returns
        -------
        CodeLineDisplay
            The display itself, with `ax_` and `figure_` set.
        """
        plt = pyplot()
        n_classes = len(self.classes)
        colors = _class_colors(n_classes, cmap)
        if ax is None:
            _, ax = plt.subplots(figsize=(9, 1.2 + 0.32 * (n_classes + 1)), layout="constrained")
        self.ax_ = ax
        self.figure_ = ax.figure
        codes = np.asarray(self.codes, dtype=np.float64)
        labels = np.asarray(self.labels)
        cell_labels = np.asarray(self.cell_labels)
        edges = _edges(codes, np.asarray(self.borders, dtype=np.float64))
        spans = np.column_stack([edges[:-1], np.diff(edges)])
        # no edge lines: they would widen narrow cells
        self.cells_ = ax.broken_barh(spans, (-0.45, 0.9), facecolors=colors[cell_labels], linewidth=0)
        self.class_cells_ = []
        self.ticks_ = []
        # the bottom row is at height 0, the row of class k at height k + 1
        for k, color in enumerate(colors):
            cells = spans[cell_labels == k]
            self.class_cells_.append(ax.broken_barh(cells, (k + 0.55, 0.9), facecolors=color, alpha=0.25, linewidth=0))
            self.ticks_.append(ax.vlines(codes[labels == k], k + 0.7, k + 1.3, colors=[color], linewidth=0.8))
        self._describe(edges)
        return self

    def _describe(self, edges):
        """Title, labels and limits of the axes."""
        ax = self.ax_
        n_classes = len(self.classes)
        title = f"{len(self.cell_labels)} label runs for {len(self.codes)} sequences"
        ax.set_title(title + ("" if self.n_blocks is None else f", {self.n_blocks} blocks"))
        ax.set_xlabel("code A of a sequence")
        ax.set_ylabel("class")
        ax.set_yticks(range(n_classes + 1), ["network", *map(str, self.classes)])
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylim(-0.6, n_classes + 0.6)


def _class_indices(classes, y):
    """Index of every label in the sorted classes; ValueError for labels that are not in them."""
    y = column_or_1d(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        shown = ", ".join(map(str, unknown[:10].tolist()))
        raise ValueError(f"y must hold labels that the classifier was fitted on, got {shown}.")
    return np.searchsorted(classes, y)


def _edges(codes, borders):
    """Edges of the cells that are drawn: the borders, and a little beyond the first and last code or border."""
    low = min(codes.min(), borders.min(initial=codes[0]))
    high = max(codes.max(), borders.max(initial=codes[0]))
    # one code and no border: any positive width
    pad = _PAD * (high - low) or 2.0**-40
    return np.concatenate([[low - pad], borders, [high + pad]])


def _class_colors(n_classes, cmap):
    """Colours of the classes, one RGBA row per class."""
    import matplotlib

    if cmap is None:
        cmap = "tab10" if n_classes <= 10 else "tab20" if n_classes <= 20 else "turbo"
    cmap = matplotlib.colormaps[cmap] if isinstance(cmap, str) else cmap
    # colours of a qualitative map (tab10) are taken in order, those of a continuous one at equal distances
    qualitative = cmap.N >= n_classes and cmap.N <= 20
    return cmap(np.arange(n_classes)) if qualitative else cmap(np.linspace(0.05, 0.95, n_classes))
