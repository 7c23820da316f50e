// The networks that the node's configurations describe, with their pools.

import { entriesOf, typeOf } from "../cni/chain.ts";
import { type Netconf, parseNetconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import { parseJson } from "../cni/json.ts";
import { type Fields, isFields } from "../cni/keys.ts";
import { asCniError } from "../failure/failure.ts";
import { leaseDirectoryOf } from "../ipam/lease-directory.ts";
import { countPools, type PoolCount } from "../ipam/status.ts";
import { SystemError } from "../sys/errno.ts";
import { readFileText } from "../sys/file.ts";
import { listConfigurations } from "./folder.ts";

/** A configuration file of the node. */
export interface ConfigurationFile {
  path: string;
  /** The network's name; undefined where the file tells none. */
  name: string | undefined;
  /** The plugins of its chain, in order. */
  plugins: string[];
  /** The networks that Pontoon makes by it, one for each entry of the chain that names Pontoon. */
  netconfs: Netconf[];
  /** The reason why it cannot be read, or why an ADD would refuse an entry. */
  error: CniError | undefined;
}

/**
 * The configurations of a folder, in the order in which a runtime takes them; none where there is no folder.
 */
export function readConfigurations(folder: string): ConfigurationFile[] {
  return listConfigurations(folder).map((name) => readFile(`${folder}/${name}`));
}

function readFile(path: string): ConfigurationFile {
  const file: ConfigurationFile = { path, name: undefined, plugins: [], netconfs: [], error: undefined };
  try {
    const config = parseJson(readFileText(path));
    if (!isFields(config)) throw new CniError("undecodable", { message: "it is no network configuration" });
    file.name = typeof config["name"] === "string" ? config["name"] : undefined;
    const chain = entriesOf(config, "pontoon").map(({ entry }) => entry);
    file.plugins = chain.map(typeOf);
    for (const entry of chain.filter((each) => typeOf(each) === "pontoon"))
      file.netconfs.push(netconfOf(entry, config));
  } catch (error) {
    if (!(error instanceof CniError || error instanceof SystemError || error instanceof RangeError))
      throw error;
    file.error = asCniError(error);
  }
  return file;
}

/**
 * The entry as a STATUS of a runtime has it, which may lack what comes with each ADD; whichever version the
 * file has, of the newest, since older ones know no STATUS.
 */
function netconfOf(entry: Fields, { name }: Fields): Netconf {
  return parseNetconf(JSON.stringify({ ...entry, name, cniVersion: "1.1.0" }), "STATUS");
}

/**
 * The pools of a network, one for each range set; none without built-in IPAM, and none but an error where its
 * leases cannot be counted.
 */
export function poolsOf(netconf: Netconf): { pools: PoolCount[]; error?: CniError } {
  const directory = leaseDirectoryOf(netconf);
  if (directory === undefined || netconf.ipam === undefined) return { pools: [] };
  try {
    return { pools: countPools(directory, netconf.ipam.rangeSets) };
  } catch (error) {
    if (error instanceof CniError) return { pools: [], error };
    throw error;
  }
}
