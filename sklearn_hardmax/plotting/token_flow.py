"""TokenFlowDisplay: draw the paths of the tokens of one sequence through layers of attention, and their leaders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import NamesLike, TextsLike
from sklearn_hardmax.estimators.clustering import LeaderClustering
from sklearn_hardmax.estimators.flow import LeaderFlow
from sklearn_hardmax.estimators.text.classifier import LeaderTextClassifier
from sklearn_hardmax.plotting import flow_paths, texts
from sklearn_hardmax.plotting.canvas import check_index, fitted_snapshot, pyplot
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.parsing import read_sequences
from sklearn_hardmax.transformer import Transformer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, PathCollection
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation

_TEXT_TOL = 1e-6  # distance to the limit at which words of a text have arrived, see LeaderFlow


class TokenFlowDisplay:
    """Draw the path of every token of one sequence through layers of attention, the leaders, and where the tokens end.

    A token is a dot where it starts, joined by a line through its place after each layer to a cross where it ends. Tokens
    with the same limit have the same colour. Leaders, tokens that at some layer attend only to themselves and their copies,
    have a ring. If tokens have one feature, the horizontal axis shows it and the vertical axis the layers, the first at the
    top; otherwise the axes show two features, or two directions.

    Parameters
    ----------
    trajectory : array-like of shape (n_layers + 1, n_tokens, token_dim)
        Tokens before the first layer and after each.
    leader_layers : array-like of int, shape (n_tokens,)
        First layer at which each token is a leader, -1 for none.
    labels : array-like of int, shape (n_tokens,)
        Index of the limit of each token.
    names : array-like of str, shape (n_tokens,), default=None
        Names of the tokens, such as words.
    decision : tuple (coef, intercept), default=None
        A line <coef, z> + intercept = 0 that is drawn, coef of shape (token_dim,); tokens then have the colour of this sum
        where they end.
    plane : array-like of shape (2, token_dim), default=None
        Directions of the horizontal and the vertical axis; None: the first two features.
    axis_names : sequence of str, default=None
        Labels of the axes.
    title : str, default=None
        Title of the picture.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Axes that `plot` has drawn on, and their figure.
    paths_ : matplotlib LineCollection
        One path per token, in the order of the tokens.
    starts_, ends_, leaders_ : matplotlib PathCollection
        Dots, crosses and rings, in the order of the tokens.
    texts_ : list of matplotlib Annotation
        Names, from top to bottom.
    decision_ : matplotlib Line2D or None
        The line of the decision.

    See Also
    --------
    TokenFlowDisplay.from_estimator : From a LeaderFlow, LeaderClustering or LeaderTextClassifier.
    TokenFlowDisplay.from_transformer : From the layers of a Transformer.

    Examples
    --------
    >>> from sklearn_hardmax import LeaderFlow
    >>> from sklearn_hardmax.plotting import TokenFlowDisplay
    >>> X = [[[2., 0.], [0., 2.], [1., 0.5]]]
    >>> display = TokenFlowDisplay.from_estimator(LeaderFlow().fit(X), X)
    >>> display.leaders_.get_offsets().data.tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    ax_: Axes
    figure_: Figure | SubFigure
    paths_: LineCollection
    starts_: PathCollection
    ends_: PathCollection
    leaders_: PathCollection
    texts_: list[Annotation]
    decision_: Line2D | None

    def __init__(
        self,
        trajectory: ArrayLike,
        leader_layers: ArrayLike,
        labels: ArrayLike,
        *,
        names: NamesLike = None,
        decision: tuple[ArrayLike, float] | None = None,
        plane: ArrayLike | None = None,
        axis_names: NamesLike = None,
        title: str | None = None,
    ) -> None:
        self.trajectory = trajectory
        self.leader_layers = leader_layers
        self.labels = labels
        self.names = names
        self.decision = decision
        self.plane = plane
        self.axis_names = axis_names
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: LeaderFlow | LeaderClustering | LeaderTextClassifier,
        X: SequencesLike | TextsLike,
        index: int = 0,
        *,
        names: NamesLike = None,
        ax: Axes | None = None,
        cmap: str | Colormap | None = None,
    ) -> Self:
        """Draw one sequence in a fitted flow, clusterer or text classifier.

        Parameters
        ----------
        estimator : LeaderFlow, LeaderClustering or LeaderTextClassifier
            Fitted.
        X : sequences, the (n, token_dim) rows that LeaderClustering was fitted on, or texts
            Words of texts are named, and the line between the two classes of a LeaderTextClassifier is drawn: the horizontal
            axis is the direction at right angles to that line, the vertical axis the widest direction along it.
        index : int, default=0
            Which sequence or text; ignored for LeaderClustering.
        names : array-like of str, default=None
            Names of the tokens; ignored for texts.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            Colours of the limits; None is "tab10". For texts, colours of the logits of the words where they end; None is
            "coolwarm_r".

        Returns
        -------
        TokenFlowDisplay

        Raises
        ------
        TypeError
            The estimator is of another class.
        NotFittedError
            The estimator is not fitted.
        ValueError
            X cannot be read, a text has no known word, or there are more than two classes.
        ImportError
            matplotlib is not installed.

        Warns
        -----
        ConvergenceWarning
            The limits of the tokens of a LeaderFlow were not reached after max_iter layers, see `LeaderFlow.limits`.
        """
        estimator = fitted_snapshot(cls, estimator, LeaderFlow, LeaderClustering, LeaderTextClassifier)
        if isinstance(estimator, LeaderTextClassifier):
            return cls._of_text(estimator, X, index, ax, cmap)
        sequences = estimator.encode(X)
        if isinstance(estimator, LeaderClustering):
            index = 0  # the rows are one sequence
        check_index(index, len(sequences))
        one = sequences[index : index + 1]
        layers = estimator.to_transformer().layers
        trajectory, leader_layers = flow_paths.paths(layers, one)
        if isinstance(estimator, LeaderClustering):
            labels = estimator.decode(RaggedSequences(trajectory[-1], one.offsets))
        else:
            (labels,) = estimator.limits(one)
        display = cls(
            trajectory,
            leader_layers,
            labels,
            names=names,
            axis_names=getattr(estimator, "feature_names_in_", None),
            title=_title(layers, estimator.alpha),
        )
        return display.plot(ax, cmap=cmap)

    @classmethod
    def _of_text(cls, estimator, X, index, ax, cmap):
        """Draw one text of a LeaderTextClassifier."""
        if len(estimator.classes_) > 2:
            raise ValueError(
                f"The picture has one decision line; the classifier has {len(estimator.classes_)} classes."
            )
        known = estimator.known_words(X)
        check_index(index, len(known))
        words = known[index]
        one = estimator.encode([words])
        # the last layer is the mean of the words, those before it are the flow
        layers = estimator.to_transformer().layers[:-1]
        trajectory, leader_layers = flow_paths.paths(layers, one)
        labels = np.arange(one.n_tokens)
        if layers:
            (labels,) = LeaderFlow(alpha=estimator.alpha_, tol=_TEXT_TOL).fit(one).limits(one)
        probability = estimator.predict_proba([words])[0, 1]
        display = cls(
            trajectory,
            leader_layers,
            labels,
            names=words,
            decision=(estimator.coef_[0], estimator.intercept_[0]),
            plane=flow_paths.deciding_plane(estimator.coef_[0], one.tokens),
            axis_names=("along the decision", "across it"),
            title=f"P({estimator.classes_[1]}) = {probability:.2f}; {_title(layers, estimator.alpha_)}",
        )
        return display.plot(ax, cmap=cmap)

    @classmethod
    def from_transformer(
        cls,
        transformer: Transformer,
        X: SequencesLike,
        index: int = 0,
        *,
        names: NamesLike = None,
        ax: Axes | None = None,
        cmap: str | Colormap | None = None,
    ) -> Self:
        """Draw one sequence on its path through the layers of any Transformer; leaders are those of its hardmax layers.

        Parameters
        ----------
        transformer : Transformer
            The layers.
        X : RaggedSequences or anything that as_sequences reads
            Sequences of the token_dim of the transformer.
        index : int, default=0
            Which sequence of X is drawn.
        names : array-like of str, default=None
            Names of the tokens.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            Colours of the ends; None is "tab10".

        Returns
        -------
        TokenFlowDisplay

        Raises
        ------
        TypeError
            The transformer is not a Transformer.
        ValueError
            X cannot be read, or has another token_dim.
        """
        if not isinstance(transformer, Transformer):
            raise TypeError(f"{cls.__name__}.from_transformer draws a Transformer, got {type(transformer).__name__}.")
        sequences = read_sequences(X)
        check_index(index, len(sequences))
        one = sequences[index : index + 1]
        layers = transformer.layers
        trajectory, leader_layers = flow_paths.paths(layers, one)
        # the layers may not form a flow, so that there may be no limits: compare the tokens after the last layer
        _, labels = np.unique(trajectory[-1].round(6), axis=0, return_inverse=True)
        display = cls(trajectory, leader_layers, labels.ravel(), names=names, title=f"{len(layers)} layers")
        return display.plot(ax, cmap=cmap)

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap | None = None) -> Self:
        """Draw the paths, the leaders and the names.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            See `from_estimator`.

        Returns
        -------
        TokenFlowDisplay
            The display itself, with `ax_` and `figure_` set.
        """
        plt = pyplot()
        from matplotlib.collections import LineCollection

        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
        self.ax_ = ax
        self.figure_ = ax.figure
        places = flow_paths.places(self.trajectory, self.plane)
        colors = flow_paths.colors(self.trajectory, self.labels, self.decision, cmap)
        is_leader = np.asarray(self.leader_layers) >= 0
        paths = LineCollection(list(places.transpose(1, 0, 2)), colors=colors, linewidths=0.9, alpha=0.55, zorder=2)
        self.paths_ = ax.add_collection(paths)
        self.starts_ = ax.scatter(*places[0].T, s=16, c=colors, zorder=3)
        self.ends_ = ax.scatter(*places[-1].T, s=30, c=colors, marker="x", linewidth=1.2, zorder=4)
        self.leaders_ = ax.scatter(
            *places[0][is_leader].T, s=110, facecolors="none", edgecolors="black", linewidth=1.1, zorder=5
        )
        ax.margins(0.12)
        self._describe()
        self.decision_ = None if self.decision is None else self._draw_decision()
        self.texts_ = []
        if self.names is not None:
            self.texts_ = texts.beside_tokens(ax, self.names, places[0], is_leader)
        return self

    def _describe(self):
        """Title and labels of the axes; the origin, from which directions count, if there is no decision."""
        ax = self.ax_
        token_dim = np.shape(self.trajectory)[2]
        names = [f"z{j}" for j in range(2)] if self.axis_names is None else [str(name) for name in self.axis_names]
        ax.set_title(self.title or "", fontsize="medium")
        ax.set_xlabel(names[0])
        if token_dim == 1:
            ax.set_ylabel("layer")
            ax.invert_yaxis()
            return
        ax.set_ylabel(names[1])
        if self.decision is None:
            ax.plot(0, 0, marker="+", color="0.4", markersize=9, zorder=1)
            ax.set_aspect("equal", adjustable="datalim")

    def _draw_decision(self):
        """The line <coef, z> + intercept = 0 in the plane of the picture."""
        coef, intercept = (np.asarray(part, dtype=np.float64) for part in self.decision)
        normal = coef if self.plane is None else np.asarray(self.plane) @ coef
        style = {"color": "0.4", "linewidth": 1.0, "linestyle": "--", "zorder": 1}
        xlim, ylim = self.ax_.get_xlim(), self.ax_.get_ylim()
        # the point of the line that is nearest to the origin
        foot = -intercept * normal / (normal @ normal)
        if len(normal) == 1:
            return self.ax_.axvline(foot[0], **style)
        line = self.ax_.axline(foot, foot + np.array([-normal[1], normal[0]]), **style)
        # the limits of before, extended to the left or right as far as the line
        self.ax_.set(xlim=(min(xlim[0], foot[0]), max(xlim[1], foot[0])), ylim=ylim)
        return line


def _title(layers, alpha):
    return f"{len(layers)} layers, alpha = {alpha:.3g}"
