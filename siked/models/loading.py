"""Loading a model folder, with an adapter merged into it in memory, or a student that is whole.

A merged model decodes several times faster than one that computes its adapter beside every layer,
and nothing is written to disk.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from siked.errors import UserError
from siked.files import read_json
from siked.settings import TransformersSettings

if TYPE_CHECKING:
    import torch

ADAPTER = "adapter_config.json"
_POINTER = b"version https://git-lfs"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")
HUB_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
"""What a model folder needs of a hub repository."""


def locate(
    source: str,
    revision: str | None,
    *,
    cache: Path | None = None,
    files: Sequence[str] = HUB_FILES,
) -> Path:
    """Return the local folder of a model named as ``path:FOLDER`` or ``hf:OWNER/NAME``.

    Args:
        source: the model's name.
        revision: commit of a hub model.
        cache: where a hub model is kept; the hub library's own cache where None.
        files: patterns of the files wanted of a hub model.

    Raises:
        UserError: the hub does not give it.
    """
    kind, _, name = source.partition(":")
    if kind == "path":
        return Path(name)
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(
            huggingface_hub.snapshot_download(
                name, revision=revision, cache_dir=cache, allow_patterns=list(files)
            )
        )
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise UserError(f"{source}: did not come from the hub: {_first_line(error)}") from None


class Loaded(NamedTuple):
    """A model ready to generate."""

    model: Any
    """A transformers causal language model in evaluation mode, on its device."""
    tokenizer: Any


def check_model_folder(folder: Path) -> None:
    """See that a folder holds a model and its tokenizer.

    Raises:
        UserError: it does not; the text says what is missing.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such model folder")
    config = folder / "config.json"
    if not config.is_file():
        raise UserError(f"{folder}: is not a model folder: it has no config.json")
    try:
        json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{config}: not JSON: {error}") from None
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("pytorch_model*.bin")):
        raise UserError(f"{folder}: is not a model folder: it has no *.safetensors weights")
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise UserError(f"{folder}: has no tokenizer ({' or '.join(TOKENIZER_FILES)})")


def is_whole(student: Path) -> bool:
    """Return whether a student's folder holds a whole model, as full fine-tuning leaves it."""
    return (student / "config.json").is_file() and not (student / ADAPTER).is_file()


def find_parts(base: Path, student: Path | None) -> tuple[Path, Path | None]:
    """Return the model folder and the adapter on it that make a student.

    Args:
        base: the model that students are made of.
        student: a student's folder, with an adapter or a whole model; None is the base itself.
    """
    return (student, None) if student is not None and is_whole(student) else (base, student)


def device_and_dtype(settings: TransformersSettings) -> tuple[torch.device, torch.dtype]:
    """Return where to compute and in what, ``auto`` resolved for this machine.

    Raises:
        UserError: CUDA is asked for and not there.
    """
    import torch

    has_cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not has_cuda:
        raise UserError("engine.device: cuda is not available here: use auto or cpu")
    device = torch.device("cuda" if has_cuda and settings.device != "cpu" else "cpu")
    # PyTorch asks cuDNN for attention first on recent cards, which plans anew for every length that
    # it has not seen: half a second a training step on an H200 (docs/gpu.md).
    torch.backends.cuda.enable_cudnn_sdp(False)
    if settings.dtype != "auto":
        return device, getattr(torch, settings.dtype)
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Without such instructions bfloat16 is converted back and forth, slower than float32.
        capabilities = torch.cpu.get_capabilities()
        fast = any(capabilities.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))
    return device, torch.bfloat16 if fast else torch.float32


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a model folder.

    Raises:
        UserError: the folder is not a model.
    """
    from transformers import AutoTokenizer

    check_model_folder(folder)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_renderer(folder: Path) -> Any:
    """Return what renders prompts by a model folder's chat template, for ``siked.prompts.render``.

    A whole tokenizer takes seconds to load, since it brings PyTorch. What its classes have in
    common does not: it reads the chat template and the special tokens, and renders. The whole one
    is returned where a class of its own may decide what is rendered.

    Raises:
        UserError: the folder is not a model.
    """
    from transformers import PreTrainedTokenizerBase

    check_model_folder(folder)
    path = folder / "tokenizer_config.json"
    config = read_json(path) if path.is_file() else {}
    if not isinstance(config, dict) or config.get("tokenizer_class") != "TokenizersBackend":
        return load_tokenizer(folder)
    cls: Any = type("Renderer", (PreTrainedTokenizerBase,), {"added_tokens_decoder": {}})
    renderer = cls.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    template = renderer.chat_template
    known = renderer.special_tokens_map
    if not isinstance(template, str) or any(
        name in template and name not in known for name in renderer.SPECIAL_TOKENS_ATTRIBUTES
    ):
        return load_tokenizer(folder)
    return renderer


def load(folder: Path, adapter: Path | None, settings: TransformersSettings) -> Loaded:
    """Load a model folder and merge an adapter into its weights.

    Args:
        folder: the model.
        adapter: a student's folder; one that holds a whole model is loaded instead of ``folder``.
        settings: device and number type.

    Raises:
        UserError: the folder is not a model, the adapter is not one or does not fit the model, or
            the device is not there.
    """
    folder, adapter = find_parts(folder, adapter)
    tokenizer = load_tokenizer(folder)
    device, dtype = device_and_dtype(settings)
    # The one implementation that every family has.
    model = load_weights(folder, dtype=dtype, attn_implementation="eager")
    if adapter is not None:
        model = _merged(model, adapter)
    return Loaded(model.to(device).eval(), tokenizer)


def load_weights(folder: Path, **how: Any) -> Any:
    """Return a causal language model with all of its weights and no others.

    transformers fills what the files lack with random numbers and drops what it does not know.

    Args:
        folder: the model.
        **how: more for ``from_pretrained``.

    Raises:
        UserError: the files are not whole, or are another model's than ``config.json`` describes.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, modeling_gguf_pytorch_utils
    from transformers.utils import logging

    for file in sorted([*folder.glob("*.safetensors"), *folder.glob("*.gguf")]):
        with file.open("rb") as opened:
            if opened.read(len(_POINTER)) == _POINTER:
                raise UserError(f"{file}: is a git-LFS pointer, not weights: `git lfs pull` it")
    verbosity = logging.get_verbosity()
    logging.disable_progress_bar()
    modeling_gguf_pytorch_utils.tqdm = logging.tqdm  # its own does not know of that
    logging.set_verbosity_error()
    try:
        model, found = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are named below
            **how,
        )
    except SafetensorError as error:
        raise UserError(f"{folder}: its weights are damaged or cut: {_first_line(error)}") from None
    except (ValueError, RuntimeError, KeyError, AttributeError, OSError) as error:
        raise UserError(f"{folder}: cannot be loaded: {_first_line(error)}") from None
    finally:
        logging.set_verbosity(verbosity)
    kinds = {
        "missing": found["missing_keys"],
        "unknown": found["unexpected_keys"],
        "of another shape": {name for name, *_ in found["mismatched_keys"]},
    }
    if wrong := [f"{len(of)} {kind} ({min(of)}, ...)" for kind, of in kinds.items() if of]:
        raise UserError(
            f"{folder}: its weights do not fit its config.json: tensors {', '.join(wrong)}"
        )
    return model


def check_model(folder: Path) -> None:
    """See that a folder holds a whole model that can be a student; no weights are read.

    Raises:
        UserError: it does not; the text says what is wrong.
    """
    check_model_folder(folder)
    model = load_weights(folder, device_map="meta")
    if cache_argument(model) is None:
        raise UserError(
            f"{folder}: {model.config.model_type} models cannot be students: they keep what they "
            "have read in a way of their own, and cannot pass over the padding of a batch"
        )
    rows = model.get_input_embeddings().weight.shape[0]
    token, last = max(load_tokenizer(folder).get_vocab().items(), key=itemgetter(1))
    if last >= rows:
        raise UserError(
            f"{folder}: its tokenizer has a token {token!r} of number {last}, but there are "
            f"embeddings for {rows}: resize them, or take the tokenizer that they belong to"
        )


def cache_argument(model: Any) -> str | None:
    """Return under which name a model takes transformers' cache of what it has read.

    None where it takes none, as RWKV: such a model has no means to pass over a batch's padding.
    """
    from transformers import Cache

    known = inspect.signature(model.forward).parameters
    names = [name for name in ("past_key_values", "cache_params") if name in known]
    return next((name for name in names if Cache in get_args(known[name].annotation)), None)


def check_targets(folder: Path, targets: str | Sequence[str]) -> None:
    """See that an adapter can be put on modules of a model, and merged into them.

    Args:
        folder: the model.
        targets: ``train.lora.target_modules``.

    Raises:
        UserError: it cannot.
    """
    from peft import LoraConfig, get_peft_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    model = load_weights(folder, device_map="meta")
    modules = targets if isinstance(targets, str) else list(targets)
    key = f"train.lora.target_modules: {modules}"
    try:
        get_peft_model(model, LoraConfig(target_modules=modules, task_type="CAUSAL_LM"))
    except ValueError as error:
        if "is incompatible with" in str(error):
            raise UserError(f"{key}: {_first_line(error)}") from None
        head = model.get_output_embeddings()
        linear = {
            name.rpartition(".")[2]
            for name, one in model.named_modules()
            if type(one).__name__ in ("Linear", "Conv1D") and one is not head
        }
        known = ", ".join(sorted(linear))
        raise UserError(f"{key}: there are no such modules: the model has {known}") from None
    if isinstance(model.get_output_embeddings(), BaseTunerLayer):
        raise UserError(f"{key}: the output layer cannot be trained by an adapter: leave it out")
    if isinstance(model.get_input_embeddings(), BaseTunerLayer) and getattr(
        model.config.get_text_config(), "tie_word_embeddings", False
    ):
        raise UserError(
            f"{key}: the model's embeddings are its output layer too, into which an adapter "
            "cannot be merged: leave them out"
        )


def _merged(model: Any, adapter: Path) -> Any:
    from peft import PeftModel

    if not (adapter / ADAPTER).is_file():
        raise UserError(f"{adapter}: is not an adapter folder: it has no {ADAPTER}")
    try:
        # The adapter stays in float32, so that a sum is rounded once.
        return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{adapter}: does not fit the model: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0]


def end_of_turn(tokenizer: Any) -> int | None:
    """Return the token that a model learns to end its turn with; None where there is none.

    It is the special token that the chat template puts after an assistant's message, where there
    is one (``<|im_end|>`` of ChatML, ``<end_of_turn>`` of Gemma), else the tokenizer's end of
    sequence.
    """
    if tokenizer.chat_template is not None:
        mark = "0"
        turns = [{"role": "user", "content": mark}, {"role": "assistant", "content": mark}]
        text = tokenizer.apply_chat_template(turns, tokenize=False)
        rest = text.rpartition(mark)[2].lstrip()
        after = tokenizer(rest, add_special_tokens=False).input_ids
        # Not ``all_special_ids``: those are the few that have a role, such as end of sequence.
        token = tokenizer.added_tokens_decoder.get(after[0]) if after else None
        if token is not None and token.special:
            return int(after[0])
    end: int | None = tokenizer.eos_token_id
    return end


def end_tokens(loaded: Loaded) -> frozenset[int]:
    """Return the tokens at which generation ends.

    They are the ends of sequence of the model's generation settings and of its tokenizer, and the
    end of its turn.
    """
    return _end_tokens(loaded.model.generation_config, loaded.tokenizer)


def stored_end_tokens(folder: Path, tokenizer: Any) -> frozenset[int]:
    """Return the tokens at which generation by the model in a folder ends, without loading it."""
    from transformers import AutoConfig, GenerationConfig

    if (folder / "generation_config.json").is_file():
        config = GenerationConfig.from_pretrained(folder, local_files_only=True)
    else:
        model = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        config = GenerationConfig.from_model_config(model)
    return _end_tokens(config, tokenizer)


def _end_tokens(generation: Any, tokenizer: Any) -> frozenset[int]:
    ends = generation.eos_token_id
    found = [*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id]
    return frozenset(one for one in (*found, end_of_turn(tokenizer)) if one is not None)
