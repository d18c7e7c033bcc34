"""Constructions about leaders, the tokens that all others move towards when a transformer consists of attention only.

Modules, in the order in which data goes through them:

    flow            the leader flow: one attention layer, repeated; which tokens become leaders, and the clusters around them
    text_training   word embeddings that are trained through the leader flow, with a linear classifier after it
"""
