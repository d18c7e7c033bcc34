"""Exact classification: every sequence gets one number, its code; intervals of codes belong to one class.

The modules, in the order in which data goes through them:

    build             from labelled sequences to a certified CodeClassifier; states the theorem and leads through its proof
    intervals         from the codes of the training sequences to boundaries between classes
    code_classifier   from codes and boundaries to labels of new sequences, and to the layers of the network
"""
