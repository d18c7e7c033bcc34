"""Choose the penalty of a ridge regression by leave-one-out, with few factorisations.

A *system* is a ridge regression that can be solved for one penalty alpha at a time:

    order           order of the matrix that is factored
    parts           slices of the n sequences that are left out, each a fair sample of them
    factor(alpha)   factor the matrix for this penalty; False where float64 cannot
    single_from     smallest alpha for factor(alpha, single=True), in float32
    blur            the rounding of features changes the criterion of alpha by a factor of about 1 + blur / alpha
    errors(part)    weighted leave-one-out errors e of a part, (n of the part, C), from the last factor
    solution()      coefficients from the last factor
    quarter()       a system of a quarter of the order, and the factor for penalties at which it behaves like this one

The criterion of alpha is the sum of e^2. Of equally good alphas the largest is chosen, and an alpha that float64 cannot
factor is no candidate. Systems of order 128 and less compute the criterion of every alpha.

Larger ones compute it where the minimum may be. A quarter of the system is solved for every alpha, at about a hundredth of
the cost each: this shows the shape of the criterion, both ends included. It need not have one minimum, and it may be nearly
flat. So what is computed on the whole system is each local minimum of the quarter within a tenth of the least one, and both
ends of the range in which the quarter is within a hundredth of it, and the neighbours of those that are within a hundredth of
the best one. From the best of all the search goes to neighbours, in steps that double while they improve, and ends where
both are worse. What is guaranteed is therefore a local minimum among the alphas: one that the quarter does not show, and that
is no neighbour of what it shows, would be missed.

Criteria are computed in float32 where that is precise enough. There they erred by 1e-4 at most wherever it was measured,
and by 1e-5 near the minimum: two within a factor of 1 + 2^-12 are computed again and compared in float64. The solution for
the chosen alpha is in float64 always. An alpha is given up on the first parts of the sequences if the mean difference of
squared errors from the best alpha, on the same sequences, exceeds three standard errors.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.forward.ties import EPS

SMALL_ORDER = 128  # up to this order every alpha is computed
_EQUAL = 1 + EPS**0.5  # criteria within this factor count as equal, also without any blur
_PROMISING = 1.1  # local minima of the quarter up to this multiple of the least one are computed
_FLAT = 1.01  # and the first and the last alpha up to this multiple; neighbours too where the whole system is as flat
_CLEARLY = 3.0  # standard errors
_NEAR = 1 + 2.0**-12  # criteria within this factor are compared in float64 only


class Choice(NamedTuple):
    """The ridge regression at the chosen penalty: alpha, the solution of the system, and its errors (n, C)."""

    alpha: float
    solution: np.ndarray
    errors: np.ndarray


def choose_penalty(system, alphas):
    """The Choice of least leave-one-out error among penalties (A,), or None where float64 can factor for none of them."""
    alphas = np.unique(alphas)
    search = _Search(system, alphas)
    if system.order <= SMALL_ORDER:
        search.evaluate_all()
    else:
        smaller, factor = system.quarter()
        survey = _Search(smaller, alphas * factor)
        survey.evaluate_all()
        search.descend(_promising(survey.criteria))
    return search.choice


class _Search:
    """Criteria of the alphas that were computed, and the best one.

    Attributes
    ----------
    criteria : ndarray of shape (A,)
        nan where not computed, inf where float64 cannot factor, or where given up.
    best : int or None
        Index of the best alpha.
    """

    def __init__(self, system, alphas):
        self.system = system
        self.alphas = alphas
        self.criteria = np.full(len(alphas), np.nan)
        self.best = None
        self._errors = None  # of the best alpha, (n, C)
        self._choices = {}  # for alphas that were computed in float64, as long as they may be the best

    @property
    def choice(self):
        """The Choice of the best alpha, or None where there is none."""
        if self.best is None or self.best in self._choices:
            return self._choices.get(self.best)
        alpha = float(self.alphas[self.best])
        self.system.factor(alpha)  # larger alphas than float64 needs
        return Choice(alpha, self.system.solution(), self._errors)

    def evaluate_all(self):
        """Compute the criterion of every alpha, from the largest to the smallest."""
        for k in reversed(range(len(self.alphas))):
            self.evaluate(k)

    def descend(self, starts):
        """Go from the best of these alphas, or of the neighbours of good ones, to one whose neighbours are no better."""
        for k in starts:
            self.evaluate(k)
        # where float64 can factor for none of them, it may for larger ones
        for k in range(len(self.alphas)):
            if self.best is None:
                self.evaluate(k)
        for k in starts:
            if self.best not in (k, None) and self.criteria[k] <= _FLAT * self.criteria[self.best]:
                self.evaluate(max(k - 1, 0))
                self.evaluate(min(k + 1, len(self.alphas) - 1))
        while self.best is not None and (k := self._untried_neighbour()) is not None:
            step = k - self.best
            while self.evaluate(k):
                step *= 2
                k = min(max(k + step, 0), len(self.alphas) - 1)

    def _untried_neighbour(self):
        for k in (self.best + 1, self.best - 1):
            if 0 <= k < len(self.alphas) and np.isnan(self.criteria[k]):
                return k
        return None

    def evaluate(self, k):
        """Compute the criterion of alpha k, unless that was done; True if alpha k is the best one now."""
        if not np.isnan(self.criteria[k]):
            return False
        alpha = float(self.alphas[k])
        single = self._may_be_single(alpha) and self.system.factor(alpha, single=True)
        self.criteria[k] = np.inf
        if not single and not self.system.factor(alpha):
            return False
        errors = self._unless_worse(k)
        if errors is None:
            return False
        self.criteria[k] = _squares(errors).sum()
        if not single:
            self._choices[k] = Choice(alpha, self.system.solution(), errors)
        if self.best is not None:
            least, most = sorted((self.criteria[k], self.criteria[self.best]))
            if most <= _NEAR * least and not {k, self.best} <= set(self._choices):
                self._in_double(self.best)
                errors = self._in_double(k).errors
        is_best = self.best is None or self._is_better(k)
        if is_best:
            self.best = k
            self._errors = errors
        self._choices = {j: choice for j, choice in self._choices.items() if j == self.best}
        return is_best

    def _may_be_single(self, alpha):
        return self.system.order > SMALL_ORDER and alpha >= self.system.single_from

    def _in_double(self, k):
        """The Choice of alpha k, whose criterion was computed, in float64."""
        if k not in self._choices:
            alpha = float(self.alphas[k])
            self.system.factor(alpha)  # larger alphas than float64 needs
            errors = np.empty(self.system.targets.shape)
            for part in self.system.parts:
                errors[part] = self.system.errors(part)
            self.criteria[k] = _squares(errors).sum()
            self._choices[k] = Choice(alpha, self.system.solution(), errors)
        return self._choices[k]

    def _unless_worse(self, k):
        """Errors (n, C) of alpha k, factored last; None if it is clearly worse than the best one on the first parts."""
        errors = np.zeros(self.system.targets.shape)
        done = np.empty(0, dtype=np.intp)
        for part in self.system.parts:
            errors[part] = self.system.errors(part)
            done = np.append(done, np.arange(len(errors))[part])
            if self.best is not None and len(done) < len(errors):
                more = _squares(errors[done]) - self._equal(k) * _squares(self._errors[done])
                if more.mean() > _CLEARLY * more.std() / np.sqrt(len(more)):
                    return None
        return errors

    def _is_better(self, k):
        """Whether alpha k has a smaller criterion than the best one; of equal ones the larger alpha is better."""
        most = self._equal(k) * self.criteria[self.best]
        return self.criteria[k] <= most if k > self.best else self.criteria[k] < most

    def _equal(self, k):
        """By which factor the criterion of alpha k may exceed the best one; below 1 where it must be that much smaller."""
        equal = _EQUAL + self.system.blur / self.alphas[min(k, self.best)]
        return equal if k > self.best else 1 / equal


def _squares(errors):
    """Sums over the targets of squared errors (n, C), (n,)."""
    return np.einsum("ic,ic->i", errors, errors)


def _promising(criteria):
    """Indices to begin with, the least of criteria (A,) first: its local minima, and the ends of where it is nearly least."""
    before = np.concatenate([[np.inf], criteria[:-1]])
    after = np.concatenate([criteria[1:], [np.inf]])
    lowest = (criteria <= _EQUAL * before) & ((_EQUAL * criteria < after) | np.isinf(after))
    # of equal neighbours the last is the local minimum
    minima = np.flatnonzero(lowest & (criteria <= _PROMISING * criteria.min()))
    flat = np.flatnonzero(criteria <= _FLAT * criteria.min())
    starts = np.unique([*minima, flat[0], flat[-1]])
    return starts[np.argsort(criteria[starts], kind="stable")]
