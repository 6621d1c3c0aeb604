#!/usr/bin/env python3
"""Makes wheels for PyPI of the archives of a release: the command for one platform each, and no Python.

    wheel.py RELEASE FOLDER

RELEASE holds the archives. Prints the path of each wheel.
"""

import base64
import hashlib
import io
import pathlib
import sys
import time
import zipfile

from release import PACKAGE, REPOSITORY, ROOT, VERSION, archives, moment

# On PyPI, `polder` is a library of somebody else's.
PROJECT = "polder-cli"
NAME = f"{PROJECT.replace('-', '_')}-{VERSION}"


def metadata():
    head = [
        "Metadata-Version: 2.4",
        f"Name: {PROJECT}",
        f"Version: {VERSION}",
        f"Summary: {PACKAGE['description']}",
        f"Keywords: {','.join(PACKAGE['keywords'])}",
        f"License-Expression: {PACKAGE['license']}",
        "License-File: LICENSE",
        "License-File: THIRD-PARTY.md",
        "Requires-Python: >=3.8",
        f"Project-URL: Source, {REPOSITORY}",
        "Description-Content-Type: text/markdown",
    ]
    return "\n".join(head) + "\n\n" + (ROOT / PACKAGE["readme"]).read_text()


def entries(platforms, files):
    """What is in a wheel: name, bytes, and whether it can be run."""
    command = "polder.exe" if "polder.exe" in files else "polder"
    yield f"{NAME}.data/scripts/{command}", files[command], True
    yield f"{NAME}.dist-info/METADATA", metadata().encode(), False
    tags = "".join(f"Tag: py3-none-{platform}\n" for platform in platforms.split("."))
    yield f"{NAME}.dist-info/WHEEL", f"Wheel-Version: 1.0\nGenerator: polder\nRoot-Is-Purelib: false\n{tags}".encode(), False
    for name in ("LICENSE", "THIRD-PARTY.md"):
        yield f"{NAME}.dist-info/licenses/{name}", files[name], False
    yield f"{NAME}.dist-info/sboms/sbom.cdx.json", files["sbom.cdx.json"], False


def record(found):
    lines = []
    for name, data, _ in found:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}\n")
    own = f"{NAME}.dist-info/RECORD"
    return own, "".join(lines + [f"{own},,\n"]).encode(), False


def wheel(platforms, files):
    found = list(entries(platforms, files))
    when = time.gmtime(max(moment(), 315532800))[:6]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, runs in [*found, record(found)]:
            info = zipfile.ZipInfo(name, when)
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = (0o100755 if runs else 0o100644) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    output = pathlib.Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    for entry, files in archives(sys.argv[1], "wheel"):
        path = output / f"{NAME}-py3-none-{entry['wheel']}.whl"
        path.write_bytes(wheel(entry["wheel"], files))
        print(path)


if __name__ == "__main__":
    main()
