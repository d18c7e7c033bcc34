"""Sequences that end the worker process that reads them. A module of its own, since workers import it."""

import os
import signal

from sklearn_hardmax import RaggedSequences


class Deadly(RaggedSequences):
    """Unpickled in another process, they kill it."""

    __slots__ = ()

    def __reduce__(self):
        return live_or_die, (os.getpid(), self.tokens, self.offsets)


def live_or_die(parent, tokens, offsets):
    if os.getpid() != parent:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows ends a process at any signal
    return Deadly(tokens, offsets)
