"""Messages about conflicts, and checks of what a network gave back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.common.construction import (
    Conflict,
    as_network_output,
    conflict_message,
    label_per_sequence,
)

BEGINNING = "Sequences with different labels cannot be told apart: "


def conflicts(kind, *groups):
    return [Conflict(np.array(group), kind) for group in groups]


def test_the_message_names_three_groups_of_a_kind_and_counts_the_others():
    three = conflicts("equal", [0, 1], [2, 5], [3, 4, 6])
    assert conflict_message(three) == BEGINNING + "sequences 0, 1; 2, 5; 3, 4, 6 are equal as floats"
    five = three + conflicts("equal", [7, 8], [9, 10])
    assert conflict_message(five) == BEGINNING + "sequences 0, 1; 2, 5; 3, 4, 6 and 2 more groups are equal as floats"
    assert (
        conflict_message(five[:4]) == BEGINNING + "sequences 0, 1; 2, 5; 3, 4, 6 and 1 more group are equal as floats"
    )


def test_the_message_names_the_kinds_one_after_another():
    """Wherever they stand in the list: equal ones first, then those that differ in their order, then those that are close."""
    found = conflicts("close", [4, 5]) + conflicts("order", [2, 3]) + conflicts("equal", [0, 1])
    assert conflict_message(found) == BEGINNING + (
        "sequences 0, 1 are equal as floats, and sequences 2, 3 have equal frequencies of tokens (ordered=True tells them "
        "apart where their order or length differs), and sequences 4, 5 are closer than float64 resolves"
    )


def test_of_a_large_group_ten_sequences_are_named():
    message = conflict_message(conflicts("close", range(100, 113)))
    assert message.endswith(
        "100, 101, 102, 103, 104, 105, 106, 107, 108, 109 and 3 more are closer than float64 resolves"
    )


SEQUENCES_OF_LABELS = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=3), min_size=1, max_size=4)


@given(SEQUENCES_OF_LABELS)
def test_sequences_have_the_label_of_their_tokens_or_the_first_other_one_is_named(labels):
    tokens = RaggedSequences.from_list([np.zeros((len(own), 1)) for own in labels])
    names = np.array(["red", "blue"])[np.concatenate(labels)]
    wrong = [own[0] != label for own in labels for label in own]
    if any(wrong):
        with pytest.raises(ValueError, match=rf"^Token {wrong.index(True)} has another label than its sequence"):
            label_per_sequence(tokens, names)
    else:
        assert label_per_sequence(tokens, names).tolist() == [["red", "blue"][own[0]] for own in labels]


def test_tokens_must_have_the_width_of_the_network():
    tokens = RaggedSequences.from_list([np.zeros((2, 3))])
    assert as_network_output(tokens, 3) is tokens
    for width in (2, 4):
        with pytest.raises(ValueError, match=rf"^The network has {width} coordinates, these tokens have 3\.$"):
            as_network_output(tokens, width)
