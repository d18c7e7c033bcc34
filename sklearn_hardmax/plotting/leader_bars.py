"""How often words lead."""

import numpy as np

from sklearn_hardmax.estimators.text.classifier import LeaderTextClassifier
from sklearn_hardmax.estimators.validation import check_integer
from sklearn_hardmax.plotting.canvas import check_class_label, check_fitted, pyplot


class LeaderBarDisplay:
    """The words that lead most texts, and what they speak for.

    One bar a word, as long as the number of texts that it leads, in the colour of its logit.

    Parameters
    ----------
    words : array-like of str, shape (n_words,)
        From the most frequent leader on.
    counts : array-like of int, shape (n_words,)
        Texts that each leads.
    logits : array-like of shape (n_words,)
        Score of a text that is this word alone.
    classes : tuple of two, default=None
        What negative and positive logits speak for.
    title : str, default=None

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where `plot` has drawn.
    bars_ : BarContainer
        The bars, from top to bottom.
    colorbar_ : Colorbar

    See Also
    --------
    sklearn_hardmax.LeaderTextClassifier.leader_counts : The numbers.

    Examples
    --------
    >>> from sklearn_hardmax.plotting import LeaderBarDisplay
    >>> display = LeaderBarDisplay(["great", "dull"], [7, 3], [2.0, -4.0]).plot()
    >>> [int(bar.get_width()) for bar in display.bars_]
    [7, 3]
    """

    def __init__(self, words, counts, logits, *, classes=None, title=None):
        self.words = words
        self.counts = counts
        self.logits = logits
        self.classes = classes
        self.title = title

    @classmethod
    def from_estimator(cls, estimator, X, *, top=15, strongest=False, class_label=None, ax=None, cmap=None):
        """Draw the most frequent leaders of texts.

        Parameters
        ----------
        estimator : LeaderTextClassifier
            Fitted.
        X : list, array or Series of str, or of lists of str
        top : int, default=15
            Most words.
        strongest : bool, default=False
            Count in each text only its strongest leader, see `LeaderTextClassifier.leader_counts`.
        class_label : label, default=None
            With more than two classes, the one whose scores are the colours; None is the first.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            Colours of logits, with 0 in the middle; None is "coolwarm_r".

        Returns
        -------
        LeaderBarDisplay

        Raises
        ------
        TypeError
            Another estimator.
        NotFittedError
            It is not fitted.
        ValueError
            No text has a leader; class_label is not in `classes_`, top is no positive integer, X holds no texts.
        ImportError
            matplotlib is not installed.
        """
        check_fitted(cls, estimator, LeaderTextClassifier)
        check_integer(top, "top", 1)
        found = estimator.leader_counts(X, strongest)[:top]
        if not found:
            raise ValueError("No text has a leader: none holds a known word, or the classifier has depth=0.")
        words, counts, logits = zip(*found)
        classes = estimator.classes_.tolist()
        if len(classes) > 2:
            shown = classes[0] if class_label is None else class_label
            check_class_label(shown, classes)
            logits, classes = [logit[classes.index(shown)] for logit in logits], ("not " + str(shown), shown)
        return cls(
            words,
            counts,
            logits,
            classes=classes,
            title=f"{'Strongest leaders' if strongest else 'Leaders'} of {len(X)} texts",
        ).plot(ax, cmap=cmap)

    def plot(self, ax=None, *, cmap=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure, higher with more words.
        cmap : str or matplotlib Colormap, default=None
            Colours of logits, with 0 in the middle; None is "coolwarm_r".

        Returns
        -------
        LeaderBarDisplay
            This one, with `ax_` and `figure_` set.
        """
        plt = pyplot(self)
        import matplotlib

        n = len(self.words)
        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 0.9 + 0.26 * n), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        logits = np.asarray(self.logits, dtype=np.float64)
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
