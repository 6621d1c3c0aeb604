#!/usr/bin/env python3
"""Makes Debian packages of the archives of a release: the command, its manual pages, and its completions.

    deb.py RELEASE FOLDER

RELEASE holds the archives. Prints the path of each package. Takes `dpkg-deb`.
"""

import email.utils
import gzip
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

from release import OWNER, PACKAGE, REPOSITORY, ROOT, VERSION, archives, moment

MAINTAINER = f"Polder <{OWNER}@users.noreply.github.com>"

COPYRIGHT = f"""\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Polder
Source: {REPOSITORY}
Comment: The crates that are linked into the command are listed, with their
 licences and the texts of these, in /usr/share/doc/polder/THIRD-PARTY.md.gz.

Files: *
Copyright: 2026 the contributors of Polder
License: Apache-2.0
 On Debian systems, the full text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
"""

# What Debian would want otherwise of its own packages, and why it is so here.
OVERRIDES = """\
# One package runs on every release of Debian and of what comes from it.
polder: statically-linked-binary
polder: shared-library-lacks-prerequisites *
# It is written in Rust, and no part of it is the C library of that name: `libyaml-rs` has its messages.
polder: embedded-library libyaml *
# The package is not made for Debian's archive, so it closes no report there.
polder: initial-upload-closes-no-bugs
"""


def control(architecture, size):
    return f"""\
Package: polder
Version: {VERSION}-1
Architecture: {architecture}
Maintainer: {MAINTAINER}
Installed-Size: {size}
Section: admin
Priority: optional
Homepage: {REPOSITORY}
Description: compiler from flows to Kubernetes NetworkPolicies
 Polder compiles flows between the parts of an application to Kubernetes
 NetworkPolicies that are closed by default, proves that they allow exactly
 what was written, and says what is allowed and why.
 .
 It runs nothing in the cluster: what comes out is a folder of manifests.
"""


def changelog():
    when = email.utils.formatdate(moment())
    return f"""\
polder ({VERSION}-1) unstable; urgency=medium

  * Release {VERSION}; /usr/share/doc/polder/changelog.gz says what is new.

 -- {MAINTAINER}  {when}
"""


def packed(data):
    return gzip.compress(data, 9, mtime=0)


def contents(files):
    """What is installed: path, bytes, and mode."""
    yield "usr/bin/polder", files["polder"], 0o755
    for name, data in sorted(files.items()):
        if name.startswith("man/"):
            yield f"usr/share/man/man1/{name.removeprefix('man/')}.gz", packed(data), 0o644
    yield "usr/share/bash-completion/completions/polder", files["completions/polder.bash"], 0o644
    yield "usr/share/zsh/vendor-completions/_polder", files["completions/_polder"], 0o644
    yield "usr/share/fish/vendor_completions.d/polder.fish", files["completions/polder.fish"], 0o644
    documents = "usr/share/doc/polder"
    yield f"{documents}/copyright", COPYRIGHT.encode(), 0o644
    yield f"{documents}/changelog.gz", packed(files["CHANGELOG.md"]), 0o644
    yield f"{documents}/changelog.Debian.gz", packed(changelog().encode()), 0o644
    yield f"{documents}/README.md.gz", packed(files["README.md"]), 0o644
    yield f"{documents}/THIRD-PARTY.md.gz", packed(files["THIRD-PARTY.md"]), 0o644
    yield f"{documents}/sbom.cdx.json.gz", packed(files["sbom.cdx.json"]), 0o644
    yield "usr/share/lintian/overrides/polder", OVERRIDES.encode(), 0o644


def package(architecture, files, output):
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        root.chmod(0o755)
        size, sums = 0, []
        for name, data, mode in contents(files):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            path.write_bytes(data)
            path.chmod(mode)
            size += -(-len(data) // 1024)
            sums.append(f"{hashlib.md5(data).hexdigest()}  {name}\n")
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN/control").write_text(control(architecture, size))
        (root / "DEBIAN/md5sums").write_text("".join(sums))
        path = output / f"polder_{VERSION}-1_{architecture}.deb"
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment())}
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return path


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    os.umask(0o022)
    output = pathlib.Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    for entry, files in archives(sys.argv[1], "debian"):
        print(package(entry["debian"], files, output))


if __name__ == "__main__":
    main()
