#!/usr/bin/env python3
"""Builds the image of the command for each platform of Linux whose archive is there, as one list.

    image.py RELEASE NAME

RELEASE holds the archives, NAME is what the list is called, such as REGISTRY/OWNER/polder:VERSION. Takes `buildah`; the list
is pushed with `buildah manifest push --all NAME docker://NAME`.
"""

import datetime
import pathlib
import subprocess
import sys
import tempfile

from release import PACKAGE, REPOSITORY, ROOT, VERSION, archives, moment


def commit():
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip()


def build(entry, files, name):
    created = datetime.datetime.fromtimestamp(moment(), datetime.UTC).isoformat()
    arguments = {
        "VERSION": VERSION,
        "REPOSITORY": REPOSITORY,
        "REVISION": commit(),
        "CREATED": created,
        "DESCRIPTION": PACKAGE["description"],
        "LICENSE": PACKAGE["license"],
    }
    with tempfile.TemporaryDirectory() as context:
        for file in ("polder", "LICENSE", "THIRD-PARTY.md", "sbom.cdx.json"):
            path = pathlib.Path(context, file)
            path.write_bytes(files[file])
            path.chmod(0o755 if file == "polder" else 0o644)
        command = ["buildah", "build", f"--platform=linux/{entry['go']}", f"--timestamp={moment()}", f"--manifest={name}"]
        command += [f"--build-arg={key}={value}" for key, value in arguments.items()]
        # Nothing is run while it is built, so nothing has to be set apart.
        command += ["--isolation=chroot", "--file", str(ROOT / "dist/Containerfile"), context]
        subprocess.run(command, check=True, stdout=sys.stderr)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    # A list of an earlier time would be added to.
    subprocess.run(["buildah", "manifest", "rm", sys.argv[2]], capture_output=True)
    for entry, files in archives(sys.argv[1]):
        if entry["os"] == "linux":
            build(entry, files, sys.argv[2])
    print(sys.argv[2])


if __name__ == "__main__":
    main()
