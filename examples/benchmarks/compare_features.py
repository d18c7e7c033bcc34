"""Which cells of the table in docs/comparison.md hold? This tries again those that can be run.

    python examples/benchmarks/compare_features.py [--slow] [--tikhonov FOLDER] [--clustering FOLDER]

One line per cell: library version | row | what came back. A library that is not installed is named and left out
(`pip install aeon sktime tslearn skorch torch`); tracr has requirements of its own and is best tried in a second
environment. --only names the libraries to try. --slow adds estimators that numba compiles for a minute or longer at
first use. --tikhonov is the folder `tikhonov` of a clone of github.com/DCN-FAU-AvH/exactInterpTF, --clustering a clone
of github.com/DCN-FAU-AvH/clustering-hardmax-transformers. tslearn's LearningShapelets needs Keras and a backend of it
(KERAS_BACKEND=torch).
"""

import argparse
import collections
import contextlib
import importlib
import importlib.metadata
import io
import pathlib
import sys
import tempfile
import warnings

import numpy as np

warnings.filterwarnings("ignore")

rng = np.random.default_rng(0)
lengths = rng.integers(14, 30, 24)
labels = np.arange(24) % 2
channels_first = [
    rng.normal(size=(2, length)) + label * np.linspace(0, 3, length) for length, label in zip(lengths, labels)
]
tokens_first = [series.T for series in channels_first]
targets = labels + 0.1 * lengths
noise = rng.normal(size=(300, 1, 12))
noise_labels = rng.integers(0, 3, 300)


def cell(library, row, attempt):
    """Print what `attempt` returns, or in a few words how it failed."""
    try:
        answer = attempt()
    except Exception as error:
        answer = f"no: {type(error).__name__}: {' '.join(str(error).split())[:150]}"
    print(f"{library} | {row} | {answer}", flush=True)


def accuracy(estimator, X, y=labels):
    return f"yes: training accuracy {(estimator.fit(X, y).predict(X) == y).mean():.2f}"


def random_labels(estimator, X):
    return f"training accuracy {estimator.fit(X, noise_labels).score(X, noise_labels):.2f} on random labels"


def grid_search(estimator, grid, X, y=labels):
    from sklearn.model_selection import GridSearchCV

    return f"yes: {GridSearchCV(estimator, grid, cv=2, error_score='raise').fit(X, y).best_params_}"


def own_checks(estimator):
    from sklearn.utils.estimator_checks import check_estimator

    counts = collections.Counter(result["status"] for result in check_estimator(estimator, on_fail=None))
    return f"{counts['failed']} of {sum(counts.values())} fail, {counts['xfail']} expected to"


def requirements(distribution):
    needed = [line for line in importlib.metadata.requires(distribution) or [] if "extra ==" not in line]
    return f"{len(needed)}: {', '.join(needed)}"


def reversed_in_time(frames):
    return [frame.iloc[::-1].reset_index(drop=True) for frame in frames]


def check_ours(name):
    from sklearn.cluster import KMeans
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    import sklearn_hardmax as package
    from sklearn_hardmax import (
        HardmaxPooling,
        HardmaxTransformerClassifier,
        HardmaxTransformerInterpolator,
        LeaderClustering,
        RaggedSequenceTransformer,
    )
    from sklearn_hardmax.export import to_onnx, to_torch

    classifier = HardmaxTransformerClassifier(n_heads=100, random_state=0)
    cell(name, "compiled", lambda: f"numba imported: {'numba' in sys.modules}")
    cell(name, "unequal length, channels", lambda: accuracy(classifier, tokens_first))
    unordered = HardmaxTransformerClassifier(n_heads=100, ordered=False, random_state=0)
    cell(
        name,
        "order-free",
        lambda: (
            unordered.fit(tokens_first, labels).decision_function(tokens_first)
            == unordered.decision_function([x[::-1] for x in tokens_first])
        ).all(),
    )
    pipeline = make_pipeline(RaggedSequenceTransformer(), HardmaxTransformerClassifier(random_state=0))
    cell(
        name,
        "GridSearchCV, ragged",
        lambda: grid_search(pipeline, {"hardmaxtransformerclassifier__n_heads": [50, 100]}, tokens_first),
    )
    for estimator in [
        "HardmaxTransformerClassifier",
        "HardmaxTransformerInterpolator",
        "HardmaxPooling",
        "LeaderClustering",
        "LeaderFlow",
        "RaggedSequenceTransformer",
        "LeaderTextClassifier",
    ]:
        cell(name, f"check_estimator {estimator}", lambda: own_checks(getattr(package, estimator)()))
    regressor = make_pipeline(HardmaxPooling(n_heads=50, random_state=0), Ridge())
    cell(name, "regression", lambda: regressor.fit(tokens_first, targets).predict(tokens_first)[:2])
    cell(name, "predict_proba", lambda: hasattr(classifier, "predict_proba"))
    for n_heads in (0, 100):
        exact = HardmaxTransformerClassifier(n_heads=n_heads, random_state=0)
        cell(name, f"random labels, n_heads={n_heads}", lambda: random_labels(exact, noise.transpose(0, 2, 1)))
    cell(name, "certificate", lambda: f"margin_ {classifier.margin_:.3g}")
    cell(name, "weights", lambda: type(classifier.to_transformer()).__name__)
    for attention in ("hardmax", "softmax"):
        interpolator = HardmaxTransformerInterpolator(attention=attention, random_state=0)
        parts = [tokens[:2] for tokens in tokens_first]
        cell(
            name,
            f"targets for each token, {attention}",
            lambda: f"score {interpolator.fit(tokens_first, parts).score(tokens_first, parts)}",
        )
    groups = make_pipeline(HardmaxPooling(n_heads=50, random_state=0), KMeans(2, random_state=0))
    cell(name, "clustering, unequal length, HardmaxPooling and KMeans", lambda: groups.fit_predict(tokens_first)[:5])
    cell(
        name,
        "clustering of rows",
        lambda: LeaderClustering(alpha=0.5).fit([tokens.mean(0) for tokens in tokens_first]).labels_[:5],
    )
    cell(name, "explanation", lambda: classifier.explain(tokens_first[:1], top=3)[0].dtype.names)
    cell(name, "torch", lambda: type(to_torch(classifier.to_transformer())).__name__)
    cell(name, "ONNX", lambda: type(to_onnx(classifier.to_transformer())).__name__)


def check_aeon(name, slow):
    from aeon.classification.convolution_based import MiniRocketClassifier, RocketClassifier
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier, ProximityTree
    from aeon.classification.feature_based import Catch22Classifier
    from aeon.classification.shapelet_based import RDSTClassifier, ShapeletTransformClassifier
    from aeon.clustering import TimeSeriesKMeans, TimeSeriesKMedoids
    from aeon.regression.distance_based import KNeighborsTimeSeriesRegressor
    from aeon.transformations.collection import Normalizer
    from aeon.transformations.collection.feature_based import SevenNumberSummary
    from aeon.utils.discovery import all_estimators
    from sklearn.pipeline import make_pipeline

    for kind in [
        "classifier",
        "regressor",
        "clusterer",
        "forecaster",
        "segmenter",
        "anomaly-detector",
        "similarity-search",
    ]:
        ragged = {"capability:unequal_length": True}
        cell(
            name,
            f"number, {kind}",
            lambda: (
                f"{len(all_estimators(type_filter=kind))}, of unequal length: "
                f"{[found for found, _ in all_estimators(type_filter=kind, tag_filter=ragged)]}"
            ),
        )
    cell(name, "compiled", lambda: f"numba imported: {'numba' in sys.modules}")
    tried = [KNeighborsTimeSeriesClassifier(), RocketClassifier(n_kernels=100), MiniRocketClassifier(n_kernels=100)]
    if slow:
        tried += [Catch22Classifier(), RDSTClassifier(max_shapelets=50), ProximityTree()]
        tried += [ShapeletTransformClassifier(n_shapelet_samples=50, max_shapelets=5)]
    for estimator in tried:
        cell(name, f"unequal length, channels, {type(estimator).__name__}", lambda: accuracy(estimator, channels_first))
    for clusterer in (TimeSeriesKMeans(n_clusters=2, max_iter=2), TimeSeriesKMedoids(n_clusters=2)):
        cell(
            name,
            f"clustering, unequal length, {type(clusterer).__name__}",
            lambda: clusterer.fit_predict(channels_first)[:5],
        )
    cell(
        name,
        "regression, unequal length",
        lambda: KNeighborsTimeSeriesRegressor().fit(channels_first, targets).predict(channels_first)[:2],
    )
    summary, backwards = SevenNumberSummary(), [series[:, ::-1] for series in channels_first]
    cell(
        name,
        "order-free, SevenNumberSummary",
        lambda: np.allclose(summary.fit_transform(channels_first), summary.fit_transform(backwards)),
    )
    pipeline = make_pipeline(Normalizer(), KNeighborsTimeSeriesClassifier())
    cell(
        name,
        "GridSearchCV, ragged",
        lambda: grid_search(pipeline, {"kneighborstimeseriesclassifier__n_neighbors": [1, 3]}, channels_first),
    )
    for estimator in [KNeighborsTimeSeriesClassifier(), *([RocketClassifier(n_kernels=50)] if slow else [])]:
        cell(name, f"check_estimator {type(estimator).__name__}", lambda: own_checks(estimator))
    cell(name, "random labels, 1-NN", lambda: random_labels(KNeighborsTimeSeriesClassifier(), noise))
    for kernels in (100, 10_000):
        cell(
            name,
            f"random labels, Rocket, {kernels} kernels",
            lambda: random_labels(RocketClassifier(n_kernels=kernels, random_state=0), noise),
        )
    cell(name, "predict_proba", lambda: hasattr(RocketClassifier(), "predict_proba"))
    cell(
        name, "explanation", lambda: importlib.import_module("aeon.visualisation").ShapeletClassifierVisualizer.__name__
    )


def check_sktime(name, slow):
    import pandas as pd
    from sklearn.linear_model import RidgeClassifierCV
    from sktime.classification.distance_based import KNeighborsTimeSeriesClassifier
    from sktime.classification.feature_based import SummaryClassifier
    from sktime.classification.interval_based import TimeSeriesForestClassifier
    from sktime.classification.kernel_based import RocketClassifier, TimeSeriesSVC
    from sktime.classification.model_selection import TSCGridSearchCV
    from sktime.clustering.dbscan import TimeSeriesDBSCAN
    from sktime.clustering.k_means import TimeSeriesKMeans
    from sktime.dists_kernels import AggrDist, ScipyDist
    from sktime.registry import all_estimators
    from sktime.regression.distance_based import KNeighborsTimeSeriesRegressor
    from sktime.transformations.rocket import MiniRocketMultivariateVariable

    cell(name, "compiled", lambda: f"numba imported: {'numba' in sys.modules}")
    for kind in ["classifier", "regressor", "clusterer", "forecaster", "detector"]:
        ragged = {"capability:unequal_length": True}
        cell(
            name,
            f"number, {kind}",
            lambda: f"{len(all_estimators(kind))}, of unequal length: {len(all_estimators(kind, filter_tags=ragged))}",
        )
    needs = [str(row[2]) for row in all_estimators("classifier", return_tags=["python_dependencies"])]
    cell(name, "classifiers that need numba", lambda: f"{sum('numba' in need for need in needs)} of {len(needs)}")
    frames = [pd.DataFrame(tokens) for tokens in tokens_first]
    distance = AggrDist(ScipyDist())
    tried = [TimeSeriesSVC(), KNeighborsTimeSeriesClassifier(), KNeighborsTimeSeriesClassifier(distance=distance)]
    tried += [RocketClassifier(num_kernels=100)]
    if slow:
        tried += [MiniRocketMultivariateVariable(num_kernels=168) * RidgeClassifierCV()]
    for estimator in tried:
        told = f"{type(estimator).__name__}{' AggrDist' if getattr(estimator, 'distance', None) is distance else ''}"
        cell(name, f"unequal length, channels, {told}", lambda: accuracy(estimator, frames))
    cell(name, "list of NumPy arrays", lambda: accuracy(TimeSeriesSVC(), tokens_first))
    cell(name, "order-free, AggrDist", lambda: np.allclose(distance(frames), distance(reversed_in_time(frames))))
    cell(
        name,
        "clustering, unequal length, DBSCAN",
        lambda: TimeSeriesDBSCAN(distance=distance, eps=3.0).fit(frames).labels_[:5],
    )
    cell(name, "clustering, unequal length, KMeans", lambda: TimeSeriesKMeans(n_clusters=2).fit(frames).labels_[:5])
    cell(
        name,
        "regression, unequal length",
        lambda: KNeighborsTimeSeriesRegressor(distance=distance).fit(frames, targets).predict(frames)[:2],
    )
    cell(name, "scikit-learn's GridSearchCV, ragged", lambda: grid_search(TimeSeriesSVC(), {"C": [1, 3]}, frames))
    search = TSCGridSearchCV(TimeSeriesSVC(), {"C": [1, 3]}, cv=2, error_score="raise")
    cell(name, "its own TSCGridSearchCV, ragged", lambda: search.fit(frames, labels).best_params_)
    for estimator in (TimeSeriesSVC(), SummaryClassifier()):
        cell(name, f"check_estimator {type(estimator).__name__}", lambda: own_checks(estimator))
    cell(name, "predict_proba", lambda: hasattr(TimeSeriesSVC(), "predict_proba"))
    if slow:
        cell(name, "random labels, TimeSeriesSVC", lambda: random_labels(TimeSeriesSVC(), noise))
    for kernels in (100, 10_000) if slow else (100,):
        cell(
            name,
            f"random labels, Rocket, {kernels} kernels",
            lambda: random_labels(RocketClassifier(num_kernels=kernels, random_state=0), noise),
        )
    forest = TimeSeriesForestClassifier(n_estimators=5)
    cell(name, "explanation", lambda: f"importances {forest.fit(noise, noise_labels).feature_importances_.shape}")
    folder = pathlib.Path(tempfile.mkdtemp())
    cell(name, "save", lambda: type(TimeSeriesSVC().fit(frames, labels).save(folder / "svc")).__name__)


def locate_shapelets(padded):
    shapelets = importlib.import_module("tslearn.shapelets").LearningShapelets(n_shapelets_per_size={5: 2}, max_iter=2)
    return f"located at {shapelets.fit(padded, labels).locate(padded)[0]}"


def check_tslearn(name, slow):
    from sklearn.pipeline import make_pipeline
    from tslearn.clustering import KernelKMeans, KShape, TimeSeriesKMeans
    from tslearn.neighbors import KNeighborsTimeSeriesClassifier
    from tslearn.neural_network import TimeSeriesMLPClassifier
    from tslearn.preprocessing import TimeSeriesScalerMinMax
    from tslearn.svm import TimeSeriesSVC, TimeSeriesSVR
    from tslearn.utils import to_time_series_dataset

    cell(name, "compiled", lambda: f"numba imported: {'numba' in sys.modules}")
    padded = to_time_series_dataset(tokens_first)
    tried = [KNeighborsTimeSeriesClassifier(), TimeSeriesSVC(), TimeSeriesMLPClassifier(max_iter=5)]
    for told, X in {"list of arrays": tokens_first, "NaN-padded": padded}.items():
        for estimator in tried:
            cell(name, f"unequal length, channels, {told}, {type(estimator).__name__}", lambda: accuracy(estimator, X))
        pipeline = make_pipeline(TimeSeriesScalerMinMax(), TimeSeriesSVC())
        cell(name, f"GridSearchCV, {told}", lambda: grid_search(pipeline, {"timeseriessvc__C": [1, 3]}, X))
    clusterers = [TimeSeriesKMeans(n_clusters=2, metric=metric, max_iter=2) for metric in ("dtw", "euclidean")]
    for clusterer in [*clusterers, KernelKMeans(n_clusters=2), KShape(n_clusters=2, max_iter=2)]:
        told = f"{type(clusterer).__name__} {getattr(clusterer, 'metric', '')}"
        cell(name, f"clustering, NaN-padded, {told}", lambda: clusterer.fit_predict(padded)[:5])
    cell(name, "regression, NaN-padded", lambda: TimeSeriesSVR().fit(padded, targets).predict(padded)[:2])
    checked = [TimeSeriesKMeans(n_clusters=2, max_iter=2), KNeighborsTimeSeriesClassifier()]
    for estimator in [*checked, *([TimeSeriesSVC(), TimeSeriesMLPClassifier()] if slow else [])]:
        cell(name, f"check_estimator {type(estimator).__name__}", lambda: own_checks(estimator))
    for estimator in (TimeSeriesSVC(), KNeighborsTimeSeriesClassifier(n_neighbors=1)):
        cell(
            name,
            f"random labels, {type(estimator).__name__}",
            lambda: random_labels(estimator, noise.transpose(0, 2, 1)),
        )
    cell(name, "explanation, LearningShapelets (needs Keras)", lambda: locate_shapelets(padded))
    cell(name, "forecasting", lambda: importlib.import_module("tslearn.forecasting").__all__)
    path = pathlib.Path(tempfile.mkdtemp()) / "model.json"
    cell(name, "save", lambda: (KNeighborsTimeSeriesClassifier().fit(padded, labels).to_json(path), "to_json")[1])


def check_skorch(name):
    import torch
    from skorch import NeuralNetClassifier, NeuralNetRegressor

    torch.set_num_threads(1)

    class Pooled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.outer = torch.nn.Linear(2, 8), torch.nn.Linear(8, 2)

        def forward(self, X):
            pooled = [torch.relu(self.inner(tokens)).amax(0) for tokens in X.unbind()]
            return torch.softmax(self.outer(torch.stack(pooled)), -1)

    def jagged(batch):
        X, y = zip(*batch)
        return torch.nested.nested_tensor([torch.as_tensor(x) for x in X], layout=torch.jagged), torch.as_tensor(
            np.array(y)
        )

    options = {"max_epochs": 2, "verbose": 0, "train_split": None}
    arrays = [tokens.astype(np.float32) for tokens in tokens_first]
    objects = np.empty(len(arrays), dtype=object)
    objects[:] = arrays
    collated = NeuralNetClassifier(
        Pooled, iterator_train__collate_fn=jagged, iterator_valid__collate_fn=jagged, **options
    )
    cell(name, "unequal length, list of arrays", lambda: accuracy(NeuralNetClassifier(Pooled, **options), arrays))
    cell(name, "unequal length, object array", lambda: accuracy(NeuralNetClassifier(Pooled, **options), objects))
    cell(name, "unequal length, object array, own module and collate_fn", lambda: accuracy(collated, objects))
    cell(
        name,
        "GridSearchCV, object array, own module and collate_fn",
        lambda: grid_search(collated, {"lr": [0.1, 0.01]}, objects),
    )
    flat = torch.nn.Sequential(torch.nn.LazyLinear(3), torch.nn.Softmax(-1)).double()
    cell(name, "check_estimator NeuralNetClassifier", lambda: own_checks(NeuralNetClassifier(flat, **options)))
    net = NeuralNetClassifier(torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Softmax(-1)), **options)
    net.fit(np.ones((6, 4), np.float32), np.array([0, 1] * 3))
    cell(name, "predict_proba, partial_fit", lambda: (hasattr(net, "predict_proba"), hasattr(net, "partial_fit")))
    line = NeuralNetRegressor(torch.nn.Linear(4, 1), **options)
    cell(
        name,
        "regression",
        lambda: (
            line.fit(np.ones((6, 4), np.float32), np.ones((6, 1), np.float32))
            .predict(np.ones((1, 4), np.float32))
            .shape
        ),
    )
    cell(name, "torch", lambda: type(torch.export.export(net.module_, (torch.ones(2, 4),))).__name__)
    cell(name, "GPU", lambda: f"parameter device={net.device!r}")


def check_tracr(name):
    from tracr.compiler import compiling, lib
    from tracr.rasp import rasp

    everything = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE)
    opposite = rasp.Select(rasp.indices, rasp.SelectorWidth(everything) - rasp.indices - 1, rasp.Comparison.EQ)
    program = rasp.Aggregate(opposite, rasp.tokens)
    model = compiling.compile_rasp_to_model(program, vocab={1, 2, 3}, max_seq_len=5, compiler_bos="BOS")
    cell(name, "weights", lambda: f"{len(model.params)} named parameter groups")
    for tokens in ([1, 2, 3], [2, 1], [1, 2, 3, 1, 2, 3], [7]):
        cell(name, f"targets for each token, reverse of {tokens}", lambda: model.apply(["BOS", *tokens]).decoded)
    histogram = compiling.compile_rasp_to_model(lib.make_hist(), vocab={*"abc"}, max_seq_len=6, compiler_bos="BOS")
    cell(name, "order-free program", lambda: [histogram.apply(["BOS", *text]).decoded for text in ("abca", "aacb")])
    cell(name, "explanation", lambda: f"residual coordinates named, as {model.residual_labels[:2]}")
    logits = model.apply(["BOS", 1, 2, 3]).attn_logits[-1]
    shares = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    cell(name, "attention", lambda: f"smallest largest softmax share {(1 / shares.sum(-1)).min():.6f}")
    cell(
        name,
        "real numbers as tokens",
        lambda: compiling.compile_rasp_to_model(rasp.numerical(rasp.tokens), vocab={1}, max_seq_len=3),
    )
    cell(name, "scikit-learn API", lambda: hasattr(model, "fit"))


def check_authors(tikhonov, clustering):
    if tikhonov:
        sys.path.insert(0, str(tikhonov))
        import torch
        from src.generateData import generateSyntheticData
        from src.models import TF
        from src.train import train_model

        with contextlib.redirect_stdout(io.StringIO()):
            inputs, outputs, _ = generateSyntheticData(4, 3, 7)
            network = TF(3, 1, 1.0, False, 1)
            losses = train_model(network, inputs, outputs, epochs=200, batch_size=4)
        name = "exactInterpTF"
        cell(name, "weights", lambda: f"trained with Adam: loss {losses[0]:.3g} to {losses[-1]:.3g} in 200 epochs")
        cell(
            name,
            "unequal length, one sequence at a time",
            lambda: [network(torch.rand(1, n, 3)).shape[1] for n in (2, 9)],
        )
        cell(name, "unequal length, a list", lambda: network([torch.rand(2, 3), torch.rand(9, 3)]).shape)
        cell(name, "order-free", lambda: torch.allclose(network(inputs.flip(1)).flip(1), network(inputs), atol=1e-5))
    if clustering:
        sys.path.insert(0, str(clustering))
        from utils.models import hardmaxDynamics

        cell(
            "clustering-hardmax-transformers",
            "hard attention",
            lambda: hardmaxDynamics(0.5, 8, rng.normal(size=(2, 5, 2))).shape,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--only", nargs="*", help="names of distributions")
    parser.add_argument("--tikhonov", type=pathlib.Path)
    parser.add_argument("--clustering", type=pathlib.Path)
    options = parser.parse_args()
    libraries = {
        "sklearn-hardmax": check_ours,
        "sktime": lambda name: check_sktime(name, options.slow),
        "aeon": lambda name: check_aeon(name, options.slow),
        "tslearn": lambda name: check_tslearn(name, options.slow),
        "skorch": check_skorch,
        "tracr": check_tracr,
    }
    for distribution in options.only or libraries:
        try:
            name = f"{distribution} {importlib.metadata.version(distribution)}"
        except importlib.metadata.PackageNotFoundError:
            print(f"{distribution} | not installed")
            continue
        cell(name, "core requirements", lambda: requirements(distribution))
        libraries[distribution](name)
    check_authors(options.tikhonov, options.clustering)


if __name__ == "__main__":
    main()
