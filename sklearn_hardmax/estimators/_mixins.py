"""What estimators have in common whose network a construction wrote down."""

from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax.estimators.validation import VersionStamped, validate_sequences


class Constructed(VersionStamped):
    """Sizes and input of the network; `_built`, set by fit, has n_blocks(), n_parameters() and encode(X)."""

    @property
    def n_blocks_(self):
        """Blocks of ``to_transformer()``, from the sizes of its layers."""
        check_is_fitted(self)
        return self._built.n_blocks()

    @property
    def n_parameters_(self):
        """Parameters of ``to_transformer()``, from the sizes of its layers."""
        check_is_fitted(self)
        return self._built.n_parameters()

    def encode(self, X):
        """The sequences that `to_transformer()` runs on: scaled tokens, position, zeros up to its token_dim.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        RaggedSequences
            float64. Scaling is a shift and a power of two a feature; features beyond 2^20 training half-ranges end there.
        """
        check_is_fitted(self)
        return self._built.encode(validate_sequences(self, X, reset=False))
