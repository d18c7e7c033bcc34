"""Names of features are checked as scikit-learn checks those of data frames, and the index of y as ids of the sequences."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderFlow,
    RaggedSequences,
    RaggedSequenceTransformer,
)


def named(n=6, names=("a", "b"), ids="pqrstu"):
    """n sequences of two features with names, and ids."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 4, n)
    tokens = rng.normal(size=(lengths.sum(), 2))
    return RaggedSequences(tokens, np.append(0, np.cumsum(lengths)), ids=list(ids[:n]), feature_names=list(names))


def classifier():
    return HardmaxTransformerClassifier(n_heads=7, random_state=0)


Y = np.array([0, 1, 0, 1, 1, 0])


def test_names_of_a_container_are_checked_as_those_of_a_data_frame_are():
    X = named()
    fitted = classifier().fit(X, Y)
    assert fitted.feature_names_in_.tolist() == ["a", "b"]
    fitted.predict(X)
    with pytest.raises(ValueError, match="must be in the same order"):
        fitted.predict(named(names=("b", "a")))
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- A\n.*now missing:\n- a\n"):
        fitted.predict(named(names=("A", "b")))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X.to_list())
    with pytest.warns(UserWarning, match="has feature names, but"):
        classifier().fit(X.to_list(), Y).predict(X)
    assert not hasattr(fitted.fit(X.to_list(), Y), "feature_names_in_")


def test_at_most_five_names_are_listed():
    many = [f"x{j}" for j in range(9)]
    fitted = RaggedSequenceTransformer().fit(RaggedSequences(np.zeros((1, 9)), [0, 1], feature_names=many))
    with pytest.raises(ValueError, match=r"(?s)- y4\n- \.\.\.\nFeature names seen .*- x4\n- \.\.\.\n$"):
        fitted.transform(RaggedSequences(np.zeros((1, 9)), [0, 1], feature_names=[f"y{j}" for j in range(9)]))


def test_columns_of_frames_in_a_list_are_not_mixed_up():
    frames = named().to_pandas(group="id")
    frames = [frame.drop(columns="id") for _, frame in frames.groupby("id")]
    fitted = classifier().fit(frames, Y)
    assert fitted.score(frames, Y) == 1.0
    with pytest.raises(ValueError, match="must be in the same order"):
        fitted.predict([frame[["b", "a"]] for frame in frames])


@pytest.mark.parametrize("step", [RaggedSequenceTransformer(window=3, positions="relative"), LeaderFlow()])
def test_transformers_keep_ids_and_name_their_features(step):
    X = named()
    moved = step.fit_transform(X)
    assert moved.ids.tolist() == X.ids.tolist()
    assert moved.feature_names.tolist() == step.get_feature_names_out().tolist()
    assert step.fit_transform(X.to_list()).feature_names is None


FITS = [
    classifier(),
    HardmaxTransformerInterpolator(random_state=0),
    HardmaxPooling(n_heads=7, ordered=True, random_state=0),
    HardmaxPooling(n_heads=7, ordered=False, random_state=0),
]


@pytest.mark.parametrize("estimator", FITS, ids=repr)
def test_an_index_of_y_must_be_the_ids(estimator):
    X = named()
    y = pd.Series(Y, index=list("pqrstu"))
    clone(estimator).fit(X, y)
    clone(estimator).fit(X, pd.Series(Y, index=[5, 4, 3, 2, 1, 0]))  # numbers of rows
    clone(estimator).fit(X.with_ids(None), y[::-1])  # nothing to compare
    with pytest.raises(ValueError, match=r"\(sequence 0 is 'p', y has 'u'\): use y.loc\[X.ids\].* or y.to_numpy\(\)"):
        clone(estimator).fit(X, y[::-1])
    clone(estimator).fit(X, y[::-1].loc[X.ids])
    clone(estimator).fit(X, y[::-1].to_numpy())
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[6, 5\]; y needs one entry per sequence"):
        clone(estimator).fit(X, y[:5])
    with pytest.raises(ValueError, match="sequence 0 is 'p', y has 0"):
        clone(estimator).fit(X, pd.Series(Y, index=pd.RangeIndex(6, name="case")))


def test_targets_in_a_container_have_the_ids_of_the_sequences():
    X = named()
    targets = RaggedSequences(X.tokens[:, :1], X.offsets, ids=X.ids)
    interpolator = HardmaxTransformerInterpolator(random_state=0)
    interpolator.fit(X, targets)
    with pytest.raises(ValueError, match="sequence 0 is 'p', y has 'u'"):
        interpolator.fit(X, targets.with_ids(X.ids[::-1]))


def test_the_labels_of_a_score_are_aligned_too():
    X = named()
    y = pd.Series(list("ababab"), index=list("pqrstu"))
    clf = HardmaxTransformerClassifier(n_heads=10, random_state=0).fit(X, y)
    assert clf.score(X, y) == clf.score(X, y.to_numpy()[:]) == 1.0
    with pytest.raises(ValueError, match="The index of y differs from the ids of the sequences"):
        clf.score(X, y[::-1])
    # without ids there is nothing to compare
    assert clf.score(X.with_ids(None), y[::-1]) == 0.0


def test_labels_are_aligned_in_folds_and_shuffled_labels_are_noticed():
    X = named(6)
    y = pd.Series(Y, index=list("pqrstu"))
    cross_val_score(classifier(), X, y, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="The index of y differs"):
        cross_val_score(classifier(), X, y.sample(frac=1, random_state=0), cv=2, error_score="raise")
