"""What all tests share: one BLAS thread a process, since workers run side by side, and no deadline for one example."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before NumPy is imported; examples run in processes that inherit it

from hypothesis import settings  # noqa: E402

settings.register_profile("shared machines", deadline=None)
settings.load_profile("shared machines")
