"""Finds and loads profiles: of hwcost, of other distributions, of the user's folders, and single files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hwcost._resources import share
from hwcost.devices.profile import DeviceProfile
from hwcost.devices.schema import profile_from
from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.registry import Registry

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGES = Registry("hwcost.device_profiles", "package of device profiles", {})
"""Packages of other distributions that hold profiles, one ``NAME.toml`` each."""

FOLDERS_VARIABLE = "HWCOST_DEVICE_PATH"
"""Environment variable with the user's folders of profiles, separated as in ``PATH``."""


def names() -> list[str]:
    """Returns the names of all profiles, sorted.

    Raises:
        UsageError: When a folder of ``HWCOST_DEVICE_PATH`` does not exist, or two files have one name.
    """
    return sorted(_files())


def every() -> tuple[dict[str, DeviceProfile], dict[str, str]]:
    """Loads all profiles, and returns them by name, and by name why the others cannot be used.

    Raises:
        UsageError: When a folder of ``HWCOST_DEVICE_PATH`` does not exist, or two files have one name.
    """
    profiles, unusable = {}, {}
    for name in names():
        try:
            profiles[name] = load(name)
        except DataError as error:
            unusable[name] = str(error)
    return profiles, unusable


def load(name: str) -> DeviceProfile:
    """Loads a profile by its name or by the path of its file.

    Args:
        name: A name of :func:`names`, or a path that ends in ``.toml``.

    Raises:
        UnknownNameError: When no profile has this name; lists those that are known.
        DataError: When the file is not a valid profile.
    """
    if name.endswith(".toml"):
        return read(Path(name))
    files = _files()
    if name not in files:
        advice = f"Give the path of a .toml file, or put yours into a folder named in {FOLDERS_VARIABLE}."
        raise UnknownNameError("device", name, files, advice)
    return read(files[name])


def read(path: Path) -> DeviceProfile:
    """Reads one profile from its file.

    Raises:
        DataError: When the file cannot be read or is not a valid profile.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read the device profile '{path}': {error.strerror}.") from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise DataError(f"the device profile '{path}' is not valid TOML: {error}.") from None
    profile = profile_from(document, str(path))
    if profile.name != path.stem:
        raise DataError(f"{path}: its name is '{profile.name}', expected '{path.stem}' as the file is called.")
    return profile


def _files() -> dict[str, Path]:
    files: dict[str, Path] = {}
    for folder in (share("devices"), *_packages(), *_user_folders()):
        for path in sorted(folder.glob("*.toml")):
            if path.stem in files and files[path.stem].resolve() != path.resolve():
                raise UsageError(f"two profiles are called '{path.stem}': {files[path.stem]} and {path}. Rename one.")
            files[path.stem] = path
    return files


def _packages() -> list[Path]:
    """Returns the folders of the packages of profiles; one that cannot be imported is left out, and the log says so."""
    return [Path(folder) for package in PACKAGES.members().values() for folder in package.__path__]


def _user_folders() -> list[Path]:
    folders = [Path(text) for text in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if text]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{FOLDERS_VARIABLE} names '{folder}', which is not a folder. Correct or unset it.")
    return folders
