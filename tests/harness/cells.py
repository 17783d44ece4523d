"""Small cells, composed from the project's own configuration."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from harness.cells import foundation
from harness.examples import wording
from harness.planning import configuration
from harness.planning import setup as setups
from harness.planning.setup import Setup

CONF = Path(__file__).parents[2] / "conf"
SMALL = (
    "data.train_size=96",
    "data.dev_size=40",
    "data.test_size=60",
    "pretraining.updates=12",
    "pretraining.corpus.size=400",
    "train.epochs=1",
)


def composed(*overrides):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", overrides=list(overrides))
        return OmegaConf.to_container(config, resolve=True)


def small_setup(tmp_path, cache, *overrides, task="ner", keep=False, small=True) -> Setup:
    """A cell that trains for a second, ready to execute."""
    given = [o.partition("=")[2] for o in overrides if o.startswith("strategy=")]
    config = composed(*(SMALL if small else ("train.epochs=1",)), f"task={task}", *overrides)
    laid = foundation.lay((config, str(cache), True))
    config = wording.settled(config, laid.splits)
    science = configuration.scientific(config, laid.writes, laid.overlong)
    return Setup(
        config=config,
        science=science,
        foundation=laid,
        cell=setups.cell_of(config, laid, {"task": task, "strategy": (given or ["full"])[-1]}),
        identity=setups.identify(science, laid),
        results=str(tmp_path),
        cache=str(cache),
        keep_checkpoint=keep,
        environment={},
        sweep=None,
        tuning=None,
    )
