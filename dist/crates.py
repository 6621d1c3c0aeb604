#!/usr/bin/env python3
"""What is in the command beside our own code, of the crates that a target is built from.

    crates.py notices TARGET   their licences with their texts, as Markdown
    crates.py sbom TARGET      the bill of materials, CycloneDX 1.5 as JSON
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tomllib
import uuid

from release import ROOT
TEXTS = ("license", "licence", "copying", "notice", "unlicense")


def crates(target):
    """The package itself, the crates that end up in it or build it, and who uses whom."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    uses = {}
    for node in metadata["resolve"]["nodes"]:
        kinds = [(dep["pkg"], {kind["kind"] for kind in dep["dep_kinds"]}) for dep in node["deps"]]
        uses[node["id"]] = sorted(name for name, kind in kinds if kind - {"dev"})
    root = metadata["resolve"]["root"]
    found, rest = {root}, [root]
    while rest:
        for name in uses[rest.pop()]:
            if name not in found:
                found.add(name)
                rest.append(name)
    # What only tests use is used by nobody who was found.
    order = sorted(found - {root}, key=lambda name: (packages[name]["name"], packages[name]["version"]))
    return packages[root], [packages[name] for name in order], {name: uses[name] for name in found}, packages


def texts(package):
    """The licence texts in a crate, each once, by name."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(TEXTS)]
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in sorted(files)]


def notices(target):
    root, rest, _, _ = crates(target)
    lines = [f"# What is in polder {root['version']}", "", "Beside its own code, under the licences that each names.", ""]
    same = {}
    for package in rest:
        lines.append(f"- {package['name']} {package['version']}: {package['license'] or 'see below'}")
        for text in texts(package):
            key = " ".join(text.split())
            same.setdefault(key, (text, []))[1].append(f"{package['name']} {package['version']}")
    for text, names in same.values():
        # A text with a fence of its own would end ours.
        lines += ["", f"## {', '.join(names)}", "", "````text", text.replace("````", "'''' "), "````"]
    return "\n".join(lines) + "\n"


def sbom(target):
    root, rest, uses, packages = crates(target)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    sums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}

    def purl(package):
        return f"pkg:cargo/{package['name']}@{package['version']}"

    def component(package, kind):
        found = {"type": kind, "bom-ref": purl(package), "name": package["name"], "version": package["version"]}
        if package["license"]:
            found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if checksum := sums.get((package["name"], package["version"])):
            found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        found["purl"] = purl(package)
        if package["repository"]:
            found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
        return found

    dependencies = [
        {"ref": purl(packages[name]), "dependsOn": sorted(purl(packages[used]) for used in uses[name])} for name in uses
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": component(root, "application"),
            "properties": [{"name": "polder:target", "value": target}],
        },
        "components": [component(package, "library") for package in rest],
        "dependencies": sorted(dependencies, key=lambda entry: entry["ref"]),
    }
    # The same crates, the same number: a bill is as reproducible as the command.
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()
    document["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"
    return json.dumps(document, indent=2) + "\n"


def main():
    commands = {"notices": notices, "sbom": sbom}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.stdout.write(commands[sys.argv[1]](sys.argv[2]))


if __name__ == "__main__":
    main()
