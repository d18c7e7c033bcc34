"""Messages name the first indices."""

from sklearn_hardmax.sequences.messages import format_indices


def test_ten_indices_are_listed_and_the_others_counted():
    assert format_indices([3]) == "3"
    assert format_indices(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert format_indices(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
