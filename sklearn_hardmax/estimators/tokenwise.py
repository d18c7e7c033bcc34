"""TokenwiseTransformer: any transformer of scikit-learn, applied to every token."""

from __future__ import annotations

import hashlib
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from sklearn_hardmax._typing import NamesLike, ObjectArray
from sklearn_hardmax.constructions.codes.multisets import distinct_tokens
from sklearn_hardmax.estimators._bases import BaseEstimator, TransformerMixin
from sklearn_hardmax.estimators._mixins import RaggedOutputMixin, VersionedMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import input_names, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.raw_tokens import RawTokens, codes_of, frame_of
from sklearn_hardmax.sequences.values import as_numbers

_MAX_DENSE = 2**30  # numbers of a sparse output that are written out: 8 GiB


def _inner_has(name):
    def check(self):
        inner = getattr(self, "transformer_", self.transformer)
        getattr(inner, name)  # its AttributeError, if it has none
        return True

    return check


def _n_merged(tokens, encoded):
    """Number of distinct tokens less that of their distinct encodings."""
    _, first = distinct_tokens(RaggedSequences(codes_of(tokens), [0, len(tokens)]), with_position=False)
    rows = np.ascontiguousarray(encoded[first], dtype=np.float64) + 0.0  # -0.0 + 0.0 is 0.0
    rows[np.isnan(rows)] = np.nan  # of one bit pattern
    # encodings may be wide: a digest of 16 bytes is kept of each
    return len(first) - len({hashlib.blake2b(row, digest_size=16).digest() for row in rows})


def _kinds_of_columns(tokens):
    """For each feature what it holds: numbers, dates, durations or other things; None where everything is missing."""
    if not isinstance(tokens, RawTokens):
        missing = np.isnan(tokens).all(axis=0)
        return [None if is_missing else "numbers" for is_missing in missing]
    kinds = []
    for name, column in zip(tokens.dtypes, tokens.columns):
        kind = {"M": "dates", "m": "durations"}.get(getattr(column, "dtype", np.dtype(object)).kind, "numbers")
        is_missing = name.startswith("float") and np.isnan(column).all()
        kinds.append(None if is_missing else "texts or categories" if name in ("category", "object") else kind)
    return kinds


class TokenwiseTransformer(
    RaggedOutputMixin, VersionedMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Apply a transformer of scikit-learn to every token: encoders, scalers, projections, a ColumnTransformer.

    The transformer is fitted on the tokens of all training sequences, one below the other, and each token is transformed
    alone. In a pipeline it is fitted inside the folds of a cross-validation, and its parameters are searched as
    ``tokenwisetransformer__transformer__...``.

    Parameters
    ----------
    transformer : transformer of scikit-learn
        It gets a data frame (of pandas, or of polars where pandas is not installed) if features have names, else an array,
        and no y. It must return one row per token, of numbers, which may be NaN.

    Attributes
    ----------
    transformer_ : transformer
        The fitted clone of `transformer`.
    n_merged_tokens_ : int
        Number of distinct training tokens that became equal to another one. Sequences that differ in such tokens alone can no
        longer be told apart.
    n_features_in_ : int
        Number of features of a token.
    feature_names_in_ : ndarray of str
        Names of the features, if the sequences have them.

    See Also
    --------
    SequenceImputer : Fills missing values.
    RaggedSequenceTransformer : Scaling, positions and windows of numbers.

    Notes
    -----
    Categories, texts, dates and missing values are read with ``dtype=None``: ``RaggedSequences.from_frame(table, group=...,
    dtype=None)``; lists and data frames are read so by `fit`. A sparse output is written out densely, if it has at most 2^30
    numbers. Ids are kept. Any encoding that tells the tokens apart keeps the exactness of the classifier on training data.

    Examples
    --------
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> from sklearn_hardmax import RaggedSequences, TokenwiseTransformer
    >>> X = RaggedSequences.from_series([["open", "buy"], ["open"]], dtype=None)
    >>> TokenwiseTransformer(OneHotEncoder()).fit_transform(X)[0]
    array([[0., 1.],
           [1., 0.]])
    """

    transformer_: Any
    n_merged_tokens_: int

    def __init__(self, transformer: Any) -> None:
        self.transformer = transformer

    @transactional_fit
    def fit(self, X: SequencesLike, y: ArrayLike | None = None) -> Self:
        """Fit the transformer on all tokens.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads with dtype=None
        y : array-like, default=None
            Ignored.

        Returns
        -------
        TokenwiseTransformer
            The estimator itself.

        Raises
        ------
        TypeError
            `transformer` has no `transform`.
        ValueError
            Sequences cannot be read, or the transformer does not return one row of numbers per token.
        """
        if not hasattr(self.transformer, "fit") or not hasattr(self.transformer, "transform"):
            raise TypeError(
                f"transformer must be a transformer of scikit-learn, with fit and transform, got {self.transformer!r}."
            )
        sequences = validate_sequences(self, X, reset=True, dtype=None)
        table = frame_of(sequences.tokens, sequences.feature_names)
        self.transformer_ = clone(self.transformer).fit(table)
        encoded = self._encoded(table)
        self.n_merged_tokens_ = _n_merged(sequences.tokens, encoded)
        self._kinds = _kinds_of_columns(sequences.tokens)
        return self

    @reads_one_fit
    def transform(self, X: SequencesLike) -> RaggedSequences:
        """Transform every token.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads with dtype=None

        Returns
        -------
        RaggedSequences
            Sequences of the same lengths and ids; tokens may hold NaN where the transformer leaves it.

        Raises
        ------
        ValueError
            The transformer does not return one row of numbers per token, or refuses a token, for example an unknown category.
        """
        sequences = validate_sequences(self, X, reset=False, dtype=None)
        self._check_kinds(sequences)
        encoded = self._encoded(frame_of(sequences.tokens, sequences.feature_names))
        try:
            names = self.transformer_.get_feature_names_out(getattr(self, "feature_names_in_", None))
        except AttributeError:  # the transformer, or a step in it, names no features
            names = None
        return RaggedSequences._checked((encoded, sequences.offsets, sequences.ids, names), allow_nan=True)

    def _check_kinds(self, sequences):
        """Raise ValueError if a feature holds another kind of values than at fit: an encoder might read them as its own."""
        for j, (now, then) in enumerate(zip(_kinds_of_columns(sequences.tokens), self._kinds)):
            if now != then and None not in (now, then):
                name = j if sequences.feature_names is None else repr(sequences.feature_names[j])
                raise ValueError(f"Feature {name} holds {now}, but held {then} at fit; convert it first.")

    def _encoded(self, table):
        """What the transformer makes of the tokens, as an array of floats."""
        name = type(self.transformer_).__name__
        out = self.transformer_.transform(table)
        shape = np.shape(out)
        if len(shape) != 2 or shape[0] != len(table):
            raise ValueError(
                f"{name} made an output of shape {shape} from {len(table)} tokens: a transformer of tokens returns one row "
                "per token."
            )
        if hasattr(out, "toarray"):
            if shape[0] * shape[1] > _MAX_DENSE:
                raise ValueError(
                    f"The sparse output of {name} has {shape[0]} x {shape[1]} numbers, too many to be written out: encode "
                    "fewer categories, for example by max_categories= of OneHotEncoder, or project by TruncatedSVD."
                )
            out = out.toarray()
        if shape[1] == 0:
            raise ValueError(f"{name} left no feature.")
        try:
            return as_numbers(out, f"what {name} returns")
        except (TypeError, ValueError) as error:
            what = str(error).partition(": ")[0]
            raise ValueError(f"{name} must return numbers, but {what}; use an encoder that does.") from error

    @available_if(_inner_has("get_feature_names_out"))
    @reads_one_fit
    def get_feature_names_out(self, input_features: NamesLike = None) -> ObjectArray:
        """Names of the features of an output token, as the transformer gives them.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features of an input token; by default those at fit, or x0, x1, ...

        Returns
        -------
        ndarray of str objects
        """
        names = np.array(input_names(self, input_features), dtype=object)
        return np.asarray(self.transformer_.get_feature_names_out(names), dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        inner = (
            getattr(get_tags(self.transformer), "transformer_tags", None) if hasattr(self.transformer, "fit") else None
        )
        if inner is not None:
            tags.transformer_tags.preserves_dtype = inner.preserves_dtype
        return tags
