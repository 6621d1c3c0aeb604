#!/usr/bin/env python3
"""Makes the extension for Visual Studio Code of the archives of a release, for each platform with its command in it.

    vsix.py RELEASE FOLDER

RELEASE holds the archives. Prints the path of each package. Takes Node; `npm ci` was run in `editors/vscode`.
"""

import pathlib
import shutil
import subprocess
import sys

from release import ROOT, VERSION, archives

EXTENSION = ROOT / "editors/vscode"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    output = pathlib.Path(sys.argv[2]).resolve()
    output.mkdir(parents=True, exist_ok=True)
    commands, notices = EXTENSION / "bin", EXTENSION / "THIRD-PARTY.md"
    try:
        for entry, files in archives(sys.argv[1], "vscode"):
            name = "polder.exe" if entry["os"] == "win32" else "polder"
            shutil.rmtree(commands, ignore_errors=True)
            commands.mkdir()
            (commands / name).write_bytes(files[name])
            (commands / name).chmod(0o755)
            notices.write_bytes(files["THIRD-PARTY.md"])
            for platform in entry["vscode"]:
                path = output / f"polder-{VERSION}-{platform}.vsix"
                command = ["node_modules/.bin/vsce", "package", "--no-dependencies", "--target", platform, "--out", str(path)]
                subprocess.run(command, cwd=EXTENSION, check=True, stdout=sys.stderr)
                print(path)
    finally:
        # One for all platforms, made here later, has no command in it.
        shutil.rmtree(commands, ignore_errors=True)
        notices.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
