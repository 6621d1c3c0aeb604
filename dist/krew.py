#!/usr/bin/env python3
"""Prints the manifest by which krew installs the command as a plugin of kubectl, for the archives in a folder.

    krew.py RELEASE
"""

import hashlib
import json
import pathlib
import sys

from release import PACKAGE, REPOSITORY, VERSION, archive_name, archives

DESCRIPTION = """\
Polder compiles flows between the parts of an application to NetworkPolicies
that are closed by default, and proves that they allow exactly what was written.
It answers what is allowed and why, compares versions, and finds mistakes in
policies that somebody else wrote. It reads files; it never changes a cluster.
"""


def platform(entry, release):
    archive = archive_name(entry["target"])
    folder = archive.removesuffix(".zip").removesuffix(".tar.gz")
    windows = entry["os"] == "win32"
    command = "polder.exe" if windows else "polder"
    return {
        "selector": {"matchLabels": {"os": "windows" if windows else entry["os"], "arch": entry["go"]}},
        "uri": f"{REPOSITORY}/releases/download/v{VERSION}/{archive}",
        "sha256": hashlib.sha256(pathlib.Path(release, archive).read_bytes()).hexdigest(),
        "files": [{"from": f"{folder}/{name}", "to": "."} for name in (command, "LICENSE", "THIRD-PARTY.md")],
        "bin": command,
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    manifest = {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "polder"},
        "spec": {
            "version": f"v{VERSION}",
            "homepage": REPOSITORY,
            "shortDescription": "Compile flows to NetworkPolicies, and ask them",
            "description": DESCRIPTION,
            "platforms": [platform(entry, sys.argv[1]) for entry, _ in archives(sys.argv[1])],
        },
    }
    # JSON is YAML, and needs no library to be written.
    print(json.dumps(manifest, indent=2))


if __name__ == "__main__":
    main()
