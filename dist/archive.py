#!/usr/bin/env python3
"""Packs a command into the archive of a release, the same bytes for the same command.

    archive.py TARGET BINARY FOLDER

writes polder-VERSION-TARGET.tar.gz, or .zip for Windows, into FOLDER, and brings FOLDER/SHA256SUMS up to date. The command
has to run here: completions and manual pages come from it.
"""

import gzip
import hashlib
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

from crates import notices, sbom
from release import ROOT, VERSION, archive_name

SHELLS = {"bash": "polder.bash", "zsh": "_polder", "fish": "polder.fish", "powershell": "_polder.ps1", "elvish": "polder.elv"}


def said(binary, *args):
    return subprocess.run([binary, *args], check=True, capture_output=True).stdout


def files(target, binary):
    """What is in the archive: name, bytes, and whether it can be run."""
    yield f"polder{binary.suffix}", binary.read_bytes(), True
    for shell, name in SHELLS.items():
        yield f"completions/{name}", said(binary, "completions", shell), False
    with tempfile.TemporaryDirectory() as pages:
        said(binary, "man", "--dir", pages)
        for page in sorted(pathlib.Path(pages).iterdir()):
            yield f"man/{page.name}", page.read_bytes(), False
    for name in ("LICENSE", "README.md", "CHANGELOG.md"):
        yield name, (ROOT / name).read_bytes(), False
    for path in sorted((ROOT / "schemas").iterdir()):
        yield f"schemas/{path.name}", path.read_bytes(), False
    yield "THIRD-PARTY.md", notices(target).encode(), False
    yield "sbom.cdx.json", sbom(target).encode(), False


def tarball(folder, entries):
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data, runs in entries:
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size, info.mode = len(data), 0o755 if runs else 0o644
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(folder, entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, runs in entries:
            info = zipfile.ZipInfo(f"{folder}/{name}")
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = (0o755 if runs else 0o644) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    target, binary, output = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    version = said(binary, "version").decode().split()[1]
    if version != VERSION:
        sys.exit(f"{binary} is version {version}, and not {VERSION}")
    folder = f"polder-{version}-{target}"
    entries = list(files(target, binary))
    name = archive_name(target)
    data = zipped(folder, entries) if name.endswith(".zip") else tarball(folder, entries)
    output.mkdir(parents=True, exist_ok=True)
    (output / name).write_bytes(data)
    sums = output / "SHA256SUMS"
    lines = {line.split()[1]: line.split()[0] for line in sums.read_text().splitlines()} if sums.exists() else {}
    lines[name] = hashlib.sha256(data).hexdigest()
    sums.write_text("".join(f"{lines[name]}  {name}\n" for name in sorted(lines)))
    print(output / name)


if __name__ == "__main__":
    main()
