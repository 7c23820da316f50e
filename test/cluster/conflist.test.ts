// The configuration of the runtime: that of another plugin, and one of ours that somebody edited.
import { afterEach, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { agentLog, deploy, node, restartAgent } from "./support/stage.ts";

const OURS = "/etc/cni/net.d/10-pontoon.conflist";
const OTHER = "/etc/cni/net.d/05-other.conflist";

beforeAll(() => deploy("base"));
afterEach(async () => {
  await node(1).must(`rm -f ${OTHER} ${OURS}`);
  await restartAgent(1);
  await waitFor("ours is back", async () => (await node(1).try(`test -e ${OURS}`)).status === 0, 20_000, 100);
});

test("a configuration of another plugin that the runtime takes first is left alone, and the log names it", async () => {
  const text = JSON.stringify({ cniVersion: "1.0.0", name: "other", plugins: [{ type: "loopback" }] });
  await node(1).must(`cat > ${OTHER}`, { stdin: text });
  await restartAgent(1);
  await waitFor("the log names it", async () => (await agentLog(1)).includes(OTHER), 20_000, 200);
  expect(await node(1).must(`cat ${OTHER}`)).toBe(text);
});

test("a configuration of ours that somebody edited is neither replaced nor removed, and the log says it", async () => {
  const text = (await node(1).must(`cat ${OURS}`)).replace('"hairpinMode": true', '"hairpinMode": false');
  await node(1).must(`cat > ${OURS}`, { stdin: text });
  await restartAgent(1);
  await waitFor("the log says it", async () => (await agentLog(1)).includes("left alone"), 20_000, 200);
  expect(await node(1).must(`cat ${OURS}`)).toBe(text.trimEnd());
});
