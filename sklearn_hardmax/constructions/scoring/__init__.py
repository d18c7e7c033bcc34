"""A classifier for unseen sequences: ridge regression on pooled features, with corrections of its training errors.

Modules, in the order in which data goes through them:

    build               sequences and labels to a PooledClassifier; calls the modules below
    regression          one ridge regression for each family of heads, all sequences held or in shares; their weights
    ridge               weighted ridge regression on the pooled features, alpha chosen by leave-one-out; its parts are
                        grid (features as integers), gram (exact sums of their products), systems (the regression at one
                        alpha, primal and dual) and penalty (which alphas are computed, and which is chosen)
    readout             regression coefficients on an integer grid; class scores from pooled sums, exact in any order
    corrections         bumps that correct the training sequences which the regression misclassifies
    pooled_classifier   the result: predicts labels and scores directly, and writes out its weights
    network             the same classifier as explicit layers of a transformer
    explanation         the contribution of every pooled feature to a decision, as a table
"""
