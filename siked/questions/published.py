"""The published data sets that this project knows: where they come from and under which terms.

A file is known by its sha256, so that what carries a data set's name and licence in a card really
is that data set. Paths are those below ``questions.root``; the files are the publishers' own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedFile:
    """One file, byte for byte as published."""

    path: str
    """Below ``questions.root``."""
    source: str
    """Path in the publisher's repository."""
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class Published:
    """One data set."""

    name: str
    title: str
    repository: str
    """``OWNER/NAME`` on GitHub."""
    commit: str
    licence: str
    """SPDX name of its licence, or what is known where there is none."""
    licence_url: str | None
    """Where its text is; None where no licence is stated."""
    citation: str
    files: tuple[PublishedFile, ...]

    @property
    def homepage(self) -> str:
        """The repository's page."""
        return f"https://github.com/{self.repository}"

    def url(self, file: PublishedFile) -> str:
        """Where one of its files can be downloaded, at the fixed commit."""
        place = f"{self.repository}/{self.commit}/{file.source}"
        return f"https://raw.githubusercontent.com/{place}"


def _gsm8k(name: str, size: int, sha256: str) -> PublishedFile:
    return PublishedFile(f"gsm8k/{name}", f"grade_school_math/data/{name}", size, sha256)


PUBLISHED = (
    Published(
        name="gsm8k",
        title="GSM8K",
        repository="openai/grade-school-math",
        commit="3101c7d5072418e28b9008a6636bde82a006892c",
        licence="MIT",
        licence_url="https://spdx.org/licenses/MIT.html",
        citation="Cobbe et al. (2021): Training Verifiers to Solve Math Word Problems. "
        "arXiv 2110.14168",
        files=(
            _gsm8k(
                "train.jsonl",
                4_166_206,
                "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
            ),
            _gsm8k(
                "test.jsonl",
                749_738,
                "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
            ),
            _gsm8k(
                "train_socratic.jsonl",
                5_401_739,
                "153d86551187cfd64ef7afb59bfd0ef75cea3ae9388e7ad31e43920b6dd77872",
            ),
            _gsm8k(
                "test_socratic.jsonl",
                972_978,
                "c96673362fa7a699f4836a9b6474a067448f95fe58064727501ee63ba4c3fdb6",
            ),
        ),
    ),
    Published(
        name="svamp",
        title="SVAMP",
        repository="arkilpatel/SVAMP",
        commit="689d7ccac74b9983a2ac7cc3b264f441b99e7c53",
        licence="MIT",
        licence_url="https://spdx.org/licenses/MIT.html",
        citation="Patel, Bhattamishra and Goyal (2021): Are NLP Models really able to Solve Simple "
        "Math Word Problems? NAACL 2021",
        files=(
            PublishedFile(
                "svamp/SVAMP.json",
                "SVAMP.json",
                339_970,
                "5be77703a6d891ae476d7c082787ad361392aa02453b132516cdd5f4e7934e3e",
            ),
        ),
    ),
    Published(
        name="asdiv",
        title="ASDiv",
        repository="chaochun/nlu-asdiv-dataset",
        commit="883f90a9a65bf00304ba8f37423910fe743abc47",
        licence="CC-BY-NC-4.0",
        licence_url="https://spdx.org/licenses/CC-BY-NC-4.0.html",
        citation="Miao, Liang and Su (2020): A Diverse Corpus for Evaluating and Developing "
        "English Math Word Problem Solvers. ACL 2020",
        files=(
            PublishedFile(
                "asdiv/ASDiv.xml",
                "dataset/ASDiv.xml",
                947_401,
                "ef8904068482919ac48c8eeaaf6df344b8a308ba66d048c2d4d87eab82dc4929",
            ),
        ),
    ),
    Published(
        name="multiarith",
        title="MultiArith",
        repository="wangxr14/Algebraic-Word-Problem-Solver",
        commit="d5d430d334b2be3c91aed5699b70b06b9a0c97ec",
        licence="none stated",
        licence_url=None,
        citation="Roy and Roth (2015): Solving General Arithmetic Word Problems. EMNLP 2015",
        files=(
            PublishedFile(
                "multiarith/MultiArith.json",
                "data/MultiArith.json",
                254_012,
                "dc9db1b6cc68b1ecc2dec830d15aaf8c9a0932aa31d5ffce88ef3628179d36f4",
            ),
        ),
    ),
)


def known(sha256: str) -> tuple[Published, PublishedFile] | None:
    """The published file with these bytes, and its data set; None where there is none."""
    for one in PUBLISHED:
        for file in one.files:
            if file.sha256 == sha256:
                return one, file
    return None
