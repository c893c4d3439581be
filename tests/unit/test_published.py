"""The table of published data sets agrees with the files themselves."""

import pytest

from siked.files import sha256
from siked.questions.published import PUBLISHED, recognise

FILES = [file for one in PUBLISHED for file in one.files]


@pytest.mark.raw
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_size_and_hash_are_those_of_the_file(raw, file):
    path = raw / file.path
    assert path.stat().st_size == file.size
    assert sha256(path) == file.sha256


def test_a_file_is_known_by_its_bytes():
    assert {recognise(file.sha256)[1] for file in FILES} == set(FILES)
    assert recognise("0" * 64) is None
