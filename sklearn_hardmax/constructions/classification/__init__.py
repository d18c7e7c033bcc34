"""Exact classification: one code per sequence, and intervals of codes that belong to one class.

The modules, in the order in which data goes through them:

    build             from labelled sequences to a certified CodeClassifier; states the theorem and leads through its proof
    intervals         from the codes of the training sequences to boundaries between classes
    code_classifier   from codes and boundaries to labels of new sequences, and to the layers of the network
"""
