// The parts of `pontoon install`, in order.
import { LOOPBACK, PONTOON } from "../../cni/about.ts";
import { CniError } from "../../cni/error.ts";
import { attempt, collectErrors } from "../../failure/failure.ts";
import { listRecordedNetworks, openRecordStore } from "../../record/store.ts";
import { listConfigurations } from "../../survey/folder.ts";
import { O_RDONLY, openFile } from "../../sys/file.ts";
import { native } from "../../sys/native.ts";
import { handleStatus } from "../../sys/status.ts";
import { readAll } from "../../sys/stream.ts";
import { pathIn } from "../network/folder.ts";
import { restoreAll } from "../restore.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import { isContainersOwn, refuseContainersOwn } from "./image.ts";
import { place, placeLink } from "./place.ts";

/** The executable of this process, even when its file has been renamed or removed. */
const OWN_EXECUTABLE = "/proc/self/exe";

/** The person's wish for an install. */
export interface Wish {
  binDir: string;
  confDir: string;
  /** The configuration's file, and its name on the node; undefined: no configuration is installed. */
  conf: { file: string; name: string } | undefined;
  force: boolean;
}

/** The report of an install: lines for stdout, and the rest as in an Answer. */
export interface Said {
  lines: string[];
  notes: string[];
  errors: CniError[];
}

/** Checks all that can be checked before a file is written, and reads the configuration. Throws CniError. */
export function prepare({ binDir, confDir, conf }: Wish): Configuration | undefined {
  if (native.geteuid() !== 0) {
    throw new CniError("ioFailure", {
      message: "only root may install",
      hint: 'Run it as root, as in "sudo pontoon install"',
    });
  }
  refuseContainersOwn(binDir, "--bin-dir");
  if (conf === undefined) return undefined;
  refuseContainersOwn(confDir, "--conf-dir");
  return readConfiguration(conf.file, conf.name);
}

/**
 * Installs the executable, then the configuration: a runtime that finds the configuration calls the plugin at
 * once.
 */
export function putInPlace(wish: Wish, configuration: Configuration | undefined, said: Said): void {
  putExecutable(wish, said);
  said.errors.push(...collectErrors([() => putLoopback(wish, said)]));
  if (configuration !== undefined) {
    said.notes.push(...configuration.misspelt);
    putConfiguration(wish, configuration, said);
  }
  said.errors.push(...collectErrors([() => sayFirst(wish, said)]));
  if (!hasAttachments()) return;
  const { lines, errors } = restoreAll();
  said.lines.push(...lines.map((line) => `restore: ${line}`));
  said.errors.push(...errors);
}

function putExecutable({ binDir }: Wish, said: Said): void {
  const outcome = place({
    folder: binDir,
    name: PONTOON,
    bytes: ownBytes(),
    mode: 0o755,
    needs: 0o100,
    replaces: true,
    option: "--bin-dir",
  });
  said.lines.push(`${pathIn(binDir, PONTOON)}: ${outcome}`);
}

/** Makes the name by which this program is the plugin `loopback`, which containerd and CRI-O need. */
function putLoopback({ binDir: folder }: Wish, said: Said): void {
  const outcome = placeLink({ folder, name: LOOPBACK, target: PONTOON, option: "--bin-dir" });
  const more = {
    installed: ", a link to pontoon",
    "already there": "",
    kept: ", another plugin has this name",
  };
  said.lines.push(`${pathIn(folder, LOOPBACK)}: ${outcome}${more[outcome]}`);
}

function ownBytes(): Uint8Array {
  return attempt("ioFailure", `${OWN_EXECUTABLE} cannot be read`, () => {
    using file = openFile(OWN_EXECUTABLE, O_RDONLY);
    return readAll(file.fd, OWN_EXECUTABLE, { expected: handleStatus(file.fd).size });
  });
}

function putConfiguration({ confDir, conf, force }: Wish, { name, bytes }: Configuration, said: Said): void {
  const outcome = place({
    folder: confDir,
    name,
    bytes,
    mode: 0o644,
    needs: 0,
    replaces: force,
    option: "--conf-dir",
  });
  const more = outcome === "kept" ? `, it differs from ${conf?.file} (--force replaces it)` : "";
  said.lines.push(`${pathIn(confDir, name)}: ${outcome}${more}`);
}

/**
 * Says which configuration the runtime takes; warns when it is not the installed one, or when there is none.
 */
function sayFirst({ confDir, conf }: Wish, said: Said): void {
  // A folder of the container's own says nothing about the node.
  if (isContainersOwn(confDir)) return;
  const first = attempt("ioFailure", `${confDir} cannot be read`, () => listConfigurations(confDir)[0]);
  if (first === undefined) {
    said.notes.push(
      `no network configuration is in ${confDir}, so no runtime calls Pontoon yet: add --conf FILE`,
    );
    return;
  }
  const path = pathIn(confDir, first);
  if (conf === undefined || first === conf.name)
    said.lines.push(`the runtime takes ${path}, the first by name`);
  else
    said.notes.push(
      `the runtime takes ${path}, the first by name, and ${conf.name} waits behind it: take that file away, or give yours an earlier name with --name`,
    );
}

function hasAttachments(): boolean {
  return listRecordedNetworks().some((network) => openRecordStore().hasRecordLike(network, () => true));
}
