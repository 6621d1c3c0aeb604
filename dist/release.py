"""What the scripts beside this file share: the facts of Cargo.toml, the targets, and the archives of a release.

Every package is made of an archive: what is installed by any of them is the same command, byte by byte.
"""

import json
import pathlib
import subprocess
import sys
import tarfile
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
VERSION = PACKAGE["version"]
REPOSITORY = PACKAGE["repository"]
OWNER = REPOSITORY.removesuffix("/").split("/")[-2]
TARGETS = json.loads((ROOT / "dist/targets.json").read_text())


def moment():
    """When the commit was made, in seconds: what is packed says so, and not when it was packed."""
    said = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    return int(said.stdout.strip() or 0)


def archive_name(target):
    suffix = "zip" if "-windows-" in target else "tar.gz"
    return f"polder-{VERSION}-{target}.{suffix}"


def archives(release, key=None):
    """The targets whose archive is in a folder, and that have a name for `key`, each with the files of its archive."""
    found = False
    for entry in TARGETS:
        path = pathlib.Path(release) / archive_name(entry["target"])
        if path.exists() and (key is None or key in entry):
            found = True
            yield entry, files(path)
    if not found:
        sys.exit(f"there is no archive of version {VERSION} in {release}")


def files(path):
    """The files of an archive by their names in it, without its folder."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            found = {name: archive.read(name) for name in archive.namelist()}
    else:
        with tarfile.open(path) as archive:
            found = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    return {name.split("/", 1)[1]: data for name, data in found.items()}
