"""A file holds ids and names of features too; tests/test_container.py has its bytes and what is noticed."""

import pytest

from sklearn_hardmax import RaggedSequences


@pytest.mark.parametrize("ids", [None, [7, 9], ["a", 1]])
@pytest.mark.parametrize("names", [None, ["x\0", "length"]])
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_everything_comes_back(tmp_path, ids, names, mmap_mode):
    X = RaggedSequences([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [0, 1, 3], ids=ids, feature_names=names)
    X.save(tmp_path / "file")
    back = RaggedSequences.load(tmp_path / "file", mmap_mode)
    assert back == X
    assert (back.ids is None, back.feature_names is None) == (ids is None, names is None)


def test_a_file_whose_ids_do_not_fit_is_refused(tmp_path, monkeypatch):
    X = RaggedSequences([[1.0]], [0, 1], ids=["a"])
    monkeypatch.setattr("sklearn_hardmax.sequences.names.id_sections", lambda ids: {"ids": ["1", "2"]})
    X.save(tmp_path / "file")
    with pytest.raises(ValueError, match="is damaged: ids must name each of the 1 sequences"):
        RaggedSequences.load(tmp_path / "file")
