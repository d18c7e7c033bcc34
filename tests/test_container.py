"""The format of files: its bytes, what it notices, what it refuses."""

import io
import json
import os
import re
import tracemalloc
import zlib

import numpy as np
import pytest
from cases.files import AWKWARD, file_of, head, memory_for, of_sequences, only_linux_limits_memory, section
from cases.transformer import example
from effort import slow
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import FeedForward, RaggedSequences, Transformer
from sklearn_hardmax._container import Expected, load_sections, save_sections

SAVED = {"RaggedSequences": AWKWARD, "Transformer": example()}
EACH = pytest.mark.parametrize("kind", SAVED)
ONE = pytest.mark.parametrize("kind", ["RaggedSequences", *slow("Transformer")])  # the bytes of both go the same way
TOKENS = np.array([[0.5, 1.5], [2.5, -0.0]])
OFFSETS = np.array([0, 1, 2])
REFUSED = r"is damaged|holds no"


def saved(kind, tmp_path):
    SAVED[kind].save(tmp_path / "saved")
    return (tmp_path / "saved").read_bytes()


def load(tmp_path, data, cls=RaggedSequences, **options):
    (tmp_path / "file").write_bytes(data)
    return cls.load(tmp_path / "file", **options)


# -- the bytes ---------------------------------------------------------------------------------------------------------


def test_a_file_has_the_bytes_of_the_description(tmp_path):
    assert saved("RaggedSequences", tmp_path) == of_sequences(AWKWARD.tokens, AWKWARD.offsets)
    # layers of example(): feed-forward 0, attention 1; U has 2 rows, then rank and value rank of attentions, U has 1 row
    sections = {
        "names": ["code", "digit"],
        "kinds": np.array([0, 1, 1, 0]),
        "sizes": np.array([layer.sizes for layer in example().layers]),
        "entries": np.concatenate(
            [np.ravel(getattr(f, n)) for f in example().layers for n in f.array_names + f.scalar_names]
        ),
    }
    assert saved("Transformer", tmp_path) == file_of("Transformer", *(section(*item) for item in sections.items()))


def test_a_file_written_down_by_hand(tmp_path):
    """The checksums are those that gzip computes."""
    header = (
        b'{"kind":"RaggedSequences","sections":['
        b'{"name":"tokens","dtype":"<f4","shape":[1,1],"bytes":4,"crc32":"aca16a6a","optional":false},'
        b'{"name":"offsets","dtype":"<i8","shape":[2],"bytes":16,"crc32":"20114bcb","optional":false}]}'
    )
    assert len(header) == 0xDF == 223  # so that the tokens begin at 256
    start = b"\x93HARDMAX" + b"\x57\x2e\xaa\xb3" + b"\x01\0\0\0" + b"\xdf\0\0\0" + header + bytes(13)
    tokens = b"\0\0\x80\x3f" + bytes(60)
    offsets = bytes(8) + b"\x01" + bytes(7)
    RaggedSequences(np.array([[1.0]], dtype=np.float32), [0, 1]).save(tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == start + tokens + offsets


# -- round trips -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_every_bit_of_the_tokens_comes_back(tmp_path, dtype, mmap_mode):
    tiny = np.finfo(dtype).smallest_subnormal
    tokens = np.array([[-0.0, tiny], [np.finfo(dtype).max, -tiny], [0.1, -np.finfo(dtype).tiny]], dtype=dtype)
    RaggedSequences(tokens, [0, 1, 3]).save(tmp_path / "saved")
    found = RaggedSequences.load(tmp_path / "saved", mmap_mode=mmap_mode)
    assert found.dtype == dtype
    assert found.tokens.tobytes() == tokens.tobytes()
    assert found.offsets.tolist() == [0, 1, 3]


@given(st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=4))
def test_names_of_any_characters_come_back(tmp_path_factory, names):
    """Zeros at the end and surrogates too, which NumPy's texts and UTF-8 do not have."""
    path = tmp_path_factory.mktemp("names") / "saved"
    n = len(names)
    for given_names in (names, [*names[1:], "\ud83d\ude00\0"]):  # two surrogates are not the character that they make
        weights = Transformer([FeedForward(np.ones((1, n)), [0.0], np.ones((n, 1)))], names=given_names)
        weights.save(path)
        assert Transformer.load(path).names == tuple(given_names)


def test_sections_begin_at_multiples_of_64_bytes(tmp_path):
    mapped = load(tmp_path, saved("RaggedSequences", tmp_path), mmap_mode="r")
    assert mapped.tokens.base.offset % 64 == 0
    assert mapped == AWKWARD


@pytest.mark.parametrize("n_bytes", [0, 1, 2**18 - 8, 2**18, 2**18 + 8, 3 * 2**18])
def test_sections_of_any_size_are_written_and_read_in_pieces(tmp_path, n_bytes):
    content = {"numbers": np.arange(n_bytes // 8), "texts": ["x" * n_bytes]}
    save_sections(tmp_path / "file", "Transformer", content)
    expected = {"numbers": Expected(("int64",), 1), "texts": Expected(("text",), 1)}
    found = load_sections(tmp_path / "file", "Transformer", expected, dict)
    assert np.array_equal(found["numbers"], content["numbers"])
    assert found["texts"] == content["texts"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 32_767, 65_536, 99_999])  # in each of the pieces, at their ends
def test_one_number_that_is_not_finite_is_refused(tmp_path, dtype, number, at):
    numbers = np.ones(100_000, dtype)
    numbers[at] = number
    save_sections(tmp_path / "file", "Transformer", {"numbers": numbers})
    with pytest.raises(ValueError, match="is damaged: its section 'numbers' holds NaN or infinity"):
        load_sections(tmp_path / "file", "Transformer", {"numbers": Expected((numbers.dtype.name,), 1)}, dict)


# -- damage ------------------------------------------------------------------------------------------------------------


def flips(data, bits):
    for i in range(len(data)):
        for bit in range(8) if bits == "all" else [i % 8]:
            yield i, data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1 :]


@ONE
@pytest.mark.parametrize("bits", ["one of each byte", *slow("all")])
def test_every_flipped_bit_is_noticed_and_refused(kind, tmp_path, bits):
    """CRC-32 notices all damage of up to 32 adjacent bits; what lies beside the checksums is compared."""
    for i, data in flips(saved(kind, tmp_path), bits):
        with pytest.raises(ValueError, match=REFUSED) as refused:
            load(tmp_path, data, type(SAVED[kind]))
        assert ("holds no" in str(refused.value)) == (i < 8)


def test_every_flipped_bit_beside_the_mapped_tokens_is_noticed_and_refused(tmp_path):
    whole = saved("RaggedSequences", tmp_path)
    first = whole.index(AWKWARD.tokens.tobytes())
    for i, data in flips(whole, "one of each byte"):
        if first <= i < first + AWKWARD.tokens.nbytes:
            found = load(tmp_path, data, mmap_mode="r")
            assert found.tokens.tobytes() != AWKWARD.tokens.tobytes()
            assert np.array_equal(found.offsets, AWKWARD.offsets)
        else:
            with pytest.raises(ValueError, match=REFUSED):
                load(tmp_path, data, mmap_mode="r")


@ONE
def test_every_cut_and_every_longer_file_is_refused(kind, tmp_path):
    whole = saved(kind, tmp_path)
    for data in [whole[:n] for n in range(len(whole))] + [whole + b"\0", whole + whole]:
        with pytest.raises(ValueError, match=REFUSED):
            load(tmp_path, data, type(SAVED[kind]))
        if kind == "RaggedSequences":
            with pytest.raises(ValueError, match=REFUSED):
                load(tmp_path, data, mmap_mode="r")


@EACH
@given(data=st.data())
def test_bytes_that_are_exchanged_moved_or_repeated_are_refused(kind, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("mutated")
    whole = saved(kind, folder)
    a, b, c = sorted(data.draw(st.lists(st.integers(0, len(whole)), min_size=3, max_size=3)))
    for mutated in (whole[:a] + whole[b:c] + whole[a:b] + whole[c:], whole[:b] + whole[a:], whole[:a] + whole[b:]):
        if mutated != whole:
            with pytest.raises(ValueError, match=REFUSED):
                load(folder, mutated, type(SAVED[kind]))


def test_a_file_that_is_cut_while_it_is_read_is_refused(tmp_path, monkeypatch):
    whole = saved("RaggedSequences", tmp_path)
    real = os.fstat
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", lambda file: os.stat_result([*real(file)[:6], len(whole), *real(file)[7:]]))
        with pytest.raises(ValueError, match="is damaged: it was cut while it was read"):
            load(tmp_path, whole[:-1])


# -- refused headers ---------------------------------------------------------------------------------------------------

GOOD = {"kind": "RaggedSequences", "sections": [section("tokens", TOKENS)[0], section("offsets", OFFSETS)[0]]}


def header(**changed):
    """The header of a file of two sequences, with something changed in its first section."""
    first, second = GOOD["sections"]
    return {**GOOD, "sections": [{**first, **changed}, second]}


NOT_AS_WRITTEN = [
    json.dumps(GOOD).encode(),  # spaces
    json.dumps(GOOD, separators=(",", ":")).replace('{"kind"', '{"kind":"Transformer","kind"').encode(),
    json.dumps(GOOD, separators=(",", ":")).encode("utf-16"),
    {**GOOD, "more": 1},
    {"kind": "RaggedSequences"},
    {**GOOD, "sections": 3},
    {**GOOD, "sections": [3]},
    header(more=1),
    header(shape=[2, 3]),
    header(shape=[-2, -2]),
    header(shape=[2.0, 2]),
    header(shape=[True, 4]),
    header(shape="22"),
    header(shape=[1, 2]),
    header(shape=None),
    header(bytes=-32),
    header(bytes=32.0),
    header(dtype="text", bytes=-32),
    header(bytes=33),
    [],
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b"1" * 5_000,
    b"NaN",
]


@pytest.mark.parametrize("index", range(len(NOT_AS_WRITTEN)))
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_a_header_that_is_not_as_save_writes_it_is_refused(tmp_path, index, mmap_mode):
    """Its checksum is right: nobody writes it by accident. Nor does the size of the file tell: it is that of a good one."""
    data = head(NOT_AS_WRITTEN[index])
    data += bytes(-len(data) % 64) + TOKENS.tobytes() + bytes(32) + OFFSETS.tobytes()
    with pytest.raises(ValueError, match="is damaged: its header is not as this package writes it"):
        load(tmp_path, data, mmap_mode=mmap_mode)


@pytest.mark.parametrize("bits", [7, 40, 62, 64, 200])
def test_sizes_beyond_the_file_are_refused_before_anything_is_allocated(tmp_path, bits):
    huge, _ = section("tokens", TOKENS, shape=[2**bits, 2], bytes=2 ** (bits + 4))
    for options in ({}, {"mmap_mode": "r"}):
        with pytest.raises(ValueError, match=r"is damaged: it has \d+ bytes and should have \d+\."):
            load(tmp_path, file_of("RaggedSequences", (huge, TOKENS.tobytes()), section("offsets", OFFSETS)), **options)


def test_a_header_that_would_be_longer_than_any_is_not_read(tmp_path):
    data = head(b" " * (2**20 + 1))
    with pytest.raises(ValueError, match="its header does not have the checksum"):
        load(tmp_path, data)


@pytest.mark.parametrize("names", [["tokens"], ["tokens", "offsets", "tokens"], []])
def test_missing_and_repeated_sections_are_refused(tmp_path, names):
    sections = [section(name, {"tokens": TOKENS, "offsets": OFFSETS}[name]) for name in names]
    with pytest.raises(
        ValueError, match=re.escape(f"it has the sections {names}, and should have ['tokens', 'offsets']")
    ):
        load(tmp_path, file_of("RaggedSequences", *sections))


@pytest.mark.parametrize("data", [b'["a"', b'{"a":1,"b":2}', b'["a"]', b'["a",1]', b'["a","\xff"]', b"[" * 10_000])
def test_texts_that_are_no_list_of_their_number_are_refused(tmp_path, data):
    described, _ = section("names", ["a", "b"], bytes=len(data), crc32=f"{zlib.crc32(data):08x}")
    with pytest.raises(ValueError, match=r"is no list of \[2\] texts|Expecting|utf-8|recursion"):
        (tmp_path / "file").write_bytes(file_of("Transformer", (described, data)))
        load_sections(tmp_path / "file", "Transformer", {"names": Expected(("text",), 1)}, dict)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (np.zeros(2), r"float64 of shape \(2,\)"),
        (np.zeros((1, 2), dtype=int), r"int64 of shape \(1, 2\)"),
        (["a"], "1 texts"),
    ],
)
def test_sections_of_another_dtype_or_number_of_dimensions_are_refused(tmp_path, content, found):
    for options in ({}, {"mmap_mode": "r"}) if not isinstance(content, list) else [{}]:
        with pytest.raises(ValueError, match=rf"file' is damaged: its tokens are {found}\.$"):
            load(
                tmp_path, file_of("RaggedSequences", section("tokens", content), section("offsets", OFFSETS)), **options
            )


# -- versions and kinds ------------------------------------------------------------------------------------------------


def test_a_section_that_is_not_known_is_refused_as_newer_unless_it_is_optional(tmp_path):
    weights = section("weights", np.ones(2))
    with pytest.raises(
        ValueError, match=r"written by a newer version of sklearn_hardmax \(its section 'weights'.*update"
    ):
        load(tmp_path, of_sequences(TOKENS, OFFSETS, weights))
    # a dtype of a later version, too
    for later in ({}, {"dtype": "later"}, {"dtype": "text", "shape": [0]}):
        described, data = section("weights", np.ones(2), optional=True, **later)
        if later.get("dtype") == "text":
            described, data = section("weights", [], optional=True)
        whole = of_sequences(TOKENS, OFFSETS, (described, data))
        assert load(tmp_path, whole) == load(tmp_path, whole, mmap_mode="r") == RaggedSequences(TOKENS, OFFSETS)
        # what is skipped is verified
        with pytest.raises(ValueError, match="is damaged: its section 'weights' does not have the checksum"):
            load(tmp_path, whole[:-1] + bytes([whole[-1] ^ 1]))


def test_a_known_section_of_an_unknown_dtype_is_refused_as_newer(tmp_path):
    with pytest.raises(
        ValueError, match=r"written by a newer version of sklearn_hardmax \(its section 'tokens' of '<f2'"
    ):
        load(tmp_path, of_sequences(TOKENS.astype(np.float16), OFFSETS))


def test_a_newer_format_is_refused_as_newer_and_a_flipped_version_as_damaged(tmp_path):
    """Only the first 20 bytes and the checksum of the header are the same in all versions."""
    for data in (file_of("RaggedSequences", version=2), head(b"another header", version=2**32 - 1) + b"and contents"):
        with pytest.raises(
            ValueError, match=r"file' was written by a newer version .*; update sklearn_hardmax to read it\.$"
        ):
            load(tmp_path, data)
    data = of_sequences(TOKENS, OFFSETS)
    with pytest.raises(ValueError, match="is damaged"):
        load(tmp_path, data[:12] + b"\x03" + data[13:])
    with pytest.raises(ValueError, match="is damaged"):
        load(tmp_path, file_of("RaggedSequences", section("tokens", TOKENS), section("offsets", OFFSETS), version=0))


def test_a_file_of_another_class_is_refused_with_the_class_that_reads_it(tmp_path):
    with pytest.raises(
        ValueError, match=r"file' holds a Transformer, not a RaggedSequences: read it with Transformer\.load\.$"
    ):
        load(tmp_path, saved("Transformer", tmp_path))
    with pytest.raises(
        ValueError, match=r"holds a RaggedSequences, not a Transformer: read it with RaggedSequences\.load\."
    ):
        load(tmp_path, saved("RaggedSequences", tmp_path), Transformer)


@EACH
@pytest.mark.parametrize("data", [b"", b"\x93HARDMA", b"a,b\n1,2\n", b"PK\x05\x06" + bytes(18), b"\x80\x05N."])
def test_a_file_of_something_else_is_refused(kind, tmp_path, data):
    with pytest.raises(ValueError, match=rf"file' holds no {kind} as written by save: it begins with "):
        load(tmp_path, data, type(SAVED[kind]))


# -- memory and errors of the system -----------------------------------------------------------------------------------


def peak_of(use):
    """The most bytes that were allocated at once while this function ran, what it returns included."""
    tracemalloc.start()
    try:
        use()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_saving_copies_no_tokens_and_loading_makes_one_copy(tmp_path):
    X = RaggedSequences(np.ones((2**18, 4)), [0, 2**18])  # 8 MiB
    room = 2**19
    assert peak_of(lambda: X.save(tmp_path / "saved")) < room
    assert peak_of(lambda: RaggedSequences.load(tmp_path / "saved")) < X.tokens.nbytes + room
    assert peak_of(lambda: RaggedSequences.load(tmp_path / "saved", mmap_mode="r")) < room


LARGE = 2**31


def large_files():
    """The first bytes of files of 2 GiB for which there is too little memory, and their size."""
    tokens, _ = section("tokens", TOKENS, shape=[LARGE // 16, 2], bytes=LARGE)
    start = head({"kind": "RaggedSequences", "sections": [tokens, section("offsets", OFFSETS)[0]]})
    yield RaggedSequences, start, len(start) + -len(start) % 64 + LARGE + 64 - 40
    entries, _ = section("entries", TOKENS, shape=[LARGE // 8], bytes=LARGE)
    integers = [section(name, np.zeros((0,) * n, dtype=int))[0] for name, n in (("kinds", 1), ("sizes", 2))]
    start = head({"kind": "Transformer", "sections": [entries, *integers, section("names", [])[0]]})
    yield Transformer, start, len(start) + -len(start) % 64 + LARGE + 2


@only_linux_limits_memory
def test_too_little_memory_is_no_damage(tmp_path):
    for cls, start, size in large_files():
        path = tmp_path / cls.__name__
        with open(path, "wb") as file:
            file.write(start)
            file.truncate(size)  # zeros that take no room on the disk
        for options in ({}, {"mmap_mode": "r"}) if cls is RaggedSequences else ({},):
            message = rf"too little memory to load '.*{cls.__name__}': it takes {size} bytes"
            with pytest.raises(MemoryError, match=message), memory_for(2**28):
                cls.load(path, **options)


class Broken(io.FileIO):
    def readinto(self, _):
        raise OSError("Input/output error")


@EACH
def test_an_error_of_the_disk_is_no_damage(kind, tmp_path, monkeypatch):
    saved(kind, tmp_path)
    monkeypatch.setattr("sklearn_hardmax._container.open_regular", Broken)
    with pytest.raises(OSError, match="Input/output error"):
        type(SAVED[kind]).load(tmp_path / "saved")
