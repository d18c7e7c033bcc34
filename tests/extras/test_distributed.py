"""Dask workers on this machine give what one process gives, bit for bit."""

import os
import sys

import joblib
import numpy as np
import pytest
from campaign import laws
from distributed import Client, LocalCluster, get_task_stream

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, datasets

# a cluster runs threads of its own for as long as it lives, and draws names; what else it sets its fixture sets back
pytestmark = pytest.mark.leaves("running threads", "global random state", "environment", "interpreter")
ORDERS = pytest.mark.parametrize("ordered", [True, False])


@pytest.fixture(scope="module")
def client():
    """Two worker processes on loopback, without a dashboard."""
    environment, path = os.environ.copy(), sys.path.copy()
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(host="127.0.0.1", **options) as cluster, Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        yield client
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path


def problem(seed=0, **options):
    return datasets.make_labelled_sequences(60, n_classes=3, token_dim=2, random_state=seed, **options)


OPTIONS = {"n_heads": 150, "random_state": 0}


@ORDERS
def test_a_classifier_on_dask_predicts_what_a_serial_one_does(client, ordered):
    X, y = problem()
    new, _ = problem(1)
    options = {"ordered": ordered, **OPTIONS}
    serial = HardmaxTransformerClassifier(**options).fit(X, y)
    with joblib.parallel_config(backend="dask"):
        assert joblib.effective_n_jobs(2) == 2
        spread = HardmaxTransformerClassifier(n_jobs=2, **options).fit(X, y)
        for sequences in (X, new):
            assert np.array_equal(spread.predict(sequences), serial.predict(sequences))
            assert np.array_equal(spread.decision_function(sequences), serial.decision_function(sequences))
    assert np.array_equal(spread.predict(X), y)


@ORDERS
def test_pooling_on_dask_gives_the_features_of_a_serial_one(client, ordered):
    (X, y), (new, _) = problem(), problem(1)
    options = {"ordered": ordered, **OPTIONS}
    serial = HardmaxPooling(**options).fit(X, y)
    with joblib.parallel_config(backend="dask"):
        spread = HardmaxPooling(n_jobs=2, **options).fit(X, y)
        for sequences in (X, new):
            assert np.array_equal(spread.transform(sequences), serial.transform(sequences))


def test_batches_run_on_both_workers(client):
    X, _ = problem()
    fitted = HardmaxPooling(n_heads=150, n_jobs=2, random_state=0).fit(X)
    with joblib.parallel_config(backend="dask"), get_task_stream(client) as stream:
        fitted.transform(X)
    assert {task["worker"] for task in stream.data} == set(client.scheduler_info()["workers"])


def test_every_law_of_the_campaign_holds_with_dask_workers(client):
    for seed in range(40):
        laws.check(seed, backend="dask")
