"""LeaderDisplay: draw one sequence with the tokens that a classifier with heads attends to by hardmax attention."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import NamesLike
from sklearn_hardmax.constructions.heads.series_convolution import N_TAPS
from sklearn_hardmax.encoding import window_shifts
from sklearn_hardmax.estimators.classifier import HardmaxTransformerClassifier
from sklearn_hardmax.estimators.validation import check_integer
from sklearn_hardmax.plotting import leader_marks, texts
from sklearn_hardmax.plotting.canvas import check_index, fitted_snapshot, pyplot
from sklearn_hardmax.sequences import SequencesLike
from sklearn_hardmax.sequences.parsing import read_sequences

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.patches import Patch
    from matplotlib.text import Annotation

_NAMED = 3  # number of marks with a name
_MOST_LINES = 4  # number of features of a series that are drawn by default
_AREAS = 12.0, 260.0  # areas of marks in square points: for contribution 0, and for the largest one
_LINES = "0.35", "tab:green", "tab:purple", "tab:brown", "tab:olive", "tab:cyan"  # no red or blue, the colours of marks


class LeaderDisplay:
    """Draw one sequence and mark the tokens that max heads attend to, with their contributions to the decision.

    A max head of HardmaxTransformerClassifier pools the maximum of a score over the tokens of a sequence, by hardmax
    attention: it attends to the token of the largest score. Colour and area of a mark show the sum of the contributions of
    the max heads that attend to the marked token. Series are drawn as lines over time. Their heads score windows of nine
    tokens: there is a mark on the line of every feature that the heads use, and the windows behind the strongest marks are
    shaded. Point sets are drawn as dots, with a disc behind each marked token.

    Parameters
    ----------
    sequence : array-like of shape (n_tokens, token_dim)
        The tokens.
    leaders : array-like of int, shape (n_heads,)
        Token that each max head attends to.
    contributions : array-like of shape (n_heads,)
        Contribution of each max head to the score.
    names : array-like of str, shape (n_heads,)
        Name of each max head beside its mark.
    dilations : array-like of int, shape (n_heads,), default=None
        Distance between neighbouring tokens in the window of each head. None: the sequence is a point set.
    channels : array-like of bool, shape (n_heads, token_dim), default=None
        Features that each head uses; None: all.
    feature_names : array-like of str, shape (token_dim,), default=None
        Names of the features; None: "feature 0", "feature 1", ...
    title : str, default=None
        Title of the picture.
    label : str, default="contribution"
        Label of the colour bar.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Axes that `plot` has drawn on, and their figure.
    marks_ : matplotlib PathCollection
        The marks by increasing strength; ``get_offsets()`` gives their places and ``get_array()`` their contributions.
    texts_ : list of matplotlib Annotation
        Names at the strongest marks by decreasing strength: of the strongest head, and how many more heads there are.
    spans_ : list of matplotlib Patch
        Windows of the heads that are named, in this order; empty for point sets.
    colorbar_ : matplotlib Colorbar or None
        None if there is no mark.

    See Also
    --------
    LeaderDisplay.from_estimator : From a fitted HardmaxTransformerClassifier.
    sklearn_hardmax.HardmaxTransformerClassifier.explain : The contributions as numbers.
    sklearn_hardmax.HardmaxTransformerClassifier.head_windows : Kernels, dilations and features of heads.

    Notes
    -----
    Max heads are a part of the decision. Proportions and means attend to all tokens, and a correction belongs to a whole
    training sequence, so that they have no place in the picture. The title that `from_estimator` gives contains the
    contributions of all max heads and of the correction.

    Examples
    --------
    >>> from sklearn_hardmax.plotting import LeaderDisplay
    >>> display = LeaderDisplay([[0.0], [3.0], [1.0]], [1, 2, 1], [0.5, -0.25, 0.5], ["a", "b", "c"], dilations=[1, 1, 1])
    >>> display.plot().marks_.get_array()
    masked_array(data=[-0.25,  1.  ],
                 mask=False,
           fill_value=1e+20)
    >>> [text.get_text() for text in display.texts_]
    ['a, 1 more', 'b']
    """

    ax_: Axes
    figure_: Figure | SubFigure
    marks_: PathCollection
    texts_: list[Annotation]
    spans_: list[Patch]
    colorbar_: Colorbar | None

    def __init__(
        self,
        sequence: ArrayLike,
        leaders: ArrayLike,
        contributions: ArrayLike,
        names: Sequence[str],
        *,
        dilations: ArrayLike | None = None,
        channels: ArrayLike | None = None,
        feature_names: NamesLike = None,
        title: str | None = None,
        label: str = "contribution",
    ) -> None:
        self.sequence = sequence
        self.leaders = leaders
        self.contributions = contributions
        self.names = names
        self.dilations = dilations
        self.channels = channels
        self.feature_names = feature_names
        self.title = title
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        estimator: HardmaxTransformerClassifier,
        X: SequencesLike,
        index: int = 0,
        *,
        top: int | None = 20,
        class_label: Any = None,
        features: Sequence[int] | None = None,
        ax: Axes | None = None,
        cmap: str | Colormap | None = None,
    ) -> Self:
        """Draw one sequence and the tokens that the max heads of a fitted classifier attend to.

        Parameters
        ----------
        estimator : HardmaxTransformerClassifier
            Fitted, with heads.
        X : RaggedSequences or anything that as_sequences reads
            The sequences; for one array Z of shape (n_tokens, token_dim) pass ``[Z]``.
        index : int, default=0
            Which sequence of X is drawn.
        top : int or None, default=20
            Number of max heads that are marked, those of the largest absolute contributions; None: all.
        class_label : label, default=None
            Class whose score is explained; None: the predicted one. With two classes there is one decision, whichever class
            is given: contributions above 0 are in favour of the second class, those below 0 of the first.
        features : sequence of int, default=None
            See `plot`.
        ax : matplotlib Axes, default=None
            See `plot`.
        cmap : str or matplotlib Colormap, default=None
            See `plot`.

        Returns
        -------
        LeaderDisplay

        Raises
        ------
        TypeError
            The estimator is not a HardmaxTransformerClassifier.
        NotFittedError
            The estimator is not fitted.
        ValueError
            The estimator was fitted with n_heads=0; X cannot be read; index, top, class_label or features is out of range.
        ImportError
            matplotlib is not installed.

        Notes
        -----
        Cost: that of ``explain(X, top=None)`` for one sequence.

        Examples
        --------
        >>> from sklearn_hardmax import HardmaxTransformerClassifier
        >>> from sklearn_hardmax.plotting import LeaderDisplay
        >>> X = [[[0.], [9.], [1.]], [[1.], [0.]], [[0.], [1.], [8.]], [[0.]]]
        >>> clf = HardmaxTransformerClassifier(ordered=False, random_state=0).fit(X, ["peak", "flat", "peak", "flat"])
        >>> display = LeaderDisplay.from_estimator(clf, X, 2)
        >>> display.marks_.get_offsets()[-1].data  # the strongest: token 2, which is 8
        array([8., 0.])
        """
        estimator = fitted_snapshot(cls, estimator, HardmaxTransformerClassifier)
        if not estimator.n_heads_:
            raise ValueError(
                "LeaderDisplay needs heads: a classifier with n_heads=0 decides by one code, see CodeLineDisplay."
            )
        if top is not None:
            check_integer(top, "top", 1)
        sequences = read_sequences(X)
        check_index(index, len(sequences))
        # a part of a data frame, not of its sequences: explain checks its column names
        one = X.iloc[[index]] if hasattr(X, "iloc") else sequences[index : index + 1]
        table, headline, label = leader_marks.decision(estimator, one, class_label)
        heads = table[table["leader"] >= 0]
        shown = heads[:top]  # explain sorts by absolute contribution
        total = heads["contribution"].sum()
        names, dilations, channels = leader_marks.described(estimator, shown)
        display = cls(
            sequences[index],
            shown["leader"],
            shown["contribution"],
            names,
            dilations=dilations,
            channels=channels,
            feature_names=getattr(estimator, "feature_names_in_", None),
            title=f"{headline}\n{len(shown)} of {len(heads)} max heads; all of them add {total:+.2f}",
            label=label,
        )
        return display.plot(ax, features=features, cmap=cmap)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        features: Sequence[int] | None = None,
        cmap: str | Colormap | None = None,
    ) -> Self:
        """Draw the sequence and the marks.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        features : sequence of int, default=None
            Series: the features that are drawn as lines, by default the first four; heads that use none of them have no mark.
            Point sets: the horizontal and the vertical feature, by default (0, 1), or one feature alone.
        cmap : str or matplotlib Colormap, default=None
            Colours of contributions, with 0 in the middle; None is "coolwarm".

        Returns
        -------
        LeaderDisplay
            The display itself, with `ax_` and `figure_` set.

        Raises
        ------
        ValueError
            The features are not features of the sequence, or more than two for a point set.
        """
        plt = pyplot()
        sequence = np.asarray(self.sequence)
        is_series = self.dilations is not None
        features = _check_features(features, sequence.shape[1], is_series)
        if ax is None:
            _, ax = plt.subplots(figsize=(9, 3.6) if is_series else (5.6, 4.6), layout="constrained")
        self.ax_ = ax
        self.figure_ = ax.figure
        if is_series:
            self._draw_series(sequence, features)
        else:
            self._draw_points(sequence, features)
        marks = leader_marks.marks(sequence, features, self.leaders, self.contributions, self.channels, is_series)
        self._draw_marks(marks, "coolwarm" if cmap is None else cmap)
        # the strongest marks first
        self._draw_names(leader_marks.first_of_each_token(marks[::-1])[:_NAMED])
        ax.set_title(self.title or "", fontsize="medium")
        return self

    def _feature_name(self, j):
        return f"feature {j}" if self.feature_names is None else str(self.feature_names[j])

    def _draw_series(self, sequence, features):
        for k, j in enumerate(features):
            color = _LINES[k % len(_LINES)]
            self.ax_.plot(sequence[:, j], color=color, linewidth=1, label=self._feature_name(j), zorder=2)
        self.ax_.set_xlabel("token")
        self.ax_.set_xlim(-0.5, len(sequence) - 0.5)
        if len(features) == 1:
            self.ax_.set_ylabel(self._feature_name(features[0]))
        else:
            texts.space_below(self.ax_)  # for the legend
            self.ax_.legend(loc="lower left", ncols=len(features), fontsize="small", frameon=False, borderaxespad=0.2)

    def _draw_points(self, sequence, features):
        x, y = leader_marks.on_plane(sequence, features)
        self.ax_.scatter(x, y, s=9, color="black", linewidth=0, zorder=4)
        self.ax_.margins(0.12)
        self.ax_.set_xlabel(self._feature_name(features[0]))
        if len(features) == 2:
            self.ax_.set_ylabel(self._feature_name(features[1]))
        else:
            self.ax_.set_yticks([])

    def _draw_marks(self, marks, cmap):
        places = np.array([mark.place for mark in marks], dtype=np.float64).reshape(-1, 2)
        values = np.array([mark.contribution for mark in marks], dtype=np.float64)
        largest = np.abs(values).max(initial=0.0) or 1.0
        least, most = _AREAS
        self.marks_ = self.ax_.scatter(
            *places.T,
            c=values,
            s=least + (most - least) * np.abs(values) / largest,
            cmap=cmap,
            vmin=-largest,
            vmax=largest,
            edgecolors="black",
            linewidth=0.6,
            zorder=3,
        )
        self.colorbar_ = None
        if marks:
            self.colorbar_ = self.figure_.colorbar(self.marks_, ax=self.ax_, label=self.label, pad=0.02)

    def _draw_names(self, marks):
        """Names of marks, each in a row of its own above the sequence, and the windows of the heads that are named."""
        self.texts_ = []
        self.spans_ = []
        for mark, row in zip(marks, texts.rows_above(self.ax_, len(marks))):
            head = mark.heads[0]
            more = f", {len(mark.heads) - 1} more" if len(mark.heads) > 1 else ""
            self.texts_.append(texts.in_row(self.ax_, mark.place, row, f"{self.names[head]}{more}"))
            if self.dilations is not None:
                first, last = mark.token + window_shifts(N_TAPS, int(self.dilations[head]))[[0, -1]]
                color = self.marks_.to_rgba(mark.contribution)
                self.spans_.append(self.ax_.axvspan(first, last, color=color, alpha=0.13, linewidth=0, zorder=0))


def _check_features(features, token_dim, is_series):
    """The features that are drawn, a list of int; ValueError if they are not features of the sequence."""
    most = min(token_dim, _MOST_LINES if is_series else 2)
    if features is None:
        return list(range(most))
    features = list(features)
    known = all(isinstance(j, Integral) and 0 <= j < token_dim for j in features)
    if not (known and 1 <= len(features) <= (token_dim if is_series else 2)):
        many = "features" if is_series else "one or two features"
        raise ValueError(f"features must be a list of {many} from 0 to {token_dim - 1}, got {features}.")
    return features
