"""Files as version 0.1 wrote them, made here with NumPy alone; see test_stored.py for stored ones."""

import io
import pickle
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cases.files import AWKWARD, memory_for, only_linux_limits_memory
from cases.transformer import example
from effort import slow

from sklearn_hardmax import RaggedSequences, Transformer

MODES = pytest.mark.parametrize("mmap_mode", [None, "r"])
STORED = Path(__file__).parent / "stored" / "0.1.0"
TOKENS, OFFSETS = AWKWARD.tokens, AWKWARD.offsets
LARGE = 2**31


def npy(*arrays):
    """The bytes of arrays as np.save writes them, one behind the other."""
    file = io.BytesIO()
    for array in arrays:
        np.save(file, array, allow_pickle=True)
    return file.getvalue()


def header(shape, dtype):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def parts_of_weights(**changed):
    layers = example().layers
    parts = {
        "format": np.array("sklearn_hardmax.Transformer/2"),
        "names": np.array(["code", "digit"]),
        "kinds": np.array([0, 1, 1, 0]),
        "sizes": np.array([layer.sizes for layer in layers]),
        "entries": np.concatenate([np.ravel(getattr(f, n)) for f in layers for n in f.array_names + f.scalar_names]),
    }
    return {**parts, **{name: change(parts[name]) for name, change in changed.items()}}


def npz(write=np.savez, **parts):
    file = io.BytesIO()
    write(file, **parts)
    return file.getvalue()


def load(tmp_path, data, cls=RaggedSequences, **options):
    (tmp_path / "file").write_bytes(data)
    return cls.load(tmp_path / "file", **options)


class Trap:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a file was unpickled",)


# -- sequences ---------------------------------------------------------------------------------------------------------


@MODES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sequences_are_read_bit_for_bit(tmp_path, dtype, mmap_mode):
    tokens = (TOKENS if dtype == np.float64 else TOKENS * 0).astype(dtype)
    found = load(tmp_path, npy(tokens, OFFSETS), mmap_mode=mmap_mode)
    assert found.dtype == dtype
    assert found.tokens.tobytes() == tokens.tobytes()
    assert np.array_equal(found.offsets, OFFSETS)
    assert isinstance(found.tokens, np.memmap) == (mmap_mode == "r")


def replaced(data, old, new):
    assert data.count(old) >= 1
    return data.replace(old, new, 1)


WHOLE = npy(TOKENS, OFFSETS)
DAMAGED_SEQUENCES = {
    "npz": npz(tokens=TOKENS),
    "cut": WHOLE[:-8],
    "without offsets": WHOLE[: 128 + TOKENS.nbytes],
    "within tokens": WHOLE[: 128 + TOKENS.nbytes - 8],
    "within the first header": WHOLE[:60],
    "unclosed": replaced(replaced(WHOLE, b"(", b"["), b"}", b" "),
    "longer": WHOLE + b"0",
    "of another version of np.save": replaced(WHOLE, b"NUMPY\x01", b"NUMPY\x02"),
    "of a later version of np.save": replaced(WHOLE, b"NUMPY\x01", b"NUMPY\x07"),
}


@MODES
@pytest.mark.parametrize("damage", DAMAGED_SEQUENCES)
def test_damaged_sequences_are_refused(tmp_path, damage, mmap_mode):
    with pytest.raises(ValueError, match="file' holds no RaggedSequences as written by save: "):
        load(tmp_path, DAMAGED_SEQUENCES[damage], mmap_mode=mmap_mode)


@MODES
@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("tokens", np.array([[Trap()]], dtype=object)),
        ("tokens", np.zeros(10)),
        ("tokens", np.zeros((3, 2), dtype=int)),
        ("tokens", np.zeros((3, 2), dtype="<f2")),
        ("tokens", np.zeros((3, 2), dtype=">f8")),
        ("tokens", np.zeros((3, 2), order="F")),
        ("tokens", np.zeros((3, 0))),
        ("tokens", np.zeros((0, 2))),
        ("tokens", np.zeros((2, 2))),
        ("offsets", np.array([[Trap()]], dtype=object)),
        ("offsets", np.array([0.0, 3.0])),
        ("offsets", np.array([0, 1, 1, 3])),
        ("offsets", np.array([0, 4])),
        ("offsets", np.array([0])),
        ("offsets", np.array(3)),
    ],
)
def test_arrays_that_are_no_sequences_are_refused(tmp_path, name, array, mmap_mode):
    parts = {"tokens": TOKENS, "offsets": OFFSETS, name: array}
    with pytest.raises(ValueError, match="file' holds no RaggedSequences as written by save: "):
        load(tmp_path, npy(*parts.values()), mmap_mode=mmap_mode)


def test_numbers_that_are_not_finite_are_refused_unless_mapped(tmp_path):
    data = npy(np.full((3, 2), np.inf), OFFSETS)
    with pytest.raises(ValueError, match="as written by save: its tokens hold NaN or infinity"):
        load(tmp_path, data)
    assert np.isinf(load(tmp_path, data, mmap_mode="r").tokens).all()


@MODES
def test_negative_sizes_are_refused(tmp_path, mmap_mode):
    for data in (
        header((-1, 2), "<f8") + npy(OFFSETS),
        npy(TOKENS) + header((-3,), "<i8"),
        npy(TOKENS) + header((-3, -1), "<i8") + OFFSETS.tobytes(),
    ):
        with pytest.raises(ValueError, match="as written by save: an array is "):
            load(tmp_path, data, mmap_mode=mmap_mode)


@MODES
@pytest.mark.parametrize("n", [100, 2**40, 2**62, 10**30])
def test_sizes_beyond_the_file_are_refused(tmp_path, n, mmap_mode):
    for data in (
        header((n, 2), "<f8") + TOKENS.tobytes() + npy(OFFSETS),
        npy(TOKENS) + header((n,), "<i8") + OFFSETS.tobytes(),
    ):
        with pytest.raises(ValueError, match=r"an array of \d+ bytes does not fit into the file"):
            load(tmp_path, data, mmap_mode=mmap_mode)


# -- weights -----------------------------------------------------------------------------------------------------------


def test_weights_are_read_bit_for_bit(tmp_path):
    found = load(tmp_path, npz(**parts_of_weights()), Transformer)
    assert found == example()
    # Windows wrote integers of 32 bits
    assert load(tmp_path, npz(**parts_of_weights(kinds=lambda k: k.astype(np.int32))), Transformer) == found


@pytest.mark.parametrize("step", ["every 29th byte", *slow("every byte")])
def test_no_damage_of_weights_goes_unnoticed(tmp_path, step):
    """The members of an archive have checksums; what lies beside them is not read, or changes nothing."""
    whole = (STORED / "transformer").read_bytes()
    expected = Transformer.load(STORED / "transformer")
    for i in range(0, len(whole), 1 if step == "every byte" else 29):
        for data in (whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :], whole[:i]):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = load(tmp_path, data, Transformer)
            except ValueError as error:
                assert "file' holds no Transformer as written by save: " in str(error)
            else:
                assert found == expected
                assert found.names == expected.names


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"format": lambda f: np.array("sklearn_hardmax.Transformer/0")},
            "its format is 'sklearn_hardmax.Transformer/0'",
        ),
        ({"entries": lambda e: e[:, None]}, r"its entries are float64 of shape \(37, 1\)"),
        ({"entries": lambda e: e.astype(complex)}, "an array is <c16"),
        ({"entries": lambda e: e.astype(str)}, "its entries are <U"),
        ({"entries": lambda e: e[:-1]}, "cannot reshape"),
        ({"kinds": lambda k: k == 1}, r"an array is \|b1"),
        ({"sizes": lambda s: np.asfortranarray(s)}, "by columns"),
        ({"sizes": lambda s: s.astype(float)}, r"its sizes are float64 of shape \(4, 2\)"),
        ({"names": lambda n: np.arange(2)}, "its names are int64"),
        ({"names": lambda n: n[None]}, r"its names are <U5 of shape \(1, 2\)"),
        *(
            ({name: lambda part: np.full(part.shape, Trap(), dtype=object)}, r"an array is \|O")
            for name in parts_of_weights()
        ),
    ],
)
def test_weights_of_other_shapes_or_dtypes_are_refused(tmp_path, changed, message):
    with pytest.raises(ValueError, match=rf"file' holds no Transformer as written by save: .*{message}"):
        load(tmp_path, npz(**parts_of_weights(**changed)), Transformer)


def archive(*members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as written:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, data in members:
            written.writestr(f"{name}.npy", data)
    return file.getvalue()


MEMBERS = [(name, npy(part)) for name, part in parts_of_weights().items()]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npz(weights=np.zeros(3)), r"its members are \['weights'\]"),
        (archive(*MEMBERS, MEMBERS[-1]), "its members are"),
        (archive(*MEMBERS[:-1]), "its members are"),
        (archive(*MEMBERS[:-1], ("entries", MEMBERS[-1][1] + b"0")), "there are bytes after an array"),
        (archive(*MEMBERS[:-1], ("entries", MEMBERS[-1][1][:-1])), "an array of 296 bytes does not fit into the file"),
        (archive(*MEMBERS[:-1], ("entries", b"text")), "magic string"),
        (archive(*MEMBERS, method=zipfile.ZIP_DEFLATED), "its members are compressed"),
        (pickle.dumps(Trap()), "it begins with"),
    ],
)
def test_archives_that_save_did_not_write_are_refused(tmp_path, data, message):
    with pytest.raises(ValueError, match=f"file' holds no Transformer as written by save: .*{message}"):
        load(tmp_path, data, Transformer)


def test_a_small_archive_of_large_members_is_refused_before_it_is_inflated(tmp_path):
    file = io.BytesIO(archive(*MEMBERS[:-1]))
    with zipfile.ZipFile(file, "a") as written:
        written.writestr("entries.npy", npy(np.zeros(2**21)), zipfile.ZIP_DEFLATED)
    data = file.getvalue()
    assert len(data) < 2**15
    # the directory, at the end, says that the member is not compressed: its size does not fit
    place = data.rindex(b"PK\x01\x02")
    said_stored = data[: place + 10] + struct.pack("<H", 0) + data[place + 12 :]
    for whole in (data, said_stored):
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match="its members are compressed"):
                load(tmp_path, whole, Transformer)
            assert tracemalloc.get_traced_memory()[1] < 2**20  # the member has 2**24
        finally:
            tracemalloc.stop()


# -- both --------------------------------------------------------------------------------------------------------------


def test_a_file_of_the_other_class_is_refused_with_the_class_that_reads_it(tmp_path):
    with pytest.raises(ValueError, match=r"it begins as those that Transformer\.save of version 0\.1 wrote"):
        load(tmp_path, npz(**parts_of_weights()))
    with pytest.raises(ValueError, match=r"it begins as those that RaggedSequences\.save of version 0\.1"):
        load(tmp_path, npy(TOKENS, OFFSETS), Transformer)


@only_linux_limits_memory
def test_too_little_memory_is_no_damage(tmp_path):
    for cls, start in ((RaggedSequences, header((LARGE // 8, 1), "<f8")), (Transformer, b"PK\x03\x04")):
        path = tmp_path / cls.__name__
        with open(path, "wb") as file:
            file.write(start)
            file.truncate(len(start) + LARGE)  # zeros that take no room on the disk
        with pytest.raises(MemoryError, match=f"too little memory to load '.*{cls.__name__}'"), memory_for(2**28):
            cls.load(path)


def test_names_that_are_no_texts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="its names are"):
        load(tmp_path, npz(**parts_of_weights(names=lambda names: np.arange(len(names)))), Transformer)
