// Makes the packages for npm: one for each archive of a release that is there, with the command in it, and one that
// depends on all of them and starts the one that fits.
//
//   node dist/npm/pack.mjs RELEASE OUTPUT
//
// RELEASE holds the archives, OUTPUT gets a folder for each package; `npm publish` takes them in the order that is printed.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const cargo = readFileSync(join(root, "Cargo.toml"), "utf8");
const value = (key) => cargo.match(new RegExp(`^${key} = "(.*)"`, "m"))[1];
const version = value("version");

// The targets of a release, with the names that npm has for each.
const targets = JSON.parse(readFileSync(join(root, "dist/targets.json"), "utf8"));

const [release, output] = process.argv.slice(2);
if (!output) {
  console.error("usage: node dist/npm/pack.mjs RELEASE OUTPUT");
  process.exit(2);
}

const common = { version, license: value("license"), repository: { type: "git", url: `git+${value("repository")}.git` } };

function write(folder, manifest, files) {
  for (const [from, to] of files) {
    mkdirSync(join(folder, to, ".."), { recursive: true });
    copyFileSync(from, join(folder, to));
  }
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  console.log(folder);
}

const packages = {};
for (const { target, os, cpu } of targets) {
  const stem = `polder-${version}-${target}`;
  const archive = readdirSync(release).find((file) => file === `${stem}.tar.gz` || file === `${stem}.zip`);
  if (!archive) continue;
  const scratch = mkdtempSync(join(tmpdir(), "polder-npm-"));
  try {
    const [command, ...args] = archive.endsWith(".zip") ? ["unzip", "-q"] : ["tar", "-xzf"];
    execFileSync(command, [...args, join(release, archive), ...(command === "tar" ? ["-C"] : ["-d"]), scratch]);
    const name = `@polder-dev/polder-${os}-${cpu}`;
    const file = os === "win32" ? "polder.exe" : "polder";
    const manifest = {
      name,
      description: `The command polder for ${os} on ${cpu}`,
      ...common,
      os: [os],
      cpu: [cpu],
      preferUnplugged: true,
      files: ["bin"],
    };
    const folder = join(output, `polder-${os}-${cpu}`);
    const files = [
      [join(scratch, stem, file), `bin/${file}`],
      [join(scratch, stem, "THIRD-PARTY.md"), "THIRD-PARTY.md"],
    ];
    write(folder, manifest, files);
    packages[name] = version;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
if (Object.keys(packages).length === 0) {
  console.error(`there is no archive of version ${version} in ${release}`);
  process.exit(1);
}

const main = {
  name: "polder",
  description: value("description"),
  ...common,
  keywords: ["kubernetes", "networkpolicy", "security", "compiler"],
  bin: { polder: "bin/polder.js" },
  engines: { node: ">=18" },
  files: ["bin"],
  optionalDependencies: packages,
};
write(join(output, "polder"), main, [
  [join(import.meta.dirname, "polder.js"), "bin/polder.js"],
  [join(root, "README.md"), "README.md"],
]);
