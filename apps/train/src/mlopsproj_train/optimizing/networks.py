"""Variants that are trained: networks with fewer channels, which learn from the parent's answers.

The teacher is the parent's graph in onnxruntime, which is faster on a CPU than its network in torch
and is there also where the run is not. Knows nothing of int8.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.errors import CompressionError
from mlopsproj_core.image import Pixels
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.outputs import Floats
from mlopsproj_data import DataModule
from mlopsproj_evaluation import score
from mlopsproj_models.compression.distillation import DistilledClassifier, student_of
from mlopsproj_models.compression.folding import fold_graph
from mlopsproj_models.compression.pruning import count_parameters, prune
from mlopsproj_models.export import check_parity, export_onnx
from mlopsproj_models.graph import calibrate
from mlopsproj_models.networks import ImageNetwork
from torch import Tensor

from mlopsproj_train.checkpoints import load_checkpoint
from mlopsproj_train.config import Precision, TrainConfig
from mlopsproj_train.fitting import fit
from mlopsproj_train.optimizing.workshop import Build, Workshop, empty_network
from mlopsproj_train.planning import new_module, with_precision
from mlopsproj_train.recipes import chosen
from mlopsproj_train.run_folder import RunFolder

logger = logging.getLogger(__name__)

_PRUNED_SHARE = 0.4
"""Of the parent's epochs, that bring a pruned network back."""

_SCRATCH_LR = 1e-2
_PRUNING_IMAGES, _PRUNING_PIXELS = 1024, 2**20


def prune_network(ratio: float) -> Build:
    """How a network is made that lacks a share of the parent's channels.

    Args:
        ratio: share that is cut.
    """

    def build(workshop: Workshop, graph: Path) -> dict[str, Any]:
        run, pruning = workshop.run_config(), workshop.config.pruning
        parent = workshop.network()
        network = prune(parent, ratio, _batches(workshop))
        epochs = pruning.epochs or ceil(_PRUNED_SHARE * chosen(run.trainer.max_epochs))
        lr = pruning.lr * chosen(run.optimizer.lr)
        config = _variant_config(workshop, run, epochs=epochs, lr=lr)
        details = _train(workshop, network, config, graph)
        share = count_parameters(network) / count_parameters(parent)
        return {
            "made": f"{100 * ratio:.3g} % of the channels cut, {epochs} epochs of training",
            "parameters": share,
            **details,
        }

    return build


def distil_network(width: float) -> Build:
    """How a network of the same kind with fewer channels is made, from new weights.

    Args:
        width: share of the parent's channels.
    """

    def build(workshop: Workshop, graph: Path) -> dict[str, Any]:
        run = workshop.run_config()
        epochs = workshop.config.distillation.epochs or chosen(run.trainer.max_epochs)
        lr = _SCRATCH_LR if run.model.architecture != "residual" else chosen(run.optimizer.lr)
        config = _variant_config(workshop, run, epochs=epochs, lr=lr)
        student = student_of(config.model, width)
        # Its weights are new: each stage learns as fast as the others.
        finetune = replace(student.finetune, layer_decay=1.0)
        config = replace(config, model=replace(student, finetune=finetune))
        dataset = workshop.parent.dataset
        network = new_module(config, dataset).network
        share = count_parameters(network) / count_parameters(empty_network(run, dataset))
        if share >= 1:
            raise CompressionError(
                f"A student of {width} of the channels would be no smaller: they are too few."
            )
        details = _train(workshop, network, config, graph)
        return {
            "made": f"{100 * width:.3g} % of the channels, {epochs} epochs of distillation",
            "parameters": share,
            **details,
        }

    return build


def _variant_config(workshop: Workshop, run: TrainConfig, *, epochs: int, lr: float) -> TrainConfig:
    """The parent's settings for a network that learns all its layers from its teacher."""
    finetune = replace(run.model.finetune, frozen_epochs=0)
    return replace(
        run,
        model=replace(run.model, finetune=finetune, loss=replace(run.model.loss, mixup_alpha=0.0)),
        optimizer=replace(run.optimizer, lr=lr),
        trainer=replace(
            run.trainer,
            accelerator=workshop.config.accelerator,
            precision=Precision.auto,
            max_epochs=epochs,
            patience=None,
        ),
        seed=workshop.config.seed,
    )


def _train(
    workshop: Workshop, network: ImageNetwork, config: TrainConfig, graph: Path
) -> dict[str, Any]:
    """Train a network, from where it was interrupted, and write its calibrated graph."""
    dataset = workshop.parent.dataset
    pl.seed_everything(config.seed, verbose=False)
    network.train()
    module = DistilledClassifier(
        network,
        _teacher(workshop),
        model=config.model,
        optimizer=config.optimizer,
        class_counts=np.bincount(workshop.train.labels, minlength=len(dataset.classes)).tolist(),
    )
    data = DataModule(
        dataset,
        batch_size=chosen(config.trainer.batch_size),
        seed=config.seed,
        augment=config.data.augment,
        balanced=config.data.balanced_sampling,
    )
    folder = RunFolder(graph.parent.parent / "training")
    folder.path.mkdir(exist_ok=True)
    config = _with_kept_precision(config, module, workshop, folder)
    fitted = fit(module, data, config, folder, tracker=None)
    module.load_state_dict(load_checkpoint(fitted.best)["state_dict"])
    served = calibrate(module.network.cpu().float().eval(), workshop.train, workshop.validation)
    with TemporaryDirectory() as scratch:
        exported = Path(scratch) / MODEL
        export_onnx(served, dataset.spec, exported)
        fold_graph(exported, graph)
    _, outputs = score(
        OnnxGraph(graph, dataset.spec, len(dataset.classes)).run, workshop.validation
    )
    parity = check_parity(served, workshop.validation, outputs)
    return {
        "train_seconds": fitted.train_seconds,
        "torch_parity": parity.model_dump(),
    }


def _with_kept_precision(
    config: TrainConfig, module: DistilledClassifier, workshop: Workshop, folder: RunFolder
) -> TrainConfig:
    """The arithmetic that is measured here, or that a training which goes on began with."""
    if folder.last_checkpoint.exists() and folder.config.exists():
        kept = json.loads(folder.config.read_bytes())["trainer"]["precision"]
        return replace(config, trainer=replace(config.trainer, precision=Precision(kept)))
    config = with_precision(config, module, workshop.train)
    folder.write_config(config)
    return config


def _teacher(workshop: Workshop) -> Callable[[Pixels], Floats]:
    dataset = workshop.parent.dataset
    graph = OnnxGraph(workshop.parent.bundle.path / MODEL, dataset.spec, len(dataset.classes))
    return lambda pixels: graph.run(pixels).probabilities


def _batches(workshop: Workshop) -> list[tuple[Tensor, Tensor]]:
    """Some training images that tell which channels matter."""
    train = workshop.train
    height, width = train.images.shape[1:3]
    count = min(_PRUNING_IMAGES, len(train))
    rows = np.sort(np.random.default_rng(workshop.config.seed).permutation(len(train))[:count])
    size = max(1, _PRUNING_PIXELS // (height * width) // 8)
    return [
        (torch.tensor(train.images[piece]), torch.tensor(train.labels[piece]))
        for piece in np.array_split(rows, ceil(count / size))
    ]
