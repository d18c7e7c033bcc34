"""One decision: a sequence, and the tokens that hardmax attention took from it."""

from numbers import Integral

import numpy as np

from sklearn_hardmax.constructions.heads.series_convolution import N_TAPS
from sklearn_hardmax.encoding import window_shifts
from sklearn_hardmax.estimators.classifier import HardmaxTransformerClassifier
from sklearn_hardmax.estimators.validation import check_integer
from sklearn_hardmax.plotting import leader_marks
from sklearn_hardmax.plotting.canvas import check_fitted, check_index, pyplot
from sklearn_hardmax.sequences import as_sequences

_ROW = 0.11  # height of a name, of the picture
_NAMED = 3  # marks that bear the name of their head
_MOST_LINES = 4  # features of a series that are drawn unless told
_AREAS = 12.0, 260.0  # of the marks, points squared: without contribution, and of the largest
_LINES = "0.35", "tab:green", "tab:purple", "tab:brown", "tab:olive", "tab:cyan"  # keep off the colours of marks


class LeaderDisplay:
    """One sequence with the tokens marked that leader reads took: where the attention of a classifier with heads looked.

    A mark is a token that one or several leader reads took. Its colour, and the area of the mark, are the sum of what these
    reads add to the score. Series are drawn as lines over time, a mark on every line that its reads took, and behind the
    strongest marks the dilated windows of their kernels; point sets as dots, a disc behind each leader.

    Parameters
    ----------
    sequence : array-like of shape (n_tokens, token_dim)
    leaders : array-like of int, shape (n_reads,)
        Token that each leader read took.
    contributions : array-like of shape (n_reads,)
        What each read adds to the score.
    names : array-like of str, shape (n_reads,)
        What each read is called beside its mark.
    dilations : array-like of int, shape (n_reads,), default=None
        Distance of the nine tokens in the window of each read. None: the sequence is a point set.
    channels : array-like of bool, shape (n_reads, token_dim), default=None
        Features that each read looks at; None: all.
    feature_names : array-like of str, shape (token_dim,), default=None
    title : str, default=None
    label : str, default="contribution"
        Of the colour bar.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where `plot` has drawn.
    marks_ : matplotlib PathCollection
        The marks, the strongest last; their places are ``get_offsets()`` and their contributions ``get_array()``.
    texts_ : list of matplotlib Annotation
        Names at the strongest marks, the strongest first: of the strongest read there, and how many more there are.
    spans_ : list of matplotlib Patch
        Windows of the reads that are named, in this order; empty for point sets.
    colorbar_ : matplotlib Colorbar
        None where there is no mark.

    See Also
    --------
    LeaderDisplay.from_estimator : From a fitted HardmaxTransformerClassifier.
    sklearn_hardmax.HardmaxTransformerClassifier.explain : The numbers.

    Notes
    -----
    Leader reads are a part of the decision: shares and means read all tokens, a correction knows a training sequence, and both
    have no place in the picture. The title of `from_estimator` says how much leader reads and the correction add.

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

    def __init__(
        self,
        sequence,
        leaders,
        contributions,
        names,
        *,
        dilations=None,
        channels=None,
        feature_names=None,
        title=None,
        label="contribution",
    ):
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
    def from_estimator(cls, estimator, X, index=0, *, top=20, class_label=None, features=None, ax=None, cmap=None):
        """Draw one sequence and what the leader reads of a fitted classifier took from it.

        Parameters
        ----------
        estimator : HardmaxTransformerClassifier
            Fitted, with heads.
        X : RaggedSequences or anything that as_sequences reads
            One array Z of shape (n_tokens, token_dim) is ``[Z]``.
        index : int, default=0
            Which sequence of X is drawn.
        top : int or None, default=20
            Leader reads that are marked, those of the largest contributions; None: all.
        class_label : default=None
            Class whose score is explained; None: the predicted one. With two classes there is one decision, whichever is
            named: contributions above 0 speak for the second class, those below for the first.
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
            The estimator is no HardmaxTransformerClassifier.
        NotFittedError
            It is not fitted.
        ValueError
            It was fitted without heads; X is not readable; index, top, class_label or features is out of range.
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
        check_fitted(cls, estimator, HardmaxTransformerClassifier)
        if not estimator.n_heads_:
            raise ValueError(
                "LeaderDisplay needs heads: a classifier with n_heads=0 decides by one code, see CodeLineDisplay."
            )
        if top is not None:
            check_integer(top, "top", 1)
        sequences = as_sequences(X)
        check_index(index, len(sequences))
        # a data frame keeps the names that explain checks
        one = X.iloc[[index]] if hasattr(X, "iloc") else sequences[index : index + 1]
        table, texts = leader_marks.decision(estimator, one, class_label)
        reads = table[table["leader"] >= 0]
        total, n_reads = reads["contribution"].sum(), len(reads)
        reads = reads[:top]
        names, dilations, channels = leader_marks.described(estimator, reads)
        display = cls(
            sequences[index],
            reads["leader"],
            reads["contribution"],
            names,
            dilations=dilations,
            channels=channels,
            feature_names=getattr(estimator, "feature_names_in_", None),
            title=f"{texts[0]}\n{len(reads)} of {n_reads} leader reads; all of them add {total:+.2f}",
            label=texts[1],
        )
        return display.plot(ax, features=features, cmap=cmap)

    def plot(self, ax=None, *, features=None, cmap=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        features : sequence of int, default=None
            Series: features that are drawn as lines, default the first four; reads that look at none of them are left out.
            Point sets: the feature to the right and the one upwards, default (0, 1), or one feature alone.
        cmap : str or matplotlib Colormap, default=None
            Colours of contributions, with 0 in the middle; None is "coolwarm".

        Returns
        -------
        LeaderDisplay
            This one, with `ax_` and `figure_` set.

        Raises
        ------
        ValueError
            features are not of the sequence, or more than a point set has room for.
        """
        plt = pyplot(self)
        sequence, is_series = np.asarray(self.sequence), self.dilations is not None
        features = _check_features(features, sequence.shape[1], is_series)
        if ax is None:
            _, ax = plt.subplots(figsize=(9, 3.6) if is_series else (5.6, 4.6), layout="constrained")
        self.ax_, self.figure_, self.texts_, self.spans_ = ax, ax.figure, [], []
        (self._draw_series if is_series else self._draw_points)(sequence, features)
        marks = leader_marks.marks(sequence, features, self.leaders, self.contributions, self.channels, is_series)
        self._draw_marks(marks, "coolwarm" if cmap is None else cmap)
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
            low, high = self.ax_.get_ylim()
            self.ax_.set_ylim(low - 1.2 * _ROW * (high - low), high)
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
        """Names of the marks, each in a row of its own above the picture, and the windows of the reads that are named."""
        rows = self._rows_above(len(marks))
        for mark, row in zip(marks, rows):
            read = mark.reads[0]
            more = f", {len(mark.reads) - 1} more" if len(mark.reads) > 1 else ""
            self.texts_.append(self._name(mark, row, f"{self.names[read]}{more}"))
            if self.dilations is not None:
                first, last = mark.token + window_shifts(N_TAPS, int(self.dilations[read]))[[0, -1]]
                color = self.marks_.to_rgba(mark.contribution)
                self.spans_.append(self.ax_.axvspan(first, last, color=color, alpha=0.13, linewidth=0, zorder=0))

    def _rows_above(self, n_rows):
        """Room for so many lines of text above what is drawn: their heights."""
        low, high = self.ax_.get_ylim()
        step = _ROW * (high - low)
        self.ax_.set_ylim(low, high + n_rows * step)
        return [high + (n_rows - 0.6 - row) * step for row in range(n_rows)]

    def _name(self, mark, row, text):
        left, right = self.ax_.get_xlim()
        part = (mark.place[0] - left) / (right - left)
        side, end = ("left", 0.0) if part < 0.25 else ("right", 1.0) if part > 0.75 else ("center", 0.5)
        return self.ax_.annotate(
            text,
            mark.place,
            (mark.place[0], row),
            fontsize="small",
            horizontalalignment=side,
            verticalalignment="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
            arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.7, "relpos": (end, 0.0)},
            zorder=5,
        )


def _check_features(features, token_dim, is_series):
    """The features that are drawn, a list of int."""
    most = min(token_dim, _MOST_LINES if is_series else 2)
    if features is None:
        return list(range(most))
    features = list(features)
    known = all(isinstance(j, Integral) and 0 <= j < token_dim for j in features)
    if not (known and 1 <= len(features) <= (token_dim if is_series else 2)):
        many = "features" if is_series else "one or two features"
        raise ValueError(f"features must be a list of {many} from 0 to {token_dim - 1}, got {features}.")
    return features
