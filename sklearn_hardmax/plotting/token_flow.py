"""The way of tokens through the layers of a flow."""

import numpy as np

from sklearn_hardmax import forward
from sklearn_hardmax.constructions.leaders.flow import Flow
from sklearn_hardmax.estimators.clustering import LeaderClustering
from sklearn_hardmax.estimators.flow import LeaderFlow
from sklearn_hardmax.estimators.text.classifier import LeaderTextClassifier
from sklearn_hardmax.plotting import flow_ways
from sklearn_hardmax.plotting.canvas import check_fitted, check_index, pyplot
from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.transformer import Transformer

_NAMED = 10  # words beside their tokens, leaders first
_STEP = 0.055  # of the height: two names stand at least so far apart


class TokenFlowDisplay:
    """The tokens of one sequence on their way through the layers, their leaders and where they end.

    Every token is a dot where it begins, with a line through its places after each layer to the cross where it ends; dot and
    line have the colour of its end. Leaders are ringed. With one coordinate the picture runs from the first layer at the top
    to the last at the bottom; with more, two coordinates are shown.

    Parameters
    ----------
    trajectory : array-like of shape (n_layers + 1, n_tokens, token_dim)
        Tokens before the first layer and after each.
    leader_layers : array-like of int, shape (n_tokens,)
        First layer at which a token was a leader, -1 for none.
    labels : array-like of int, shape (n_tokens,)
        Which end each token has.
    names : array-like of str, shape (n_tokens,), default=None
        Words of the tokens.
    decision : tuple (coef, intercept), default=None
        The line <coef, z> + intercept = 0, coef of shape (token_dim,).
    plane : array-like of shape (2, token_dim), default=None
        What is shown to the right and upwards; None: the first two coordinates.
    axis_names : tuple of str, default=None
    title : str, default=None

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where `plot` has drawn.
    paths_ : LineCollection
        One a token, in order.
    starts_, ends_, leaders_ : PathCollection
        Dots, crosses and rings; rings in the order of the tokens that are leaders.
    texts_ : list of Annotation
        Names, from top to bottom.
    decision_ : Line2D or None

    See Also
    --------
    TokenFlowDisplay.from_estimator : From a LeaderFlow, LeaderClustering or LeaderTextClassifier.
    TokenFlowDisplay.from_transformer : From weights.

    Examples
    --------
    >>> from sklearn_hardmax import LeaderFlow
    >>> from sklearn_hardmax.plotting import TokenFlowDisplay
    >>> X = [[[2., 0.], [0., 2.], [1., 0.5]]]
    >>> display = TokenFlowDisplay.from_estimator(LeaderFlow().fit(X), X)
    >>> display.leaders_.get_offsets().data.tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(
        self, trajectory, leader_layers, labels, *, names=None, decision=None, plane=None, axis_names=None, title=None
    ):
        self.trajectory = trajectory
        self.leader_layers = leader_layers
        self.labels = labels
        self.names = names
        self.decision = decision
        self.plane = plane
        self.axis_names = axis_names
        self.title = title

    @classmethod
    def from_estimator(cls, estimator, X, index=0, *, names=None, ax=None, cmap=None):
        """Draw one sequence in a fitted flow, clusterer or text classifier.

        Parameters
        ----------
        estimator : LeaderFlow, LeaderClustering or LeaderTextClassifier
            Fitted.
        X : sequences, the (n, token_dim) rows that LeaderClustering was fitted on, or texts
            For LeaderTextClassifier words are named, and the decision line is drawn: to the right is the direction that
            decides, upwards the widest one at right angles to it.
        index : int, default=0
            Which sequence or text.
        names : array-like of str, default=None
            Names of tokens; for texts their words.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            Colours of the ends; None is "tab10". For texts, of the logits of the ends; None is "coolwarm_r".

        Returns
        -------
        TokenFlowDisplay

        Raises
        ------
        TypeError
            Another estimator.
        NotFittedError
            It is not fitted.
        ValueError
            X is not readable, a text holds no known word, or there are more than two classes.
        ImportError
            matplotlib is not installed.
        """
        check_fitted(cls, estimator, LeaderFlow, LeaderClustering, LeaderTextClassifier)
        if isinstance(estimator, LeaderTextClassifier):
            return cls._of_text(estimator, X, index, ax, cmap)
        if isinstance(estimator, LeaderClustering):
            sequence, index = RaggedSequences(np.asarray(X, dtype=np.float64), [0, len(X)]), 0
            flow = Flow.from_parameters(estimator.n_features_in_, estimator.alpha, estimator.A)
            depth = estimator.n_iter_
        else:
            sequence = as_sequences(X)
            flow, depth = estimator._flow, estimator.n_iter_
        check_index(index, len(sequence))
        one = sequence[index : index + 1]
        features = getattr(estimator, "feature_names_in_", None)
        display = cls(
            flow_ways.way(flow.transformer(depth), one),
            flow.run(one, depth).leader_layers,
            flow_ways.ends(flow, one, depth),
            names=names,
            axis_names=features,
            title=_title(depth, flow.alpha),
        )
        return display.plot(ax, cmap=cmap)

    @classmethod
    def _of_text(cls, estimator, X, index, ax, cmap):
        if len(estimator.classes_) > 2:
            raise ValueError(
                f"The picture has one decision line; the classifier knows {len(estimator.classes_)} classes."
            )
        known = estimator.known_words(X)
        check_index(index, len(known))
        words, depth = known[index], estimator._leaders.depth
        one = estimator.encode([words])
        flow = Flow.from_parameters(one.token_dim, estimator.alpha_)
        chance = estimator.predict_proba([words])[0, 1]
        display = cls(
            flow_ways.way(flow.transformer(depth), one) if depth else one.tokens[None],
            flow.run(one, depth).leader_layers,
            flow_ways.ends(flow, one, depth),
            names=words,
            decision=(estimator.coef_[0], estimator.intercept_[0]),
            plane=flow_ways.deciding_plane(estimator.coef_[0], one.tokens),
            axis_names=("along the decision", "across it"),
            title=f"P({estimator.classes_[1]}) = {chance:.2f}; {_title(depth, flow.alpha)}",
        )
        return display.plot(ax, cmap=cmap)

    @classmethod
    def from_transformer(cls, transformer, X, index=0, *, names=None, ax=None, cmap=None):
        """Draw one sequence on its way through any weights; leaders are told where every layer is an attention.

        Parameters
        ----------
        transformer : Transformer
        X : RaggedSequences or anything that as_sequences reads
        index : int, default=0
        names : array-like of str, default=None
        ax : matplotlib Axes, default=None
        cmap : str or matplotlib Colormap, default=None

        Returns
        -------
        TokenFlowDisplay

        Raises
        ------
        TypeError
            `transformer` is none.
        ValueError
            X is not readable or of another token_dim.
        """
        if not isinstance(transformer, Transformer):
            raise TypeError(f"{cls.__name__}.from_transformer draws a Transformer, got {type(transformer).__name__}.")
        sequences = as_sequences(X)
        check_index(index, len(sequences))
        one = sequences[index : index + 1]
        steps = forward.trace(transformer, one)
        trajectory = np.stack([one.tokens, *(step.tokens.tokens for step in steps)])
        leaders = flow_ways.leader_layers(trajectory, steps)
        _, labels = np.unique(trajectory[-1].round(6), axis=0, return_inverse=True)
        display = cls(trajectory, leaders, labels.ravel(), names=names, title=f"{len(steps)} layers")
        return display.plot(ax, cmap=cmap)

    def plot(self, ax=None, *, cmap=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        cmap : str or matplotlib Colormap, default=None
            See `from_estimator`.

        Returns
        -------
        TokenFlowDisplay
            This one, with `ax_` and `figure_` set.
        """
        plt = pyplot(self)
        from matplotlib.collections import LineCollection

        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
        self.ax_, self.figure_, self.texts_, self.decision_ = ax, ax.figure, [], None
        places, colors = self._places(), self._colors(cmap)
        leading = np.asarray(self.leader_layers) >= 0
        paths = LineCollection(list(places.transpose(1, 0, 2)), colors=colors, linewidths=0.9, alpha=0.55, zorder=2)
        self.paths_ = ax.add_collection(paths)
        self.starts_ = ax.scatter(*places[0].T, s=16, c=colors, zorder=3)
        self.ends_ = ax.scatter(*places[-1].T, s=30, c=colors, marker="x", linewidth=1.2, zorder=4)
        self.leaders_ = ax.scatter(
            *places[0][leading].T, s=110, facecolors="none", edgecolors="black", linewidth=1.1, zorder=5
        )
        ax.margins(0.12)
        self._describe()
        if self.names is not None:
            self._draw_names(places[0], leading, colors)
        return self

    def _places(self):
        """Where tokens are drawn before and after every layer, (n_layers + 1, n_tokens, 2)."""
        trajectory = np.asarray(self.trajectory, dtype=np.float64)
        if trajectory.shape[2] == 1:
            heights = np.broadcast_to(np.arange(len(trajectory))[:, None, None], trajectory.shape)
            return np.concatenate([trajectory, heights], axis=2)
        plane = np.eye(trajectory.shape[2])[:2] if self.plane is None else np.asarray(self.plane)
        return trajectory @ plane.T

    def _colors(self, cmap):
        """One RGBA row a token: of its end, or of the logit of its end where there is a decision."""
        import matplotlib

        if self.decision is None:
            cmap = matplotlib.colormaps["tab10" if cmap is None else cmap]
            return cmap(np.asarray(self.labels) % cmap.N)
        coef, intercept = self.decision
        logits = np.asarray(self.trajectory)[-1] @ np.asarray(coef) + intercept
        cmap = matplotlib.colormaps["coolwarm_r" if cmap is None else cmap]
        return cmap(0.5 + 0.5 * np.tanh(logits / 2))

    def _describe(self):
        ax, token_dim = self.ax_, np.shape(self.trajectory)[2]
        names = [f"z{j}" for j in range(2)] if self.axis_names is None else [str(name) for name in self.axis_names]
        ax.set_xlabel(names[0])
        if token_dim == 1:
            ax.set_ylabel("layer")
            ax.invert_yaxis()
        else:
            ax.set_ylabel(names[1])
        ax.set_title(self.title or "", fontsize="medium")
        if self.decision is None:
            if token_dim > 1:
                ax.plot(0, 0, marker="+", color="0.4", markersize=9, zorder=1)
                ax.set_aspect("equal", adjustable="datalim")
            return
        coef, intercept = (np.asarray(part, dtype=np.float64) for part in self.decision)
        normal = coef if self.plane is None else np.asarray(self.plane) @ coef
        style = {"color": "0.4", "linewidth": 1.0, "linestyle": "--", "zorder": 1}
        limits = ax.get_xlim(), ax.get_ylim()
        foot = -intercept * normal / (normal @ normal)
        if len(normal) == 1:
            self.decision_ = ax.axvline(foot[0], **style)
            return
        self.decision_ = ax.axline(foot, foot + np.array([-normal[1], normal[0]]), **style)
        low, high = limits[0]
        ax.set(xlim=(min(low, foot[0]), max(high, foot[0])), ylim=limits[1])

    def _draw_names(self, places, leading, colors):
        """Names of distinct words, leaders first, beside their tokens and apart from one another."""
        first = {}
        far = np.linalg.norm(places - places.mean(axis=0), axis=1)
        for i in np.lexsort([-far, ~leading]).tolist():  # leaders, then what stands out
            first.setdefault(str(self.names[i]), i)
        shown = sorted(list(first.items())[:_NAMED], key=lambda item: -places[item[1]][1])
        low, high = self.ax_.get_ylim()
        step = _STEP * abs(high - low)
        heights = flow_ways.apart([places[i][1] for _, i in shown], step)
        if low < high:  # room for all names
            self.ax_.set_ylim(min(low, heights[-1] - step), max(high, heights[0] + step))
        left, right = self.ax_.get_xlim()
        for (name, i), height in zip(shown, heights):
            side = 1 if places[i][0] < (left + right) / 2 else -1
            self.texts_.append(
                self.ax_.annotate(
                    name,
                    places[i],
                    (places[i][0] + side * 0.05 * (right - left), height),
                    fontsize="small",
                    fontweight="bold" if leading[i] else "normal",
                    horizontalalignment="left" if side > 0 else "right",
                    verticalalignment="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.65, "pad": 0.4},
                    arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6},
                    zorder=6,
                )
            )


def _title(depth, alpha):
    return f"{depth} layers, alpha = {alpha:.3g}"
