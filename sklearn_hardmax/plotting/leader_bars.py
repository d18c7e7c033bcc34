"""LeaderBarDisplay draws in how many texts each word is a leader, for a fitted LeaderTextClassifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import TextsLike
from sklearn_hardmax.estimators.text.classifier import LeaderTextClassifier
from sklearn_hardmax.estimators.validation import check_integer
from sklearn_hardmax.plotting.canvas import check_class_label, fitted_snapshot, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure, SubFigure


class LeaderBarDisplay:
    """Draw one bar per word: its length is the number of texts that the word leads, its colour the score of the word.

    In a LeaderTextClassifier all words of a text move towards a few of them, the leaders of the text. The logit of a word is
    the score of a text that is this word alone.

    Parameters
    ----------
    words : array-like of str, shape (n_words,)
        The words, the most frequent leader first.
    counts : array-like of int, shape (n_words,)
        Number of texts that each word leads.
    logits : array-like of shape (n_words,)
        Logit of each word.
    classes : sequence of two labels, default=None
        The classes that negative and positive logits are in favour of.
    title : str, default=None
        Title of the picture.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Axes that `plot` has drawn on, and their figure.
    bars_ : matplotlib BarContainer
        The bars, from top to bottom.
    colorbar_ : matplotlib Colorbar
        The scale of the logits.

    See Also
    --------
    sklearn_hardmax.LeaderTextClassifier.leader_counts : The counts as numbers.

    Examples
    --------
    >>> from sklearn_hardmax.plotting import LeaderBarDisplay
    >>> display = LeaderBarDisplay(["great", "dull"], [7, 3], [2.0, -4.0]).plot()
    >>> [int(bar.get_width()) for bar in display.bars_]
    [7, 3]
    """

    ax_: Axes
    figure_: Figure | SubFigure
    bars_: BarContainer
    colorbar_: Colorbar

    def __init__(
        self,
        words: Sequence[str],
        counts: ArrayLike,
        logits: ArrayLike,
        *,
        classes: Sequence[Any] | None = None,
        title: str | None = None,
    ) -> None:
        self.words = words
        self.counts = counts
        self.logits = logits
        self.classes = classes
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: LeaderTextClassifier,
        X: TextsLike,
        *,
        top: int = 15,
        strongest: bool = False,
        class_label: Any = None,
        ax: Axes | None = None,
        cmap: str | Colormap | None = None,
    ) -> Self:
        """Draw the most frequent leaders of texts.

        Parameters
        ----------
        estimator : LeaderTextClassifier
            Fitted.
        X : list, array or Series of str, or of lists of str
            Texts, or their words.
        top : int, default=15
            Largest number of words.
        strongest : bool, default=False
            Whether to count only the strongest leader of each text, see `LeaderTextClassifier.leader_counts`.
        class_label : label, default=None
            With more than two classes, the one whose scores give the colours; None is the first.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            Colours of logits, with 0 in the middle; None is "coolwarm_r".

        Returns
        -------
        LeaderBarDisplay

        Raises
        ------
        TypeError
            The estimator is not a LeaderTextClassifier.
        NotFittedError
            The estimator is not fitted.
        ValueError
            No text has a leader; class_label is not in `classes_`; top is not a positive integer; X does not hold texts.
        ImportError
            matplotlib is not installed.
        """
        estimator = fitted_snapshot(cls, estimator, LeaderTextClassifier)
        check_integer(top, "top", 1)
        found = estimator.leader_counts(X, strongest)[:top]
        if not found:
            raise ValueError("No text has a leader: none holds a known word, or the classifier has depth=0.")
        words = [word for word, _, _ in found]
        counts = [count for _, count, _ in found]
        logits: list[Any] = [logit for _, _, logit in found]
        classes: list[Any] = estimator.classes_.tolist()
        shown = classes[0] if class_label is None else class_label
        check_class_label(shown, classes)
        if len(classes) > 2:
            logits = [logit[classes.index(shown)] for logit in logits]
            classes = ["not " + str(shown), shown]
        return cls(
            words,
            counts,
            logits,
            classes=classes,
            title=f"{'Strongest leaders' if strongest else 'Leaders'} of {len(X)} texts",
        ).plot(ax, cmap=cmap)

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap | None = None) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure, higher with more words.
        cmap : str or matplotlib Colormap, default=None
            Colours of logits, with 0 in the middle; None is "coolwarm_r".

        Returns
        -------
        LeaderBarDisplay
            The display itself, with `ax_` and `figure_` set.
        """
        plt = pyplot()
        import matplotlib

        n = len(self.words)
        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 0.9 + 0.26 * n), layout="constrained")
        self.ax_ = ax
        self.figure_ = ax.figure
        logits = np.asarray(self.logits, dtype=np.float64)
        # colours are symmetric around 0
        largest = np.abs(logits).max(initial=0.0) or 1.0
        scale = matplotlib.cm.ScalarMappable(
            matplotlib.colors.Normalize(-largest, largest), "coolwarm_r" if cmap is None else cmap
        )
        self.bars_ = ax.barh(range(n), self.counts, color=scale.to_rgba(logits), edgecolor="0.3", linewidth=0.6)
        ax.set_yticks(range(n), list(self.words))
        ax.invert_yaxis()
        ax.set_xlabel("texts that the word leads")
        ax.set_title(self.title or "", fontsize="medium")
        label = "logit" if self.classes is None else f"logit (- {self.classes[0]}, + {self.classes[1]})"
        self.colorbar_ = self.figure_.colorbar(scale, ax=ax, label=label, pad=0.02)
        return self
