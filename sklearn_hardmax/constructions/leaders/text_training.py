"""Train word embeddings through repeated hardmax attention, with a linear classifier of the mean embedding after it.

The leader flow is one hardmax attention layer, repeated: each word moves towards the words that it attends to (flow.py). With
words w of a text and embeddings x_w in R^d, the rows of E,

    Z = (x_w)  for the words of the text,   `depth` steps of the leader flow, one alpha, A = I,
    s = V mean_i z_i + b  scores,   P(class) = sigmoid(s) with two classes and one row in V, softmax(s) with more

(Alcalde, Fantuzzi, Zuazua, arXiv 2407.01602). Between changes of the attended sets a step is linear, Z' = M Z with M =
(I + alpha P) / (1 + alpha), P the averages over attended sets. So s = V sum_w c_w x_w + b: the *shares* c = M_1' .. M_K' m,
with m the frequencies of the words, are positive and add up to 1; c_w is the share of word w in the decision. With
g = V' ds the gradient is

    dE_w = c_w g,      dalpha = sum_k <c^k, (P_k Z_k - Z_k) g> / (1 + alpha)^2,      c^(k-1) = M_k' c^k,

one number per word and layer, for any d. The hardmax itself is trained, by Adam (Kingma, Ba, arXiv 1412.6980) on mini-batches
of texts of similar length. Distinct words of a text are held once, with their frequencies.

Training may use BLAS, and takes the first of tied words, as embeddings drawn at random tie with probability 0. Predictions
and explanations are computed by `apply` of forward/run.py, with its tie rule.

*Penalty*: the mean norm of the embeddings of the words of a text, times a weight, is added to the loss. Each occurrence of a
word pulls it towards 0: frequent words that are not informative become short and follow others, while rare informative words
stay where they are.

*Word dropout*: a word of a training text is omitted with some probability, so that decisions do not depend on the rarest
words of the training texts (Iyyer et al. 2015, for averages of embeddings).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from sklearn_hardmax.constructions.leaders.flow import Flow
from sklearn_hardmax.forward import apply
from sklearn_hardmax.layers import Attention
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.transformer import Transformer

# Adam, as published: decay rates per step of the means of gradients and of squares; epsilon in units of a gradient
_MEAN_DECAY = 0.9
_SQUARE_DECAY = 0.999
_ADAM_EPSILON = 1e-8
# standard deviation of initial embeddings over the number of components: with few of these, only words near the origin can
# get past it in training
_INITIAL_DEVIATION_PER_COMPONENT = 0.005
_LENGTH_JITTER_WORDS = 2.0  # words by which texts may be out of order of length
_PADDING_SCORE = -1e30  # attention score of padding: no word attends to it
_EVALUATION_BATCH_SIZE = 256  # texts
_SMALLEST_PROBABILITY = np.finfo(np.float64).tiny  # in the loss, which so is finite


class Parameters(NamedTuple):
    """The trained parameters.

    Attributes
    ----------
    embeddings : ndarray of shape (n_words, d)
        E, one row per word.
    coef, intercept : ndarray of shape (n_scores, d) and (n_scores,)
        V and b; one score with two classes, else one score per class.
    log_alpha : ndarray of shape (1,)
        Logarithm of the step size of the flow.
    """

    embeddings: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    log_alpha: np.ndarray

    @classmethod
    def sample(cls, n_words, n_components, n_scores, rng):
        """Initial parameters: random embeddings near 0, alpha 1."""
        deviation = _INITIAL_DEVIATION_PER_COMPONENT * n_components
        embeddings = deviation * rng.normal(size=(n_words, n_components))
        return cls(embeddings, rng.normal(size=(n_scores, n_components)), np.zeros(n_scores), np.zeros(1))

    @property
    def alpha(self):
        """Step size of the flow."""
        return float(np.exp(self.log_alpha[0]))

    def transformer(self, depth):
        """The flow and one uniform attention that gives the mean of a text to all its words."""
        token_dim = self.embeddings.shape[1]
        step = Flow.from_parameters(token_dim, self.alpha).layer
        return Transformer([*[step] * depth, _mean_attention(token_dim)])

    def scores(self, pooled):
        """Scores (n, n_scores) of means of texts (n, d), summed in fixed order: the same bits in any batch."""
        out = np.zeros((len(pooled), len(self.coef))) + self.intercept
        for c in range(pooled.shape[1]):
            out += pooled[:, c, None] * self.coef[:, c]
        return out


def _mean_attention(token_dim):
    """Attention of rank 0 that replaces every token by the mean of its sequence."""
    nothing = np.zeros((0, token_dim))
    identity = np.eye(token_dim)
    return Attention(nothing, nothing, identity, identity, rho=0.0)


def probabilities(scores):
    """P of each class (n, n_classes) from scores (n, n_scores): one score is the logit of the second of two classes."""
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    return softmax(scores, axis=1)


class Batch(NamedTuple):
    """G texts side by side, padded to the largest number L of distinct words.

    Attributes
    ----------
    words : ndarray of shape (G, L), int64
        Indices of the distinct words of each text, then 0.
    frequencies : ndarray of shape (G, L)
        Their proportions in the text, then 0; each row adds up to 1.
    labels : ndarray of shape (G,), int
        Class indices.
    """

    words: np.ndarray
    frequencies: np.ndarray
    labels: np.ndarray


def batches(counts, labels, size, rng=None):
    """Yield Batches of at most `size` texts with similar numbers of distinct words; every text once.

    counts : CSR (n_texts, n_words), how often each text has each word, no row empty; labels : (n_texts,); rng : RandomState,
    which shuffles texts of nearly equal length and the order of the batches; without it the order is by length.
    """
    lengths = np.diff(counts.indptr)
    jitter = 0 if rng is None else _LENGTH_JITTER_WORDS * rng.uniform(size=len(lengths))
    order = np.argsort(lengths + jitter, kind="stable")
    starts = np.arange(0, len(order), size)
    if rng is not None:
        rng.shuffle(starts)
    for start in starts.tolist():
        texts = order[start : start + size]
        chosen = counts[texts]
        n_distinct = np.diff(chosen.indptr)
        # CSR stores the entries row after row, as the mask selects them
        is_word = np.arange(n_distinct.max()) < n_distinct[:, None]
        words = np.zeros(is_word.shape, dtype=np.int64)
        words[is_word] = chosen.indices
        frequencies = np.zeros(is_word.shape)
        frequencies[is_word] = chosen.data
        yield Batch(words, frequencies / frequencies.sum(axis=1, keepdims=True), labels[texts])


def drop_words(batch, rate, rng):
    """The batch without some words, each omitted with probability `rate`; a text that would lose all words keeps them all."""
    is_dropped = rng.uniform(size=batch.words.shape) < rate
    kept = np.where(is_dropped, 0.0, batch.frequencies)
    sums = kept.sum(axis=1, keepdims=True)
    has_words = sums > 0
    frequencies = np.where(has_words, kept / np.where(has_words, sums, 1.0), batch.frequencies)
    return batch._replace(frequencies=frequencies)


def pooled_means(parameters, batch, depth):
    """Means of the texts of a batch after the flow, (G, d), and for each layer a pair (attended, differences).

    attended : (G, L) ints, the word that each word attends to, as index into the G L words of the batch; differences :
    (G, L, d), that word minus the word itself.
    """
    Z = parameters.embeddings[batch.words]
    n_texts, length, _ = Z.shape
    padding = np.where(batch.frequencies > 0, 0.0, _PADDING_SCORE)[:, None]
    first = length * np.arange(n_texts)[:, None]
    step = 1 - 1 / (1 + parameters.alpha)
    layers = []
    for _ in range(depth):
        attended = (Z @ Z.transpose(0, 2, 1) + padding).argmax(axis=2) + first
        differences = Z.reshape(n_texts * length, -1)[attended] - Z
        layers.append((attended, differences))
        Z = Z + step * differences
    return (batch.frequencies[:, :, None] * Z).sum(axis=1), layers


def loss_and_gradient(parameters, batch, depth, penalty=0.0):
    """Mean cross-entropy of a batch plus penalty times the mean norm of its words, and the gradient as Parameters."""
    pooled, layers = pooled_means(parameters, batch, depth)
    errors = probabilities(pooled @ parameters.coef.T + parameters.intercept)
    loss = -_log_likelihoods(errors, batch.labels).mean()
    # the derivative of the loss by the scores: probabilities minus 1 at the label, over the number of texts
    errors[np.arange(len(errors)), batch.labels] -= 1.0
    errors = errors[:, -len(parameters.coef) :] / len(errors)  # two classes: the second alone
    g = errors @ parameters.coef
    # from the last layer to the first: c^k is `shares`, and M' c adds the shares of all words that attend to a word
    shares = batch.frequencies
    of_alpha = 0.0
    rho = 1 / (1 + parameters.alpha)
    for attended, differences in reversed(layers):
        # d(step) / dalpha = rho^2
        of_alpha += (shares * (differences @ g[:, :, None])[..., 0]).sum() * rho**2
        received = np.bincount(attended.ravel(), shares.ravel(), minlength=shares.size).reshape(shares.shape)
        shares = rho * shares + (1 - rho) * received
    words = batch.words.ravel()
    n_words = len(parameters.embeddings)
    of_words = np.stack([np.bincount(words, (shares * column[:, None]).ravel(), n_words) for column in g.T], axis=1)
    if penalty:
        norms = np.sqrt(np.square(parameters.embeddings).sum(axis=1))
        weights = np.bincount(words, batch.frequencies.ravel(), n_words) * penalty / len(g)
        loss += weights @ norms
        pulls = np.divide(weights, norms, out=np.zeros_like(norms), where=norms > 0)
        of_words += pulls[:, None] * parameters.embeddings
    of_log_alpha = np.array([of_alpha * parameters.alpha])  # chain rule: dalpha / dlog_alpha = alpha
    return loss, Parameters(of_words, errors.T @ pooled, errors.sum(axis=0), of_log_alpha)


def _log_likelihoods(chances, labels):
    """Logarithm of the probability of the label of each text, (n,), from probabilities (n, n_classes)."""
    return np.log(np.maximum(chances[np.arange(len(chances)), labels], _SMALLEST_PROBABILITY))


class _Adam:
    """The optimiser Adam on the arrays of Parameters, which it changes in place."""

    def __init__(self, parameters, rate):
        self.parameters = parameters
        self.rate = rate
        self.n_steps = 0
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]

    def step(self, gradient):
        self.n_steps += 1
        # corrects both means for their start at 0
        scale = self.rate * np.sqrt(1 - _SQUARE_DECAY**self.n_steps) / (1 - _MEAN_DECAY**self.n_steps)
        for p, g, (mean, square) in zip(self.parameters, gradient, self.moments):
            mean += (1 - _MEAN_DECAY) * (g - mean)
            square += (1 - _SQUARE_DECAY) * (np.square(g) - square)
            p -= scale * mean / (np.sqrt(square) + _ADAM_EPSILON)


class Settings(NamedTuple):
    """How to train.

    Attributes
    ----------
    depth, max_iter, batch_size : int
        Layers of the flow, largest number of epochs, texts per step.
    rate, word_dropout, penalty : float
        Learning rate of Adam, probability with which a word is omitted, weight of the mean norm of words in the loss.
    patience : int
        Training stops after this many epochs without a smaller held-out loss.
    """

    depth: int
    max_iter: int
    batch_size: int
    rate: float
    word_dropout: float
    penalty: float
    patience: int


class Training(NamedTuple):
    """The result of training.

    Attributes
    ----------
    parameters : Parameters
        Of the epoch with the smallest held-out loss (of equal ones the last); of the last epoch without held-out texts.
    losses, held_out_losses, held_out_accuracies : list of float
        Mean training loss of each epoch; mean loss and accuracy on held-out texts, empty without such.
    """

    parameters: Parameters
    losses: list
    held_out_losses: list
    held_out_accuracies: list


def train(parameters, counts, labels, held_out, settings, rng, log):
    """Train a copy of these parameters by Adam; returns Training.

    `held_out` is (counts, labels) of other texts, which choose the best epoch and when to stop, or None.
    """
    parameters = Parameters(*(p.copy() for p in parameters))
    optimiser = _Adam(parameters, settings.rate)
    best = None
    epochs_since_best = 0
    history = Training(None, [], [], [])
    for epoch in range(settings.max_iter):
        losses = []
        for batch in batches(counts, labels, settings.batch_size, rng):
            batch = drop_words(batch, settings.word_dropout, rng)
            loss, gradient = loss_and_gradient(parameters, batch, settings.depth, settings.penalty)
            optimiser.step(gradient)
            losses.append(loss)
        history.losses.append(float(np.mean(losses)))
        message = f"epoch {epoch + 1}: loss {history.losses[-1]:.4f}, alpha {parameters.alpha:.3g}"
        if held_out is None:
            log(message)
            continue
        loss, accuracy = evaluate(parameters, *held_out, settings.depth)
        history.held_out_losses.append(loss)
        history.held_out_accuracies.append(accuracy)
        log(f"{message}, held-out loss {loss:.4f}, accuracy {accuracy:.3f}")
        epochs_since_best += 1
        if loss <= min(history.held_out_losses):
            best = Parameters(*(p.copy() for p in parameters))
            epochs_since_best = 0
        if epochs_since_best >= settings.patience:
            break
    return history._replace(parameters=parameters if best is None else best)


def evaluate(parameters, counts, labels, depth):
    """Mean cross-entropy and accuracy on texts: counts CSR (n_texts, n_words), labels (n_texts,)."""
    total_loss = 0.0
    n_correct = 0
    for batch in batches(counts, labels, _EVALUATION_BATCH_SIZE):
        pooled, _ = pooled_means(parameters, batch, depth)
        chances = probabilities(pooled @ parameters.coef.T + parameters.intercept)
        total_loss -= _log_likelihoods(chances, batch.labels).sum()
        n_correct += (chances.argmax(axis=1) == batch.labels).sum()
    return float(total_loss / len(labels)), float(n_correct / len(labels))


# -- explaining a decision -------------------------------------------------------------------------------------------------


def leader_layers(parameters, sequences, depth):
    """The first layer at which each word was a leader, -1 for none, (n_tokens,)."""
    return Flow.from_parameters(sequences.token_dim, parameters.alpha).run(sequences, depth).leader_layers


def shares(parameters, tokens, place, depth):
    """Share of each distinct word of one text in the mean of the text after the flow, (n_distinct,); they add up to 1.

    tokens : (n, d), embeddings of all its words; place : (n,), index of the distinct word that each of them is. Every token
    gets the unit vector of its distinct word as further coordinates, which attention moves but does not compare; the mean of
    these vectors after the flow is the shares. O(n n_distinct) numbers.
    """
    token_dim = tokens.shape[1]
    n_distinct = int(place.max()) + 1
    extended = np.concatenate([tokens, np.eye(n_distinct)[place]], axis=1)
    step = Flow.from_parameters(token_dim, parameters.alpha).layer
    # query and key are 0 on the unit vectors, values are all coordinates
    query, key = (np.pad(factor, ((0, 0), (0, n_distinct))) for factor in (step.query, step.key))
    identity = np.eye(token_dim + n_distinct)
    layers = [Attention(query, key, step.value[0, 0] * identity, identity, step.rho)] * depth
    transformer = Transformer([*layers, _mean_attention(token_dim + n_distinct)])
    return apply(transformer, RaggedSequences.from_list([extended])).tokens[0, token_dim:]
