"""The classifier of texts, the words of a text, and which words lead."""
