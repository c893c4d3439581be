"""Putting an exported student on the Hugging Face hub."""

import re
from pathlib import Path

from httpx import HTTPError
from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from siked.errors import UserError

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def find_token(repository: str) -> str:
    """Return the token to push with, before anything is exported.

    Raises:
        UserError: there is no token, or the repository's name is not one.
    """
    if _REPOSITORY.fullmatch(repository) is None:
        raise UserError(f"--push {repository}: is no OWNER/NAME of a hub repository")
    token = get_token()
    if token is None:
        raise UserError("--push: no token: set HF_TOKEN to one that may write, or `hf auth login`")
    return token


def push(folder: Path, repository: str, token: str) -> str:
    """Upload a folder; a repository that is not there yet is made, private. Return its address.

    Raises:
        UserError: the hub cannot be reached or refuses.
    """
    api = HfApi(token=token)
    try:
        address = api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message="Student exported by SIKeD"
        )
    except (HfHubHTTPError, HTTPError, OfflineModeIsEnabled) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise UserError(
            f"--push {repository}: the hub did not take it: {reason}: {folder} is whole, push "
            "again when it does"
        ) from None
    return str(address)
