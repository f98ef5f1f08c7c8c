"""Makes the data folder and, once, a random secret key in it; `python -m config.prepare`."""

import os
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """Where this installation keeps its data: ASSAY_DATA, or var/ beside the code."""
    return Path(os.environ.get("ASSAY_DATA") or HERE / "var").expanduser().resolve()


def secret_key(folder: Path) -> bool:
    """Write a new key with mode 600 unless there is one; returns whether one was made."""
    path = folder / "secret_key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return True


def main() -> int:
    """Prepare the folder; prints what was made."""
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = not os.environ.get("SECRET_KEY") and secret_key(folder)
    except OSError as error:
        print(f"The data folder {folder} cannot be used: {error.strerror}. Set ASSAY_DATA to another.", file=sys.stderr)
        return 1
    if made:
        print(f"A secret key was made in {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
