"""Parts of error messages."""

MAX_SHOWN = 10  # indices or names that an error message lists


def format_indices(indices):
    """Return the text that an error message shows for these indices: the first ten, and how many more there are."""
    indices = [int(i) for i in indices]
    text = ", ".join(map(str, indices[:MAX_SHOWN]))
    return text + (f" and {len(indices) - MAX_SHOWN} more" if len(indices) > MAX_SHOWN else "")
