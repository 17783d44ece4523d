"""A checkpoint of others as a user names it: got, refused or trained, and told for what it is."""

import json
import math
import shutil

import huggingface_hub
import made_checkpoints as made
import pytest
from cells import composed, small_setup
from huggingface_hub import constants

from harness import experiment, record
from harness.cells import foundation
from harness.contracts import InputError
from harness.planning import configuration
from harness.weights import released

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TINY = ("data.train_size=32", "data.dev_size=12", "data.test_size=12", "train.max_length=60")
WRITING = ("decoding.max_new_tokens=12",)
KINDS = ("gpt2", "distilgpt2", "bert", "distilbert", "roberta", "modernbert", "llama")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("released")
    return {kind: made.make(kind, root / kind) for kind in (*KINDS, "ettin_decoder")}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The hub's cache in a folder of its own, and no network."""
    place = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(place))

    def refused(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", refused)
    return place


def cached(hub, folder, name="models--someone--tiny", commit=COMMIT):
    repository = hub / name
    (repository / "refs").mkdir(parents=True, exist_ok=True)
    (repository / "refs" / "main").write_text(commit)
    return shutil.copytree(folder, repository / "snapshots" / commit)


def lay(tmp_path, *overrides, make=True):
    return foundation.lay((composed("task=ner", *TINY, *overrides), str(tmp_path / "cache"), make))


def ran(tmp_path, folder, task, *more, results="results"):
    overrides = (*TINY, *(WRITING if task == "generation" else ()), *more)
    setup = small_setup(
        tmp_path / results, tmp_path / "cache", "model=checkpoint", f"model.path={folder}",
        *overrides, task=task,
    )  # fmt: skip
    experiment.execute(setup)
    return record.read(setup.folder), setup.folder


def cases():
    tasks = ("classification", "matching", "ner", "generation")
    for number, kind in enumerate((*KINDS, "ettin_decoder")):
        for place, task in enumerate(tasks):
            fast = place == number % 4
            yield pytest.param(kind, task, marks=[] if fast else pytest.mark.slow)


@pytest.mark.parametrize(("kind", "task"), cases())
def test_each_family_learns_each_task(kind, task, folders, tmp_path):
    kept, folder = ran(tmp_path, folders[kind], task)
    assert kept.outcome.status == "finished"
    assert kept.cell.family == ("gpt" if kind in made.DECODERS else "bert")
    assert all(map(math.isfinite, kept.training.losses))
    assert (kept.cell.model, kept.cell.weights, kept.cell.level) == (kind, kind, "")
    assert kept.model.description.endswith(f"from {kind}")
    again, other = ran(tmp_path, folders[kind], task, results="again")
    assert again.identity == kept.identity
    assert record.read_counts(other).columns == record.read_counts(folder).columns


SLOWER = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("bert", "roberta")]


@pytest.mark.parametrize("kind", ["distilbert", "modernbert", *SLOWER])
def test_an_encoder_fills_in_masks(kind, folders, tmp_path):
    kept, _ = ran(tmp_path, folders[kind], "generation", "mode=mask_predict", *WRITING)
    assert kept.cell.mode == "mask_predict"


def test_padding_and_masks_hold_while_training(folders, tmp_path):
    for kind in ("roberta", "ettin_decoder"):
        kept, _ = ran(tmp_path, folders[kind], "classification")
        assert kept.probes["padding_change"] < 1e-4


# --- what it is called ----------------------------------------------------------------------------


def test_the_hubs_cache_is_used_and_the_commit_is_kept(folders, tmp_path, hub):
    cached(hub, folders["gpt2"])
    setup = small_setup(
        tmp_path, tmp_path / "cache", "model=checkpoint", "model.path=someone/tiny",
        "model.level=as released", *TINY,
    )  # fmt: skip
    experiment.execute(setup)
    kept = record.read(setup.folder)
    assert (kept.cell.model, kept.cell.level) == ("tiny", "as released")
    assert kept.model.pretraining["commit"] == COMMIT
    assert kept.model.pretraining["repository"] == "someone/tiny"
    assert kept.model.pretraining["frame"] == (
        "<|endoftext|> one <|endoftext|> other <|endoftext|>"
    )
    assert kept.model.description.endswith("someone/tiny as released (0123456789ab)")
    assert "path" not in kept.config["model"]
    assert "revision" not in kept.config["model"]


def test_a_copy_is_never_called_as_released(folders, tmp_path):
    setup = small_setup(
        tmp_path, tmp_path / "cache", "model=gpt2_124m", f"model.path={folders['gpt2']}", *TINY
    )
    assert (setup.cell.level, setup.cell.weights, setup.cell.pair) == ("", "gpt2", "base")


def test_the_same_files_are_the_same_model_wherever_they_lie(folders, tmp_path, hub):
    cached(hub, folders["bert"])
    places = [f"model.path={folders['bert']}", "model.path=someone/tiny"]
    here, there = (
        small_setup(
            tmp_path, tmp_path / "cache", "model=checkpoint", place, "model.name=same", *TINY
        )
        for place in places
    )
    assert here.identity == there.identity


def test_two_folders_are_two_models_of_one_pair(folders):
    configs = [
        composed("model=checkpoint", f"model.path={folders[kind]}", "model.pair=mine")
        for kind in ("gpt2", "bert")
    ]
    names = [configuration.model_name(config["model"]) for config in configs]
    assert names == ["gpt2", "bert"]
    sciences = [configuration.scientific(config, False)["model"] for config in configs]
    assert [science["name"] for science in sciences] == names
    assert [config["model"]["pair"] for config in configs] == ["mine", "mine"]


def test_a_named_revision_is_looked_up(folders, tmp_path, hub):
    other = COMMIT[::-1]
    cached(hub, folders["bert"], commit=other)
    place = cached(hub, folders["gpt2"])
    (hub / "models--someone--tiny" / "refs" / "refs" / "pr").mkdir(parents=True)
    (hub / "models--someone--tiny" / "refs" / "refs" / "pr" / "1").write_text(other)
    assert released.located("someone/tiny", None) == place
    assert released.located("someone/tiny", "refs/pr/1").name == other
    assert released.located("someone/tiny", other).name == other


# --- what is refused, before anything starts ------------------------------------------------------


@pytest.fixture
def changed(tmp_path, folders):
    def copied(kind, **settings):
        folder = shutil.copytree(folders[kind], tmp_path / f"changed-{kind}")
        told = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(told | settings))
        return folder

    return copied


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("gpt2", {"model_type": "gptj"}, r"model_type 'gptj': not known here; known: bert, "),
        ("gpt2", {"model_type": None}, r"model_type None: not known here"),
        ("gpt2", {"auto_map": {"AutoModel": "my.Model"}}, "code of its own"),
        ("bert", {"is_decoder": True}, "neither family"),
        ("llama", {"quantization_config": {"bits": 4}}, "packed weights"),
        ("gpt2", {"vocab_size": 400}, "421 tokens, the model a table of 400"),
        ("gpt2", {"n_positions": 20}, "reads at most 20 tokens"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(kind, settings, said, changed, tmp_path):
    with pytest.raises(InputError, match=said):
        lay(tmp_path, "model=checkpoint", f"model.path={changed(kind, **settings)}")


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("config.json", "no config.json there; expected a folder in the hub's format"),
        ("model.safetensors", "no model.safetensors there"),
        ("tokenizer.json", "no tokenizer.json there"),
    ],
)
def test_a_file_that_is_missing_is_named(gone, said, changed, tmp_path):
    folder = changed("bert")
    (folder / gone).unlink()
    with pytest.raises(InputError, match=said):
        lay(tmp_path, "model=checkpoint", f"model.path={folder}")


def test_pickled_weights_are_not_read(changed, tmp_path):
    folder = changed("bert")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"only pytorch_model.bin, .*save_pretrained"):
        lay(tmp_path, "model=checkpoint", f"model.path={folder}")


def test_a_shard_that_is_missing_is_named(changed, tmp_path):
    folder = made.sharded(changed("bert"))
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(InputError, match=r"no model-00002-of-00002\.safetensors there"):
        lay(tmp_path, "model=checkpoint", f"model.path={folder}")


def test_an_index_may_not_point_elsewhere(changed, tmp_path):
    folder = made.sharded(changed("bert"))
    index = json.loads((folder / released.INDEX).read_text())
    first = next(iter(index["weight_map"]))
    index["weight_map"][first] = "../../secret.safetensors"
    (folder / released.INDEX).write_text(json.dumps(index))
    with pytest.raises(InputError, match="names of files beside it"):
        lay(tmp_path, "model=checkpoint", f"model.path={folder}")


def test_an_encoder_under_a_decoders_name_is_refused(folders, tmp_path):
    with pytest.raises(InputError, match=r"model_type 'bert', but this model is a 'gpt2'"):
        lay(tmp_path, "model=gpt2_124m", f"model.path={folders['bert']}")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "not set; expected a folder, or an id"),
        ("/no/such/folder", "no such folder, and it is no id"),
        ("./here", "no such folder, and it is no id"),
        ("someone/else", r"not to be had from the hub \(ConnectionError\); .*model\.path=/path/to"),
    ],
)
def test_what_is_nowhere_is_one_message(path, said, tmp_path, hub):
    with pytest.raises(InputError, match=said) as caught:
        lay(tmp_path, "model=checkpoint", f"model.path='{path}'")
    assert "\n" not in str(caught.value)
    assert not hub.exists()


@pytest.mark.parametrize("make", [True, False])
def test_a_cache_without_the_tokenizers_settings_is_told_what_to_type(folders, tmp_path, hub, make):
    place = cached(hub, folders["bert"])
    (place / "tokenizer_config.json").unlink()
    words = ("model=checkpoint", "model.path=someone/tiny", "model.revision=main")
    said = (
        r"tokenizer_config\.json is not in the hub's cache, .* \(ConnectionError\); .*"
        rf"`hf download someone/tiny --revision main` .* model\.path={place} takes it as it is"
    )
    with pytest.raises(InputError, match=said):
        lay(tmp_path, *words, make=make)
    assert not released.complete(place)
    assert lay(tmp_path, "model=checkpoint", f"model.path={place}").asset is not None
    none = place.parents[1] / ".no_exist" / COMMIT / "tokenizer_config.json"
    none.parent.mkdir(parents=True)
    none.touch()  # as the cache remembers what a repository does not have
    assert released.complete(place)
    assert lay(tmp_path, *words).asset is not None


def test_a_cache_without_weights_is_told_so(folders, tmp_path, hub):
    place = cached(hub, folders["bert"])
    (place / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors is not in the hub's cache") as caught:
        lay(tmp_path, "model=checkpoint", "model.path=someone/tiny")
    assert "takes it as it is" not in str(caught.value)
    assert lay(tmp_path, "model=checkpoint", "model.path=someone/tiny", make=False).asset is None


def test_weights_are_named_by_their_path(folders, tmp_path):
    path = f"model.path={folders['bert']}"
    with pytest.raises(InputError, match=r"weights=scratch: a checkpoint is named by model\.path"):
        lay(tmp_path, "model=checkpoint", path, "model.weights=scratch")


def test_a_folder_called_scratch_is_no_scratch(folders, tmp_path):
    folder = shutil.copytree(folders["bert"], tmp_path / "scratch")
    setup = small_setup(
        tmp_path, tmp_path / "cache", "model=checkpoint", f"model.path={folder}", *TINY
    )
    assert setup.cell.weights == "folder scratch"


# --- downloading ----------------------------------------------------------------------------------


@pytest.fixture
def online(hub, folders, monkeypatch):
    """A hub with one model; what is asked of it is kept."""
    asked = []

    def download(path, revision, allow_patterns, **_):
        asked.append(allow_patterns)
        place = hub / "models--someone--tiny" / "snapshots" / COMMIT
        place.mkdir(parents=True, exist_ok=True)
        (hub / "models--someone--tiny" / "refs").mkdir(exist_ok=True)
        (hub / "models--someone--tiny" / "refs" / "main").write_text(COMMIT)
        for name in {"model.safetensors", *released.SETTINGS} & set(allow_patterns):
            if (folders["bert"] / name).is_file():
                shutil.copy(folders["bert"] / name, place / name)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return asked


def test_files_are_got_once_and_only_safe_ones(online, tmp_path):
    for _ in range(2):
        laid = lay(tmp_path, "model=checkpoint", "model.path=someone/tiny")
        assert laid.family == "bert"
    assert len(online) == 1
    assert not [p for p in online[0] if p.endswith((".bin", ".pt", ".py")) or p == "*"]


def test_a_dry_run_gets_no_weights(online, tmp_path):
    laid = lay(tmp_path, "model=checkpoint", "model.path=someone/tiny", make=False)
    assert laid.asset is None
    assert laid.epoch_flops > 0
    assert "model.safetensors" not in online[0]
    lay(tmp_path, "model=checkpoint", "model.path=someone/tiny", make=False)
    assert len(online) == 1
    assert lay(tmp_path, "model=checkpoint", "model.path=someone/tiny").asset is not None
    assert "model.safetensors" in online[1]


def test_a_repository_without_safetensors_says_what_to_do(online, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(released, "WEIGHTS", ("nothing.safetensors", "x", released.INDEX))
    with pytest.raises(InputError, match=r"someone/tiny at 0123456.* choose a commit that has it"):
        lay(tmp_path, "model=checkpoint", "model.path=someone/tiny")
