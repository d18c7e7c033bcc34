"""Exact classification: labelled sequences to a transformer that reproduces every label.

The statement. N sequences of any lengths in R^d whose normalised multisets of tokens differ wherever their labels differ are
classified exactly by at most (3 N + 1) / 2 blocks of width at most 4 with at most 16 D N parameters, D the width of the
residual stream, whatever their lengths. (Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270: 4 N + 1 blocks at one output.)

The proof is the construction. (i) The code of codes.py: one block, then one block a hat, at most min(G, T) - 1 <= N - 1
hats (measures.py), then one attention that writes c = kappa A to coordinate 0 of every token. (ii) Sort the codes; where the
label changes, a border. Class indices are written in binary, a coordinate a digit. At each border a ramp of two hidden units
is added to (or taken from) every digit that changes there; two ramps fill a block of width 4, a constant unit adds the
digits of the first run. With R <= N runs the decode takes ceil(R / 2) blocks at most, so that 1 + K + ceil(R / 2) <=
1 + (N - 1) + (N + 1) / 2.

Why it is exact. kappa is a power of two with 4 <= kappa gap, gap the smallest distance of neighbouring codes of different
label, so that borders stand at least 2 from every training code and ramps are flat there. Codes lie in one binade on its
grid g, borders on a grid g / 2 at finest, ramp ends +-1/2 on it too (gap >= 2^-46): the preactivations c - border +- 1/2 are
exact, the two units of a ramp differ by exactly 1 above it, and digits are sums of -1, 0 and 1.

Softmax. Only a leader read has scores, query 1 and key s. At a temperature at which every training code strays less than its
distance to the next ramp (temperatures.py) the decode is flat there, and labels are exact.

Unseen codes. All digits that change at a border cross 1/2 together, at the border. With two classes a digit that is 1/2 reads
0: the tie goes to the class with the smaller index. With more, borders stand between the grid points of the codes and no
code meets one. So a search in the borders gives the network's label for every code that can occur.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax.constructions import gadgets, plans
from sklearn_hardmax.constructions.cells import Cells, Runs, nearest_run_cells, runs_of, weighted_cells
from sklearn_hardmax.constructions.code_choice import Problem, choose_code
from sklearn_hardmax.constructions.codes import SAFE_GAP, Code, Projection
from sklearn_hardmax.constructions.construction import (
    Construction,
    ConstructionError,
    check_network_output,
    conflict_message,
    labels_that_agree,
)
from sklearn_hardmax.constructions.temperatures import checked_temperature, settled_temperature
from sklearn_hardmax.converters import name_indices
from sklearn_hardmax.encoding import TokenScale
from sklearn_hardmax.sequences import as_sequences
from sklearn_hardmax.ties import EPS


@dataclass(frozen=True)
class Classification:
    """The exact classifier as numbers: one code, and the cells of one label along its line.

    projection : Projection; code : Code or None (one label: no code is needed); runs : Runs of training codes; cells : Cells;
    kappa : the power of two that separates codes; weights : (n_classes,); margin : the smaller of (a) the smallest gap
    between an attended and an unattended score over its tie bound (hardmax) and (b) `certified_margin`; temperature : of
    softmax, 0 for hardmax.
    """

    projection: Projection
    code: Code | None
    runs: Runs
    cells: Cells
    kappa: float
    weights: np.ndarray
    margin: float = np.inf
    temperature: float = 0.0

    # -- the fast path: one code and one search ----------------------------------------------------------------------------

    def codes(self, sequences, n_jobs=None):
        """Code A of every sequence (N,), in [1, 2]; with one run nothing is read and all are 1."""
        return np.ones(len(sequences)) if self.code is None else self.code.of(sequences, n_jobs)

    def labels_of(self, codes):
        """Class index of every code (N,): what the decode layers give."""
        borders, labels = self.cells
        k = np.searchsorted(borders, codes, side="left")
        if len(borders) == 0:
            return labels[k]
        met = borders[np.minimum(k, len(borders) - 1)] == codes
        # on a border every changing digit is 1/2 and reads 0
        return np.where(met, labels[k] & labels[np.minimum(k + 1, len(borders))], labels[k])

    def distances(self, codes):
        """Distance of every code to the nearest training run of each class over its weight, (N, n_classes).

        A class without a run stands at distance 2, twice the length of the line.
        """
        out = np.full((len(codes), len(self.weights)), 2.0)
        for label in range(len(self.weights)):
            mine = np.flatnonzero(self.runs.labels == label)
            if len(mine) == 0:
                continue
            low, high = self.runs.low[mine], self.runs.high[mine]
            above = np.searchsorted(low, codes, side="right")
            before = np.where(above > 0, codes - high[np.maximum(above - 1, 0)], 2.0)
            behind = np.where(above < len(mine), low[np.minimum(above, len(mine) - 1)] - codes, 2.0)
            out[:, label] = np.maximum(np.minimum(before, behind), 0.0)
        return out / self.weights

    def labels(self, sequences, n_jobs=None):
        """Class index of every sequence, (N,)."""
        return self.labels_of(self.codes(sequences, n_jobs))

    def scores(self, sequences, n_jobs=None):
        """Minus the distances, (N, n_classes)."""
        return -self.distances(self.codes(sequences, n_jobs))

    n_spikes = 0

    # -- the network -------------------------------------------------------------------------------------------------------

    @property
    def n_digits(self):
        """Binary digits of a class index, at least one."""
        return max(1, (len(self.weights) - 1).bit_length())

    @property
    def token_dim(self):
        """Width D of the residual stream: the encoded token, or code and digits."""
        return max(self.projection.n_coordinates, 1 + self.n_digits)

    def _plan(self, max_width):
        plans.check_width(max_width)
        if self.code is None:
            return [plans.planned_layer(self._first_digits(), eta=0.0)]
        n_hats = 0 if self.code.hats is None else len(self.code.hats.centers)
        hats = plans.planned_groups(self._hats, n_hats, 4, max_width)
        decode = plans.planned_groups(self._ramps, len(self.cells.borders), 2, max_width, lead=self._first_digits())
        return [plans.planned_layer(self._first_units(), eta=0.0), *hats, self._attention(), *decode]

    def n_blocks(self, max_width=4):
        """Blocks of `transformer(max_width)`, from the plan."""
        return plans.n_blocks(self._plan(max_width))

    def n_parameters(self, max_width=4):
        """Parameters of `transformer(max_width)`, from the plan."""
        return plans.n_parameters(self._plan(max_width), self.token_dim)

    def transformer(self, max_width=4):
        """The explicit weights; checked on every run of the training codes."""
        plan = self._plan(max_width)
        plans.check_memory(plans.n_parameters(plan, self.token_dim))
        if self.code is not None:
            self._certify()
        names = ["code", *(f"digit {j}" for j in range(self.n_digits))]
        return plans.built(plan, names + [f"z{j}" for j in range(len(names), self.token_dim)])

    def _written_digits(self, labels):
        """Binary digits at their coordinates, (len(labels), D)."""
        out = np.zeros((len(labels), self.token_dim))
        out[:, 1 : 1 + self.n_digits] = gadgets.binary_digits(labels, self.n_digits)
        return out

    def _first_units(self):
        """S = (relu(x) - relu(x - 1)) + 1 to coordinate 0; 1 to coordinate 1, and to 2 where the coarse code reads it."""
        D, code = self.token_dim, self.code
        U, W = np.zeros((3, D)), np.zeros((D, 3))
        U[:2, : len(code.direction)] = code.direction
        W[0] = 1.0, -1.0, 1.0
        W[1, 2] = 1.0
        if code.coarse:
            W[2, 2] = 1.0
        return gadgets.Units(U, np.array([0.5, -0.5, 1.0]), W, 3)

    def _hats(self, first, last):
        centers, widths, heights, unit = self.code.hats
        return gadgets.hats(self.token_dim, 0, 1, centers[first:last], widths[first:last], heights[first:last], unit)

    def _attention(self):
        """Every token becomes kappa A at coordinate 0, and 0 elsewhere."""
        D, code = self.token_dim, self.code
        query, key = np.zeros((2, int(code.is_leader_read), D))
        query[:, 1], key[:, 0] = 1.0, code.sign  # coordinate 1 holds 1 in every token
        value = np.zeros((1 + code.coarse, D))
        value[0, 0 if code.hats is None else 1] = 1.0
        output = np.zeros((D, 1 + code.coarse))
        output[0, 0] = self.kappa
        if code.coarse:  # (A + 2) - 2: coordinate 2 holds 1 in every token
            value[0, 2], value[1, 2], output[0, 1] = 2.0, 1.0, -2.0 * self.kappa
        return plans.planned_attention(query, key, value, output, 0.0, code.temperature)

    def _ramps(self, first, last):
        changes = np.diff(self._written_digits(self.cells.labels[first : last + 1]), axis=0)
        return gadgets.ramps(self.token_dim, 0, self.kappa * self.cells.borders[first:last] - 0.5, changes)

    def _first_digits(self):
        return gadgets.constant(self.token_dim, self._written_digits(self.cells.labels[:1])[0])

    def _certify(self):
        """The weights themselves on the training codes: ramps are monotone, so both sides of each border decide."""
        ramps = self._ramps(0, len(self.cells.borders))
        sides = self.kappa * np.stack(_neighbours(self.runs, self.cells.borders), axis=1)
        up, down = (np.maximum(sides + ramps.b[i::2, None], 0.0) for i in (0, 1))
        digits = self._written_digits(self.cells.labels)
        ok = ((up - down) == [0.0, 1.0]).all() and np.array_equal(ramps.W[:, 0::2].T, np.diff(digits, axis=0))
        if not (ok and np.array_equal(self._first_digits().W[:, 0], digits[0])):
            raise ConstructionError("A ramp is not flat on the training codes; this is a fault of the construction.")

    def encode(self, X):
        """User input as the RaggedSequences that the transformer takes, (n_tokens, token_dim)."""
        return self.projection.encode(as_sequences(X), self.token_dim)

    def read(self, tokens):
        """Class index of each sequence from the tokens that `apply` returns: a digit above 1/2 is 1."""
        tokens = as_sequences(tokens)
        check_network_output(tokens, self.token_dim)
        digits = tokens.tokens[:, 1 : 1 + self.n_digits] > 0.5
        return labels_that_agree(tokens, digits @ (1 << np.arange(self.n_digits)))


def build_classification(
    sequences, labels, weights, *, ordered, rng, temperature=0.0, n_jobs=None, log=lambda text: None
):
    """Classification and the settled conflicts, for class indices `labels` (N,) and class weights (n_classes,).

    Conflicting groups get their majority label; the caller decides whether that is allowed. temperature : 0 for hardmax; for
    softmax "auto" or a positive number, a ConstructionError above the largest admissible one.
    """
    with_position = bool(ordered) and sequences.n_tokens > len(sequences)
    projection = Projection(TokenScale.fit(sequences.tokens), with_position)
    log("scaled the tokens")
    problem = Problem(sequences, labels.copy(), projection, len(weights) > 2, rng, n_jobs)
    read, conflicts = None, []
    if (labels != labels[0]).any():
        read, conflicts = choose_code(problem)
    if read is None or (problem.labels == problem.labels[0]).all():
        log("one label: no code is needed")
        return _one_run(projection, problem.labels[:1], weights, settled_temperature(temperature, np.inf)), conflicts
    built = _with_cells(projection, read.code, read.values, problem.labels, weights)
    log(f"chose the code: {read.code.kind} read, {len(built.cells.labels)} label runs")
    margin = min(read.leader_margin, certified_margin(built, sequences, read.values, problem.labels))
    if temperature != 0:
        built = _softened(built, sequences, read.values, temperature, n_jobs)
        log(f"settled the temperature, {built.temperature:.3g}")
        values = built.codes(sequences, n_jobs)
        margin = certified_margin(built, sequences, values, problem.labels)
    built = replace(built, margin=margin)
    log(f"certified the training labels, margin {built.margin:.3g}")
    return built, conflicts


def _one_run(projection, label, weights, temperature):
    runs = Runs(np.ones(1), np.full(1, 2.0), label)
    return Classification(projection, None, runs, Cells(np.zeros(0), label), 1.0, weights, temperature=temperature)


def _softened(built, sequences, values, wanted, n_jobs):
    """The same with a leader read by softmax, at an admissible temperature: codes use half of their room at most."""
    code = built.code
    rooms = _to_the_next_ramp(built, values) / built.kappa - 2 * EPS  # a coarse code is rounded twice
    temperature = settled_temperature(wanted, code.admissible_temperature(sequences, rooms, n_jobs))
    return replace(built, code=replace(code, temperature=temperature), temperature=temperature)


def _to_the_next_ramp(built, values):
    """Distance of codes (N,) to the nearest end of a ramp, in units of kappa."""
    return gadgets.to_the_next_ramp(built.kappa * built.cells.borders - 0.5, built.kappa * values)


def _with_cells(projection, code, values, labels, weights):
    """Runs and cells of the training codes, and the power of two that spreads them."""
    if (weights == weights[0]).all():
        runs = runs_of(values, labels)
        cells = nearest_run_cells(runs, code.coarse)
    else:
        runs = runs_of(values, labels, room=8 * SAFE_GAP)
        cells = weighted_cells(runs, weights, code.coarse)
    room = 2 * np.min(np.abs(cells.borders - np.stack(_neighbours(runs, cells.borders))))
    room = min(room, np.min(np.diff(cells.borders), initial=room))
    # at least 64: then digits in front of the largest ramp stay on its grid
    kappa = max(64.0, 4.0 / 2.0 ** np.floor(np.log2(room)))
    return Classification(projection, code, runs, cells, kappa, weights)


def _neighbours(runs, borders):
    """Largest training code below each border and smallest above it, two (S - 1,); the ends of the line where none is."""
    above = np.searchsorted(runs.low, borders)
    return np.append(1.0, runs.high)[above], np.append(runs.low, 2.0)[above]


def certified_margin(classification, sequences, values, labels):
    """How many times over the plateaus under the training codes hold; checks the labels on the way.

    The smallest distance of a training code to the end of a ramp over its code bound: ulp(c), plus kappa 2 n eps for a mean.
    Raises ConstructionError when a label is not reproduced or the margin is not above 1, naming the sequences.
    """
    order = np.argsort(values)  # searching for sorted codes is several times faster
    values, labels, lengths = values[order], labels[order], sequences.lengths[order]
    wrong = np.flatnonzero(classification.labels_of(values) != labels)
    kappa = classification.kappa
    bounds = np.spacing(kappa * values) + kappa * classification.code.bounds(lengths)
    margins = _to_the_next_ramp(classification, values) / bounds
    bad = wrong if len(wrong) else np.flatnonzero(margins <= 1)
    if len(bad):
        shown = name_indices(np.sort(order[bad]))
        raise ConstructionError(
            f"Sequences {shown} are not certified: smallest margin {margins.min():.3g}, 1 is needed."
        )
    return float(margins.min())


def build_classifier(X, y, *, ordered=False, attention="hardmax", temperature="auto", max_width=4, random_state=0):
    """Weights that classify labelled sequences exactly.

    Parameters
    ----------
    X : RaggedSequences or anything that as_sequences reads
    y : array-like of int, shape (n_sequences,)
        Class indices from 0.
    ordered : bool, default=False
        True joins the relative position to each token, so that any two different sequences can be told apart.
    attention : {"hardmax", "softmax"}, default="hardmax"
    temperature : "auto" or float, default="auto"
        Of the softmax; "auto" is the largest at which the labels are certified. Means nothing with hardmax.
    max_width : int or None, default=4
        Largest number of hidden units of a layer; None packs all units of a stage in one.
    random_state : int or RandomState, default=0

    Returns
    -------
    Construction
        `read(apply(transformer, encode(X)))` equals y.

    Raises
    ------
    ConstructionError
        Sequences with different labels cannot be told apart; the message names them. A temperature above the largest
        admissible one.
    ValueError
        Input that is not readable, labels that are no class indices.

    Notes
    -----
    Source: Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270. Cost: a few passes over the tokens and a sort of the sequences,
    unless hats are needed; at most (3 N + 1) / 2 blocks.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import build_classifier
    >>> from sklearn_hardmax.forward import apply
    >>> X = [[[0., 1.], [2., 0.]], [[1., 1.]], [[0., 3.], [1., 1.], [2., 2.]]]
    >>> built = build_classifier(X, [0, 1, 0])
    >>> built.read(apply(built.transformer, built.encode(X)))
    array([0, 1, 0])
    """
    sequences = as_sequences(X)
    labels = np.asarray(y)
    if labels.shape != (len(sequences),) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"y must hold one class index, an integer from 0, for each of the {len(sequences)} sequences; got "
            f"{labels.dtype} of shape {labels.shape}."
        )
    labels = labels.astype(np.int64)
    built, conflicts = build_classification(
        sequences,
        labels,
        np.ones(labels.max() + 1),
        ordered=ordered,
        rng=check_random_state(random_state),
        temperature=checked_temperature(attention, temperature),
    )
    if conflicts:
        raise ConstructionError(conflict_message(conflicts) + ".")
    return Construction(built.transformer(max_width), built.encode, built.read, built.margin)
