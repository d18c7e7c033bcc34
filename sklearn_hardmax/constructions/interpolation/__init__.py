"""Exact interpolation: a target for every token, or one for every sequence.

The modules, in the order in which data goes through them:

    build                from sequences and targets to a certified TokenInterpolator; states the theorem and the construction
    targets              from targets as given to an index of the target for every token or sequence; rejects contradictions
    token_code           from tokens to one number each, which identifies the token and the multiset of its sequence
    plateaus             from these numbers and target indices to a step function
    token_interpolator   from the step function to outputs of new sequences, and to the network
    selectors            the layers of that network
    in_place             another network for the same codes, without coordinates of its own for the targets
    training             from constructed weights to smaller ones, by regularised training
"""
