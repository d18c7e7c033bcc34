"""Methods of RaggedSequences that write it to a file and read it."""

from __future__ import annotations

import os
from typing import Literal, Self

from sklearn_hardmax._container import Expected, load_sections, save_sections
from sklearn_hardmax._typing import AnyArray, IntArray, RealArray
from sklearn_hardmax.sequences import checks, names
from sklearn_hardmax.sequences.raw_sections import sections_of, tokens_from_sections
from sklearn_hardmax.sequences.raw_tokens import RawTokens

_SECTIONS = {
    "tokens": Expected(("float64", "float32"), 2),
    "columns": Expected(("text",), 1, required=False),
    "integers": Expected(("int64",), 2, required=False),
    "offsets": Expected(("int64",), 1),
    "ids": Expected(("int64", "text"), 1, required=False),
    "feature_names": Expected(("text",), 1, required=False),
}


class Files:
    """Base class of RaggedSequences with `save` and `load`."""

    __slots__ = ()

    tokens: RealArray
    offsets: IntArray
    ids: AnyArray | None
    feature_names: AnyArray | None
    _may_hold_nan: bool

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tokens and the offsets to one file.

        The file holds plain numbers with checksums; the page "Other runtimes, and files" of the documentation has its bytes.
        Tokens are written piece by piece, and not copied.

        Parameters
        ----------
        path : str or path-like
            File name; no ending is added. An older file is replaced completely or, if writing fails, not at all; it may be
            the file that these sequences are mapped from. It keeps its permissions, owner and group.

        Raises
        ------
        ValueError
            The tokens are numbers and contain NaN, as `as_sequences` with allow_nan=True reads them; a file holds finite
            numbers. (Raw tokens may have missing values.)
        TypeError
            Objects, as ids or raw tokens, that are no numbers, texts, dates or tuples of these.
        OSError
            No space, no permission, or `path` is a folder, a FIFO, a device, a socket, or a file with further names (hard
            links), which would not be replaced; what is there is then left as it was.

        Warns
        -----
        UserWarning
            The system does not allow to give the new file the owner or the group of the one that it replaces.

        Examples
        --------
        >>> import os, tempfile
        >>> from sklearn_hardmax import RaggedSequences
        >>> X = RaggedSequences.from_list([[[0., 1.], [2., 3.]], [[4., 5.]]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     X.save(os.path.join(folder, "pairs"))
        ...     RaggedSequences.load(os.path.join(folder, "pairs")) == X
        True
        """
        if isinstance(self.tokens, RawTokens):
            sections = sections_of(self.tokens)
        else:
            if self._may_hold_nan:
                checks.check_finite(self.tokens, self.offsets)
            sections = {"tokens": self.tokens}
        sections |= {"offsets": self.offsets, **names.id_sections(self.ids)}
        if self.feature_names is not None:
            sections["feature_names"] = self.feature_names.tolist()
        save_sections(path, "RaggedSequences", sections)

    @classmethod
    def load(cls, path: str | os.PathLike[str], mmap_mode: Literal["r"] | None = None) -> Self:
        """Read a file that `save` has written.

        Parameters
        ----------
        path : str or path-like
            The file.
        mmap_mode : None or "r"
            "r" maps the tokens into memory instead of reading them, for data larger than memory. They are then not
            searched for NaN and infinity again, and their checksum is not verified; everything else in the file is. Worker
            processes map the file anew: do not replace it while they run.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            The file is damaged, holds something else, or was written by a newer version. (Files of version 0.1 have no
            checksums: damage of their numbers is not noticed.)
        OSError
            There is no such file (FileNotFoundError), or it is a folder, a FIFO, a device or a socket.
        MemoryError
            There is too little memory; mapped tokens need none.
        """
        if mmap_mode not in (None, "r"):
            raise ValueError(f"mmap_mode must be None or 'r', got {mmap_mode!r}.")

        def build(sections):
            is_raw = "columns" in sections
            tokens, offsets = tokens_from_sections(sections) if is_raw else sections["tokens"], sections["offsets"]
            if tokens.shape[1] == 0:
                raise ValueError("its tokens have no features")
            checks.check_offsets(offsets, len(tokens))
            ids = names.as_ids(names.ids_from_section(sections.get("ids")), len(offsets) - 1)
            feature_names = names.as_feature_names(sections.get("feature_names"), tokens.shape[1])
            # numbers that were read are finite; raw tokens may be missing
            return cls._trusted(tokens, offsets, ids, feature_names, is_raw)

        mapped = ("tokens",) if mmap_mode == "r" else ()
        return load_sections(path, "RaggedSequences", _SECTIONS, build, mapped)
