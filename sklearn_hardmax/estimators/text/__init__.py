"""LeaderTextClassifier, a classifier of texts decided by leaders: the few words towards which attention moves the others.

classifier.py    The estimator: fit, predict, encode, to_transformer, decode.
inspection.py    Its explanations: known words, leaders of a text, how many texts each word leads.
training.py      Its parameters: checked, and as settings of training; texts that are held out.
word_leaders.py  The trained flow with its vocabulary: share, score and leader layer of each word.
words.py         Texts to lists of words, and word counts, by scikit-learn's CountVectorizer.
"""
