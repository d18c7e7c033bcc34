"""The code line: everything that the classifier without heads knows."""

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_hardmax.estimators.classifier import HardmaxTransformerClassifier
from sklearn_hardmax.estimators.validation import validate_sequences
from sklearn_hardmax.plotting.canvas import check_fitted, pyplot

_PAD = 0.02  # of the line, shown beyond its ends


class CodeLineDisplay:
    """The code line of an exact classifier: cells of one label, and the codes of sequences on it.

    One row a class, and one row "network" at the bottom. The bottom row is the line itself, each cell in the colour of its
    label. The row of a class repeats the cells of this class in a light shade, under a tick for every sequence that truly is
    of this class: a tick outside the shaded cells of its row is a sequence that the network labels wrongly.

    Parameters
    ----------
    codes : array-like of shape (n_sequences,)
        Codes A of the sequences, in [1, 2].
    labels : array-like of int, shape (n_sequences,)
        True class of each sequence, as index in `classes`.
    borders : array-like of shape (n_cells - 1,)
        Where one cell ends and the next begins, ascending.
    cell_labels : array-like of int, shape (n_cells,)
        Label of each cell, as index in `classes`.
    classes : array-like of shape (n_classes,)
        Names of the classes.
    n_blocks : int, default=None
        Blocks of the network, for the title.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where `plot` has drawn.
    cells_ : matplotlib PolyCollection
        The bands of the bottom row, one a cell in the order of the line.
    class_cells_ : list of matplotlib PolyCollection
        The shaded bands of each class, in its row.
    ticks_ : list of matplotlib LineCollection
        The ticks of each class, in its row; empty for a class without sequences.

    See Also
    --------
    CodeLineDisplay.from_estimator : From a fitted HardmaxTransformerClassifier.

    Notes
    -----
    Bands narrower than a pixel blend. ``display.ax_.set_xlim(low, high)`` looks closer.

    Examples
    --------
    >>> from sklearn_hardmax.plotting import CodeLineDisplay
    >>> display = CodeLineDisplay([1.1, 1.2, 1.8], [0, 0, 1], [1.5], [0, 1], ["a", "b"]).plot()
    >>> display.ax_.get_title()
    '2 label runs for 3 sequences'
    """

    def __init__(self, codes, labels, borders, cell_labels, classes, *, n_blocks=None):
        self.codes = codes
        self.labels = labels
        self.borders = borders
        self.cell_labels = cell_labels
        self.classes = classes
        self.n_blocks = n_blocks

    @classmethod
    def from_estimator(cls, estimator, X, y, *, ax=None, cmap=None):
        """Draw the code line of a fitted classifier, and some sequences on it.

        Parameters
        ----------
        estimator : HardmaxTransformerClassifier
            Fitted.
        X : RaggedSequences or anything that as_sequences reads
            The training sequences, or others: these show how close to a border unseen codes come.
        y : array-like of shape (n_sequences,)
            Their true labels, of the classes known to the estimator.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            See `plot`.

        Returns
        -------
        CodeLineDisplay

        Raises
        ------
        TypeError
            The estimator is no HardmaxTransformerClassifier.
        NotFittedError
            It is not fitted.
        ValueError
            It was fitted on one label and reads no code; X is not readable; y holds labels that are not in `classes_`.
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
        check_fitted(cls, estimator, HardmaxTransformerClassifier)
        built = estimator._built
        if estimator.n_heads_:
            raise ValueError(
                "The classifier was fitted with heads: it decides by scores, not on one line; use n_heads=0."
            )
        if built.code is None:
            raise ValueError("The classifier was fitted on one label: it reads no code, and there is no line to draw.")
        codes = built.codes(validate_sequences(estimator, X, reset=False))
        labels = _class_indices(estimator.classes_, y)
        check_consistent_length(codes, labels)
        display = cls(codes, labels, *built.intervals, estimator.classes_, n_blocks=estimator.n_blocks_)
        return display.plot(ax, cmap=cmap)

    def plot(self, ax=None, *, cmap=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure, higher with more classes.
        cmap : str or matplotlib Colormap, default=None
            Colours of the classes. None: "tab10", "tab20" beyond ten classes, "turbo" beyond twenty.

        Returns
        -------
        CodeLineDisplay
            This one, with `ax_` and `figure_` set.
        """
        plt = pyplot(self)
        n_classes = len(self.classes)
        colors = _class_colors(n_classes, cmap)
        if ax is None:
            _, ax = plt.subplots(figsize=(9, 1.2 + 0.32 * (n_classes + 1)), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        codes, labels = np.asarray(self.codes, dtype=np.float64), np.asarray(self.labels)
        cell_labels = np.asarray(self.cell_labels)
        edges = _edges(codes, np.asarray(self.borders, dtype=np.float64))
        spans = np.column_stack([edges[:-1], np.diff(edges)])
        # without edge lines narrow cells keep their width
        self.cells_ = ax.broken_barh(spans, (-0.45, 0.9), facecolors=colors[cell_labels], linewidth=0)
        self.class_cells_, self.ticks_ = [], []
        for k, color in enumerate(colors):
            row = spans[cell_labels == k], (k + 0.55, 0.9)
            self.class_cells_.append(ax.broken_barh(*row, facecolors=color, alpha=0.25, linewidth=0))
            self.ticks_.append(ax.vlines(codes[labels == k], k + 0.7, k + 1.3, colors=[color], linewidth=0.8))
        self._describe(edges)
        return self

    def _describe(self, edges):
        ax, n_classes = self.ax_, len(self.classes)
        title = f"{len(self.cell_labels)} label runs for {len(self.codes)} sequences"
        ax.set_title(title + ("" if self.n_blocks is None else f", {self.n_blocks} blocks"))
        ax.set_xlabel("code A of a sequence")
        ax.set_ylabel("class")
        ax.set_yticks(range(n_classes + 1), ["network", *map(str, self.classes)])
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylim(-0.6, n_classes + 0.6)


def _class_indices(classes, y):
    """Index in the sorted classes of every label; ValueError for labels that are not there."""
    y = column_or_1d(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        shown = ", ".join(map(str, unknown[:10].tolist()))
        raise ValueError(f"y must hold labels that the classifier was fitted on, got {shown}.")
    return np.searchsorted(classes, y)


def _edges(codes, borders):
    """Ends of the line, from the first to the last code or border and a little further, and the borders between them."""
    low, high = (f([f(codes), f(borders, initial=codes[0])]) for f in (np.min, np.max))
    pad = _PAD * (high - low) or 2.0**-40
    return np.concatenate([[low - pad], borders, [high + pad]])


def _class_colors(n_classes, cmap):
    """One RGBA row a class."""
    import matplotlib

    if cmap is None:
        cmap = "tab10" if n_classes <= 10 else "tab20" if n_classes <= 20 else "turbo"
    cmap = matplotlib.colormaps[cmap] if isinstance(cmap, str) else cmap
    qualitative = cmap.N >= n_classes and cmap.N <= 20
    return cmap(np.arange(n_classes)) if qualitative else cmap(np.linspace(0.05, 0.95, n_classes))
