#!/usr/bin/env node
// usage: node scripts/installed.mjs
// Exit status 0 when node_modules holds what package-lock.json says; else 1, and a line says what differs.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const wanted = packages("package-lock.json");
// npm's own note of what it put there.
const present = packages("node_modules/.package-lock.json");

const difference = Object.entries(wanted).flatMap(([path, { version, optional }]) => {
  if (path === "") return [];
  const found = present[path]?.version;
  // Of the optional packages npm installs those made for this machine.
  if (found === undefined && optional) return [];
  return found === version && existsSync(join(root, path))
    ? []
    : [`${path}: ${version} wanted, ${found ?? "nothing"} there`];
})[0];

if (difference !== undefined) {
  console.log(difference);
  process.exitCode = 1;
}

/**
 * What such a file of npm says of each package, by its path.
 * @param {string} file below the repository
 * @returns {Record<string, { version: string, optional?: boolean }>}
 */
function packages(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {};
}
