"""Parts that all constructions share, from the evaluation of sequences to the result that a user receives.

The modules, in the order in which data goes through them:

    threads         run thin matrix products on one thread
    batches         evaluate a function on batches of whole sequences, or on other parts of a task, in parallel jobs
    exact_sums      sums of floats that are the same bits in any order
    temperatures    choose a softmax temperature so small that the results of the hardmax are kept
    units           ReLU building blocks: ramps, bumps, projections and constants as groups of hidden units
    plans           layer specifications: count parameters, check memory, then make the layers
    built_network   base class of all constructed networks: encode, transformer, decode
    construction    the result `Construction`, the errors, and the message about conflicting labels
"""
