"""Split texts into lists of words and count the words, by scikit-learn's CountVectorizer."""

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_hardmax.sequences.messages import format_indices


def tokenize_texts(X, max_length=None):
    """List of words of each text; longer texts are cut off at max_length words, with one warning that names them."""
    analyze = CountVectorizer().build_analyzer()
    words = [analyze(text) if isinstance(text, str) else list(text) for text in _as_texts(X)]
    if max_length is None:
        return words
    cut = [i for i, text in enumerate(words) if len(text) > max_length]
    if cut:
        warnings.warn(
            f"Texts {format_indices(cut)} have more than max_length={max_length} words; the words after these are ignored.",
            UserWarning,
            stacklevel=6,
        )
    return [text[:max_length] for text in words]


def count_words(words, min_df):
    """Word counts of each text, a CSR matrix (n_texts, n_words), and a dict of the column of each word.

    Words that occur in fewer than min_df texts are left out; ValueError if none is left.
    """
    counter = CountVectorizer(analyzer=_as_it_is, min_df=min_df)
    try:
        counts = counter.fit_transform(words)
    except ValueError as error:
        # CountVectorizer has several messages for an empty vocabulary; other errors pass
        if not any(part in str(error) for part in ("no terms remain", "empty vocabulary", "documents than min_df")):
            raise
        if any(words):
            raise ValueError(
                f"No word occurs in at least min_df={min_df} of the {len(words)} texts; lower min_df or give more texts."
            ) from error
        raise ValueError(
            "The texts hold no word: words of a text are two or more letters or digits in a row. Give lists of words where "
            "words are shorter, or are not set apart by spaces, such as [list(text) for text in X] for single characters."
        ) from error
    return counts.tocsr(), {word: int(index) for word, index in counter.vocabulary_.items()}


def _as_it_is(words):
    """The analyzer of texts that are lists of words already."""
    return words


def _as_texts(X):
    """X as a list of texts, each a string or a list of strings; ValueError for anything else."""
    rule = "X must be a list of texts, each a string or a list of words"
    if isinstance(X, str):
        raise ValueError(f"{rule}; got one string: pass [text].")
    if getattr(X, "ndim", 1) != 1 or hasattr(X, "toarray"):
        raise ValueError(f"{rule}; got {type(X).__name__} of shape {getattr(X, 'shape', '?')}: pass one column.")
    if isinstance(X, (set, frozenset, dict)):
        raise ValueError(f"{rule}; got {type(X).__name__}, whose entries have no fixed order.")
    if isinstance(X, Iterator):
        raise ValueError(f"{rule}; got {type(X).__name__}, which can be read only once: write list(X).")
    # a column of Arrow or polars holds scalars and columns of its own
    convert = next((getattr(X, name) for name in ("to_pylist", "to_list") if hasattr(X, name)), lambda: list(X))
    try:
        texts = convert()
    except TypeError:
        raise ValueError(f"{rule}; got {type(X).__name__}.") from None
    if not texts:
        raise ValueError(f"Found array with 0 sample(s) while a minimum of 1 is required: {rule}.")
    wrong = [i for i, text in enumerate(texts) if not (isinstance(text, str) or _is_list_of_words(text))]
    if wrong:
        raise ValueError(f"{rule}; entries {format_indices(wrong)} are not, the first is {texts[wrong[0]]!r:.80}.")
    return texts


def _is_list_of_words(text):
    is_list = isinstance(text, (list, tuple)) or (isinstance(text, np.ndarray) and text.ndim == 1)
    return is_list and all(isinstance(word, str) for word in text)
