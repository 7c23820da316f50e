// The network configurations: the one that a runtime takes, and the plugins that it names.

import { shellWord } from "../../host/difference.ts";
import type { ConfigurationFile } from "../../survey/network.ts";
import { listDirectory } from "../../sys/file.ts";
import { fileStatus } from "../../sys/status.ts";
import type { Context } from "../context.ts";
import { type Finding, NODE } from "../finding.ts";

/**
 * A configuration that cannot be used, one that waits behind another, and a plugin that is missing or may not
 * be run.
 */
export function examineConfiguration(context: Context): Finding[] {
  const { files } = context;
  const usable = files.findIndex(({ error }) => error === undefined);
  return [
    ...noConfiguration(context),
    ...files.flatMap((file, place) => brokenFile(file, usable === -1 || place < usable)),
    ...waitingFiles(files[usable], files),
    ...files.flatMap((file) => missingPlugins(file, context)),
  ];
}

/** A folder without a configuration; a node without that folder keeps them elsewhere. */
function noConfiguration({ files, folders, living }: Context): Finding[] {
  const { configurations: folder } = folders;
  if (files.length > 0 || living.length === 0 || fileStatus(folder) === undefined) return [];
  return [
    {
      code: "noConfiguration",
      subject: folder,
      severity: "warning",
      sentence: "no network configuration is in this folder, so no further pod can start",
      advice: "Put it back, or name the folder of the runtime with --conf-dir",
    },
  ];
}

function brokenFile({ path, plugins, netconfs, error }: ConfigurationFile, isInFront: boolean): Finding[] {
  if (error === undefined) return [];
  const isOurs = plugins.length === 0 || plugins.includes("pontoon");
  const { message, parts } = error;
  return [
    {
      code: "wrongConfiguration",
      subject: path,
      severity: isOurs && isInFront ? "error" : "warning",
      sentence: message,
      proof: isInFront ? "it is the first file, which a runtime takes" : undefined,
      advice: parts.hint ?? `"pontoon validate ${path}" says more`,
      networks: netconfs.map(({ name }) => name),
    },
  ];
}

/** A note about networks of Pontoon behind the file that a runtime takes. Podman goes by names. */
function waitingFiles(first: ConfigurationFile | undefined, files: readonly ConfigurationFile[]): Finding[] {
  const waiting = files.filter((file) => file !== first && file.netconfs.length > 0);
  if (first === undefined || waiting.length === 0 || first.netconfs.length > 0) return [];
  return [
    {
      code: "waitingConfiguration",
      subject: first.path,
      severity: "note",
      sentence: `containerd and CRI-O take this file, which does not use Pontoon; ${waiting.map(({ path }) => path).join(", ")} waits behind it`,
      advice: "Rename or remove it where Pontoon is to make the pods' network",
      networks: waiting.flatMap(({ netconfs }) => netconfs.map(({ name }) => name)),
    },
  ];
}

/** The plugins of a chain with Pontoon that are not there. A node without the folder keeps them elsewhere. */
function missingPlugins({ path, plugins, netconfs }: ConfigurationFile, { folders }: Context): Finding[] {
  const { executables: folder } = folders;
  if (netconfs.length === 0 || listDirectory(folder, 1).length === 0) return [];
  return [...new Set(plugins)]
    .filter((type) => /^[\w.-]+$/.test(type))
    .flatMap((type): Finding[] => {
      const file = `${folder}/${type}`;
      const status = fileStatus(file);
      const networks = netconfs.map(({ name }) => name);
      const about = { subject: file, severity: "error", networks, proof: `${path} names it` } as const;
      if (status === undefined)
        return [
          {
            ...about,
            code: "missingPlugin",
            sentence: "this plugin is missing, so no pod can start",
            advice: adviceFor(type),
          },
        ];
      return status.kind === "file" && (status.mode & 0o111) !== 0
        ? []
        : [
            {
              ...about,
              code: "unusablePlugin",
              sentence: "this plugin cannot be run",
              cure: `chmod 755 ${shellWord(file)}`,
            },
          ];
    });
}

function adviceFor(type: string): string {
  return type === "pontoon"
    ? 'Run "pontoon install", or name the folder of the runtime with --bin-dir'
    : `Install the plugin ${type}, or name the folder of the runtime with --bin-dir`;
}

/** Records that cannot be read. */
export function examineRecords({ survey }: Context): Finding[] {
  return survey.unreadable.map(({ path, reason }) => ({
    code: reason === "damaged" ? "damagedRecord" : "laterRecord",
    subject: NODE,
    severity: "warning",
    sentence: `the record ${path} ${reason === "damaged" ? "is damaged" : "was written by a later Pontoon"}`,
    advice:
      reason === "damaged"
        ? "Send a DEL for its container, or a GC with the containers that live"
        : "Install the later Pontoon again",
  }));
}
