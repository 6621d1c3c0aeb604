#!/usr/bin/env node
// Starts the command of this platform, which is in a package of its own.
"use strict";

const { spawnSync } = require("node:child_process");

const name = `@polder-dev/polder-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "polder.exe" : "polder";

let command;
try {
  command = require.resolve(`${name}/bin/${file}`);
} catch {
  console.error(
    `polder: the package ${name} is not installed. Either there is none for this platform, or optional dependencies were ` +
      "left out: install again without --omit=optional.",
  );
  process.exit(2);
}

// The command decides what a signal to the group means.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
const { status, signal, error } = spawnSync(command, process.argv.slice(2), { stdio: "inherit" });
if (error) {
  console.error(`polder: ${command} cannot be started: ${error.message}`);
  process.exit(2);
}
if (signal) process.kill(process.pid, signal);
process.exit(status ?? 2);
