// All small changes that some test has to notice, by the folder that they are in.
import { AGENT } from "./agent.ts";
import { ATTACHMENT } from "./attachment.ts";
import { CLUSTER } from "./cluster.ts";
import { CNI } from "./cni.ts";
import { COMMAND } from "./command.ts";
import { DOCTOR } from "./doctor.ts";
import { FAILURE } from "./failure.ts";
import { HOST } from "./host.ts";
import { HOST_KIND } from "./host-kind.ts";
import { IP } from "./ip.ts";
import { IPAM } from "./ipam.ts";
import { IPTABLES } from "./iptables.ts";
import { LOOK } from "./look.ts";
import { LOOPBACK } from "./loopback.ts";
import { MAIN } from "./main.ts";
import type { Mutation } from "./mutation.ts";
import { NET } from "./net.ts";
import { NETLINK } from "./netlink.ts";
import { NFT } from "./nft.ts";
import { PICTURE } from "./picture.ts";
import { PLAN } from "./plan.ts";
import { PTP } from "./ptp.ts";
import { RECORD } from "./record.ts";
import { RUNTIME } from "./runtime.ts";
import { SCRIPT } from "./script.ts";
import { SURVEY } from "./survey.ts";

import { SYS } from "./sys.ts";
import { TEARDOWN } from "./teardown.ts";
import { TOOL } from "./tool.ts";
import { TRIAL } from "./trial.ts";
import { VERB } from "./verb.ts";

export const MUTATIONS: readonly Mutation[] = [
  ...AGENT,
  ...ATTACHMENT,
  ...CLUSTER,
  ...CNI,
  ...DOCTOR,
  ...FAILURE,
  ...HOST_KIND,
  ...COMMAND,
  ...HOST,
  ...IP,
  ...IPAM,
  ...IPTABLES,
  ...LOOK,
  ...LOOPBACK,
  ...MAIN,
  ...NET,
  ...NETLINK,
  ...NFT,
  ...PICTURE,
  ...PLAN,
  ...PTP,
  ...RECORD,
  ...RUNTIME,
  ...SURVEY,
  ...SCRIPT,
  ...SYS,
  ...TEARDOWN,
  ...TOOL,
  ...TRIAL,
  ...VERB,
];
