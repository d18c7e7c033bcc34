"""SequenceResampler: sequences at irregular times to sequences on a regular grid of times."""

from __future__ import annotations

import numbers
import warnings
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import NamesLike, ObjectArray
from sklearn_hardmax.estimators._bases import BaseEstimator, TransformerMixin
from sklearn_hardmax.estimators._mixins import RaggedOutputMixin, VersionedMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import check_positive, input_names, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.arrays import offsets_of
from sklearn_hardmax.sequences.messages import format_indices

_ROUNDING = 2.0**-30  # of a step: a grid point this close behind the last time belongs to the sequence
_FEW_TOKENS = 10_000  # of a grid, about which nothing is said
_MANY = 10  # times as many tokens on the grid as in the data are too many to say nothing
_MAX_TOKENS, _FAR_TOO_MANY = 2**24, 100  # of a grid; and how many times the tokens of the data


class SequenceResampler(RaggedOutputMixin, VersionedMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Resample sequences at irregular times to a regular grid, linearly.

    The grid of a sequence begins at its first time and goes on in equal steps as long as it does not pass the last time. All
    features but the time are interpolated linearly between the times that have a value; the time itself is left out, since
    it is the number of the token afterwards, times the step.

    Parameters
    ----------
    time : str or int
        Name or index of the feature that holds the times, which increase along each sequence.
    step : "median" or float, default="median"
        Distance of the grid points, in the unit of the times. "median": the median of all distances between neighbouring
        tokens of the training sequences.

    Attributes
    ----------
    step_ : float
        Distance of the grid points.
    n_features_in_ : int
        Number of features of a token, the time among them.
    feature_names_in_ : ndarray of str
        Names of the features, if the sequences have them.

    See Also
    --------
    RaggedSequences.from_frame : ``time=`` sorts the rows of a table and turns dates into the time since the first token.
    SequenceImputer : Fills missing values at given tokens.

    Notes
    -----
    Missing values of other features are passed over: they get the value between their neighbours in time, before the first
    and behind the last value that is there its value; a feature that a sequence never has stays NaN, which `SequenceImputer`
    fills. `set_output` changes nothing: a ragged output has no data frame. Cost: O((tokens + grid points) * token_dim * log).

    Examples
    --------
    >>> from sklearn_hardmax import SequenceResampler
    >>> X = [[[0.0, 10.0], [1.0, 20.0], [3.0, 40.0]]]
    >>> SequenceResampler(time=0, step=1.0).fit_transform(X)[0]
    array([[10.],
           [20.],
           [30.],
           [40.]])
    """

    step_: float

    def __init__(self, *, time: str | int, step: Literal["median"] | float = "median") -> None:
        self.time = time
        self.step = step

    @transactional_fit
    def fit(self, X: SequencesLike, y: ArrayLike | None = None) -> Self:
        """Learn the step.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            May have missing values, except in the times.
        y : array-like, default=None
            Ignored.

        Returns
        -------
        SequenceResampler
            The estimator itself.

        Raises
        ------
        ValueError
            There is no such feature, or no other one; times are missing or do not increase; the step is not positive, or
            is "median" and no sequence has two tokens; or it is longer than every sequence.

        Warns
        -----
        UserWarning
            The grid has more than ten times as many tokens as the data.
        """
        if isinstance(self.step, str) and self.step != "median":
            raise ValueError(f"step must be 'median' or a positive finite number, got {self.step!r}.")
        if not isinstance(self.step, str):
            check_positive(self.step, "step")
        sequences = validate_sequences(self, X, reset=True, allow_nan=True)
        if sequences.token_dim == 1:
            raise ValueError(
                "SequenceResampler needs a feature beside the times, but n_features = 1 (1 feature(s)): the number of a "
                "token on the grid says its time."
            )
        times = self._times(sequences)
        if isinstance(self.step, str):
            distances = _distances(times, sequences.offsets)
            if not len(distances):
                raise ValueError("step='median' needs a training sequence of two tokens at least; give a number.")
            self.step_ = float(np.median(distances))
        else:
            self.step_ = float(self.step)
        starts, ends = sequences.offsets[:-1], sequences.offsets[1:]
        spans = times[ends - 1] - times[starts]
        if spans.any() and self.step_ > spans.max():
            raise ValueError(
                f"step={self.step_:g} is longer than every training sequence, of which the longest takes {spans.max():g}: "
                "each would become one token."
            )
        n_tokens = self._lengths(spans, sequences.n_tokens).sum()
        if n_tokens > max(_MANY * sequences.n_tokens, _FEW_TOKENS):
            warnings.warn(
                f"The grid of step {self.step_:g} makes {n_tokens / sequences.n_tokens:.0f} tokens of each token: the times "
                "are far from regular; give a larger step.",
                UserWarning,
                stacklevel=3,  # the caller of fit, which transactional_fit wraps
            )
        return self

    @reads_one_fit
    def transform(self, X: SequencesLike) -> RaggedSequences:
        """Resample the sequences.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        RaggedSequences
            With the same ids, and one feature less.

        Raises
        ------
        ValueError
            Times are missing or do not increase; the grid would have more than 2^24 tokens, and than 100 times as many as X.
        """
        sequences = validate_sequences(self, X, reset=False, allow_nan=True)
        times = self._times(sequences)
        starts, ends = sequences.offsets[:-1], sequences.offsets[1:]
        lengths = self._lengths(times[ends - 1] - times[starts], sequences.n_tokens)
        offsets = offsets_of(lengths)
        others = self._others
        dtype = sequences.dtype
        tokens = np.empty((offsets[-1], len(others)), dtype=dtype)
        for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist())):
            grid = times[start] + self.step_ * np.arange(lengths[i])
            for k, j in enumerate(others):
                values = sequences.tokens[start:end, j]
                present = ~np.isnan(values)
                out = tokens[offsets[i] : offsets[i + 1], k]
                out[:] = np.interp(grid, times[start:end][present], values[present]) if present.any() else np.nan
        names = None if sequences.feature_names is None else sequences.feature_names[others]
        return RaggedSequences._checked((tokens, offsets, sequences.ids, names), allow_nan=True)

    def _lengths(self, spans, n_tokens):
        """Number of grid points of sequences that take so long; ValueError where they are by far too many."""
        steps = spans / self.step_
        most = max(_MAX_TOKENS, _FAR_TOO_MANY * n_tokens)
        if (steps + 1).sum() > most:
            raise ValueError(
                f"A grid of step {self.step_:g} would have {(steps + 1).sum():.2g} tokens, of {n_tokens} tokens now; give a "
                "larger step."
            )
        return np.floor(steps + _ROUNDING).astype(np.int64) + 1

    @property
    def _others(self):
        """Indices of the features beside the time."""
        return np.delete(np.arange(self.n_features_in_), self._index)

    @property
    def _index(self):
        """Index of the feature of times."""
        if isinstance(self.time, numbers.Integral) and not isinstance(self.time, bool):
            if not -self.n_features_in_ <= self.time < self.n_features_in_:
                raise ValueError(f"time={self.time} is no index of one of the {self.n_features_in_} features.")
            return self.time % self.n_features_in_
        names = list(getattr(self, "feature_names_in_", []))
        if self.time not in names:
            known = f"names of features are {names}" if names else "the features have no names: give its index"
            raise ValueError(f"time={self.time!r} is no feature of the sequences; {known}.")
        return names.index(self.time)

    def _times(self, sequences):
        """Time of each token, float64; ValueError where times are missing or do not increase."""
        times = sequences.tokens[:, self._index].astype(np.float64)
        owners = np.repeat(np.arange(len(sequences)), sequences.lengths)
        missing = np.unique(owners[np.isnan(times)])
        if len(missing):
            raise ValueError(f"Times are missing (NaN) in sequences {format_indices(missing)}; leave these tokens out.")
        inside = owners[1:] == owners[:-1]
        back = np.unique(owners[1:][inside & (times[1:] <= times[:-1])])
        if len(back):
            raise ValueError(
                f"Times must increase along a sequence, but go back or repeat in sequences {format_indices(back)}; sort the "
                "tokens, for example by RaggedSequences.from_frame(table, group=..., time=...), and join those of one time; "
                "in float32 times may be rounded to equal ones."
            )
        return times

    @reads_one_fit
    def get_feature_names_out(self, input_features: NamesLike = None) -> ObjectArray:
        """Names of the features beside the time.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features of an input token; by default those at fit, or x0, x1, ...

        Returns
        -------
        ndarray of str objects
        """
        return np.array(input_names(self, input_features), dtype=object)[self._others]


def _distances(times, offsets):
    """Distances between neighbouring tokens of one sequence."""
    distances = np.diff(times)
    between = np.ones(len(distances), dtype=bool)
    between[offsets[1:-1] - 1] = False
    return distances[between]
