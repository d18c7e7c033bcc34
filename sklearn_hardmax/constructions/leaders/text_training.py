"""Word embeddings that are trained through the leader flow, and a linear decoder of where it takes a text.

    Z = (x_w)  the words of a text, x_w in R^d a row of E for each,   `depth` steps of the leader flow, one alpha, A = I,
    s = V mean_i z_i + b  scores,   P(class) = sigmoid(s) with two classes and one row in V, softmax(s) with more

(Alcalde, Fantuzzi, Zuazua, arXiv 2407.01602). Between changes of the attended sets a step is linear, Z' = M Z with M =
(I + alpha P) / (1 + alpha), P the averages over attended sets. So s = V sum_w c_w x_w + b: the *shares* c = M_1' .. M_K' m,
m the frequencies of the words, are positive, add up to 1, and say how much of the decision each word is. With g = V' ds the
gradient is

    dE_w = c_w g,      dalpha = sum_k <c^k, (P_k Z_k - Z_k) g> / (1 + alpha)^2,      c^(k-1) = M_k' c^k,

one number a word and layer, whatever d. It is trained on the hardmax itself, by Adam (Kingma, Ba, arXiv 1412.6980) on
mini-batches of texts of similar length. Distinct words of a text are held once, with their frequencies.

Training may use BLAS, and takes the first of tied words, as embeddings drawn at random tie with probability 0. What is shown
and predicted afterwards comes from the engine and its tie rule.

*Penalty*: the mean norm of the embeddings of the words of a text, times a weight, joins the loss. Each occurrence pulls,
so that frequent words that say nothing shrink, and follow, while rare words that say much stay where they are.

*Word dropout*: a word of a training text is left out with some probability, so that decisions do not lean on the rarest words
of the training texts (Iyyer et al. 2015, for averages of embeddings).
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.leaders.flow import Flow
from sklearn_hardmax.forward import apply
from sklearn_hardmax.layers import Attention
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.transformer import Transformer

_BETAS, _TINY = (0.9, 0.999), 1e-8  # of Adam, as published
_SPREAD = 0.005  # of embeddings at the start, a component: in few dimensions words must still get round the origin
_JITTER = 2.0  # words by which texts of one batch may be out of order of length
_PADDING_SCORE = -1e30  # the score of padding


class Parameters(NamedTuple):
    """What is learned: embeddings (n_words, d), coef (n_scores, d), intercept (n_scores,), log_alpha, a (1,) array."""

    embeddings: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    log_alpha: np.ndarray

    @classmethod
    def sample(cls, n_words, n_components, n_scores, rng):
        """Where training begins: embeddings near 0, alpha 1."""
        embeddings = _SPREAD * n_components * rng.normal(size=(n_words, n_components))
        return cls(embeddings, rng.normal(size=(n_scores, n_components)), np.zeros(n_scores), np.zeros(1))

    @property
    def alpha(self):
        """Step size of the flow."""
        return float(np.exp(self.log_alpha[0]))

    def transformer(self, depth):
        """The flow and one uniform attention that gives the mean of a text to all its words."""
        token_dim = self.embeddings.shape[1]
        nothing, identity = np.zeros((0, token_dim)), np.eye(token_dim)
        mean = Attention(nothing, nothing, identity, identity, rho=0.0)
        return Transformer([*[Flow.from_parameters(token_dim, self.alpha).layer] * depth, mean])

    def scores(self, pooled):
        """Scores (n, n_scores) of means of texts (n, d), in fixed order."""
        out = np.zeros((len(pooled), len(self.coef))) + self.intercept
        for c in range(pooled.shape[1]):
            out += pooled[:, c, None] * self.coef[:, c]
        return out


def probabilities(scores):
    """P of each class (n, n_classes) from scores (n, n_scores): one score is the logit of the second of two classes."""
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


class Batch(NamedTuple):
    """Texts side by side: words (G, L) indices of distinct words, frequencies (G, L), 0 for padding, labels (G,)."""

    words: np.ndarray
    frequencies: np.ndarray
    labels: np.ndarray


def batches(counts, labels, size, rng=None):
    """Texts of similar length together; with rng in random order. counts : CSR (n_texts, n_words), no row empty."""
    lengths = np.diff(counts.indptr)
    order = np.argsort(lengths + (0 if rng is None else _JITTER * rng.uniform(size=len(lengths))), kind="stable")
    starts = np.arange(0, len(order), size)
    if rng is not None:
        rng.shuffle(starts)
    for start in starts.tolist():
        texts = order[start : start + size]
        chosen = counts[texts]
        n = np.diff(chosen.indptr)
        real = np.arange(n.max()) < n[:, None]
        words, frequencies = np.zeros(real.shape, dtype=np.int64), np.zeros(real.shape)
        words[real], frequencies[real] = chosen.indices, chosen.data
        yield Batch(words, frequencies / frequencies.sum(axis=1, keepdims=True), labels[texts])


def drop_words(batch, rate, rng):
    """A batch with words left out with this probability; a text of which nothing would be left keeps all."""
    kept = np.where(rng.uniform(size=batch.words.shape) < rate, 0.0, batch.frequencies)
    sums = kept.sum(axis=1, keepdims=True)
    kept = np.where(sums > 0, kept / np.where(sums > 0, sums, 1.0), batch.frequencies)
    return batch._replace(frequencies=kept)


def pooled_means(parameters, batch, depth):
    """Means of texts after the flow (G, d), and of each layer whom words attend to and how far away that is."""
    Z = parameters.embeddings[batch.words]
    n_texts, length, _ = Z.shape
    padding = np.where(batch.frequencies > 0, 0.0, _PADDING_SCORE)[:, None]
    first, step, layers = length * np.arange(n_texts)[:, None], 1 - 1 / (1 + parameters.alpha), []
    for _ in range(depth):
        heads = (Z @ Z.transpose(0, 2, 1) + padding).argmax(axis=2) + first
        away = Z.reshape(n_texts * length, -1)[heads] - Z
        layers.append((heads, away))
        Z = Z + step * away
    return (batch.frequencies[:, :, None] * Z).sum(axis=1), layers


def loss_and_gradient(parameters, batch, depth, penalty=0.0):
    """Mean cross-entropy of a batch plus penalty times the mean norm of its words, and the gradient as Parameters."""
    pooled, layers = pooled_means(parameters, batch, depth)
    errors = probabilities(pooled @ parameters.coef.T + parameters.intercept)
    rows = np.arange(len(errors))
    loss = -np.log(np.maximum(errors[rows, batch.labels], np.finfo(np.float64).tiny)).mean()
    errors[rows, batch.labels] -= 1.0
    errors = errors[:, -len(parameters.coef) :] / len(errors)  # two classes: the second alone
    g = errors @ parameters.coef
    shares, of_alpha, rho = batch.frequencies, 0.0, 1 / (1 + parameters.alpha)
    for heads, away in reversed(layers):
        of_alpha += (shares * (away @ g[:, :, None])[..., 0]).sum() * rho**2
        arriving = np.bincount(heads.ravel(), shares.ravel(), minlength=shares.size).reshape(shares.shape)
        shares = rho * shares + (1 - rho) * arriving
    of_words = np.stack(
        [
            np.bincount(batch.words.ravel(), (shares * column[:, None]).ravel(), minlength=len(parameters.embeddings))
            for column in g.T
        ],
        axis=1,
    )
    if penalty:
        norms = np.sqrt(np.square(parameters.embeddings).sum(axis=1))
        weights = np.bincount(batch.words.ravel(), batch.frequencies.ravel(), minlength=len(norms)) * penalty / len(g)
        loss += weights @ norms
        of_words += (
            np.divide(weights, norms, out=np.zeros_like(norms), where=norms > 0)[:, None] * parameters.embeddings
        )
    of_log_alpha = np.array([of_alpha * parameters.alpha])
    return loss, Parameters(of_words, errors.T @ pooled, errors.sum(axis=0), of_log_alpha)


class _Adam:
    """Adam on the arrays of Parameters, in place."""

    def __init__(self, parameters, rate):
        self.parameters, self.rate, self.n_steps = parameters, rate, 0
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]

    def step(self, gradient):
        self.n_steps += 1
        first, second = _BETAS
        scale = self.rate * np.sqrt(1 - second**self.n_steps) / (1 - first**self.n_steps)
        for p, g, (mean, square) in zip(self.parameters, gradient, self.moments):
            mean += (1 - first) * (g - mean)
            square += (1 - second) * (np.square(g) - square)
            p -= scale * mean / (np.sqrt(square) + _TINY)


class Settings(NamedTuple):
    """How to train: layers, epochs, texts a step, Adam's rate, dropout and penalty of words, epochs of patience."""

    depth: int
    max_iter: int
    batch_size: int
    rate: float
    word_dropout: float
    penalty: float
    patience: int


class Training(NamedTuple):
    """Parameters of the best epoch, and of each epoch the mean training loss and the held-out loss and accuracy."""

    parameters: Parameters
    losses: list
    held_out_losses: list
    held_out_accuracies: list


def train(parameters, counts, labels, held_out, settings, rng, log):
    """Adam from these parameters; `held_out`, (counts, labels) or None, says which epoch is the best and when to stop."""
    parameters = Parameters(*(p.copy() for p in parameters))
    optimiser, best, waited = _Adam(parameters, settings.rate), None, 0
    history = Training(None, [], [], [])
    for epoch in range(settings.max_iter):
        losses = []
        for batch in batches(counts, labels, settings.batch_size, rng):
            batch = drop_words(batch, settings.word_dropout, rng)
            loss, gradient = loss_and_gradient(parameters, batch, settings.depth, settings.penalty)
            optimiser.step(gradient)
            losses.append(loss)
        history.losses.append(float(np.mean(losses)))
        text = f"epoch {epoch + 1}: loss {history.losses[-1]:.4f}, alpha {parameters.alpha:.3g}"
        if held_out is None:
            log(text)
            continue
        loss, accuracy = evaluate(parameters, *held_out, settings.depth)
        history.held_out_losses.append(loss)
        history.held_out_accuracies.append(accuracy)
        log(f"{text}, held-out loss {loss:.4f}, accuracy {accuracy:.3f}")
        waited += 1
        if loss <= min(history.held_out_losses):
            best, waited = Parameters(*(p.copy() for p in parameters)), 0
        if waited >= settings.patience:
            break
    return history._replace(parameters=parameters if best is None else best)


def evaluate(parameters, counts, labels, depth):
    """Mean loss and accuracy on texts."""
    losses, hits = 0.0, 0
    for batch in batches(counts, labels, 256):
        pooled, _ = pooled_means(parameters, batch, depth)
        chances = probabilities(pooled @ parameters.coef.T + parameters.intercept)
        losses -= np.log(np.maximum(chances[np.arange(len(chances)), batch.labels], np.finfo(np.float64).tiny)).sum()
        hits += (chances.argmax(axis=1) == batch.labels).sum()
    return float(losses / len(labels)), float(hits / len(labels))


# -- reading what was learned ------------------------------------------------------------------------------------------


def leader_layers(parameters, sequences, depth):
    """The first layer at which each word was a leader, -1 for none, (n_tokens,)."""
    return Flow.from_parameters(sequences.token_dim, parameters.alpha).run(sequences, depth).leader_layers


def shares(parameters, tokens, place, depth):
    """How much of the mean of one text after the flow each of its distinct words is, (n_distinct,).

    tokens : (n, d), embeddings of all its words; place : (n,), which distinct word each is. The engine moves a unit vector
    for each distinct word along: O(n n_distinct) numbers.
    """
    token_dim, n_distinct = tokens.shape[1], int(place.max()) + 1
    moved = np.concatenate([tokens, np.eye(n_distinct)[place]], axis=1)
    step = Flow.from_parameters(token_dim, parameters.alpha).layer
    wide, nothing = np.eye(token_dim + n_distinct), np.zeros((0, token_dim + n_distinct))
    query, key = (np.pad(factor, ((0, 0), (0, n_distinct))) for factor in (step.query, step.key))
    layers = [Attention(query, key, step.value[0, 0] * wide, wide, step.rho)] * depth
    mean = Attention(nothing, nothing, wide, wide, rho=0.0)
    return apply(Transformer([*layers, mean]), RaggedSequences.from_list([moved])).tokens[0, token_dim:]
