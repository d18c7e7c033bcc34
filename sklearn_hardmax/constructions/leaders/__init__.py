"""Leaders: tokens that the others move towards when attention is all there is, and word embeddings trained through it."""
