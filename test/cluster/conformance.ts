// usage: scripts/test-cluster --conformance [FOCUS]
// Kubernetes' own tests of networks against the cluster with deploy/base.
import { build, play } from "./support/e2e.ts";
import { deploy } from "./support/stage.ts";
import { startDns } from "./support/web.ts";

/** What conformance asks of a network, and the tests of both families. */
const FOCUS = String.raw`\[sig-network\].*(\[Conformance\]|IPv6DualStack)`;
/** It measures how long services take to answer, on a machine of its own. */
const SKIP = "should not be very high|Feature:.*(LoadBalancer|SCTP)|Disruptive";

const bin = build("conformance");
await deploy("base");
await startDns();
await play(bin, { focus: process.argv[2] ?? FOCUS, skip: SKIP });
