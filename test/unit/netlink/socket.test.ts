import { afterEach, expect, test, vi } from "vitest";
import { readMessages } from "../../../src/netlink/reader.ts";
import type { Message } from "../../../src/netlink/socket.ts";
import * as nl from "../../../src/netlink/uapi/netlink.ts";
import type { Writer } from "../../../src/netlink/writer.ts";
import { native } from "../../../src/sys/native.ts";
import { refusal } from "../../support/failure.ts";
import { type Answer, FakeKernel } from "../../support/fake-kernel.ts";

const ask = (what: string): Message => ({ what, type: 18, flags: 0, body: (w) => w.u32(0) });
const done = (sequence: number, flags = nl.NLM_F_MULTI): Answer => ({
  type: nl.NLMSG_DONE,
  flags,
  sequence,
  body: (w) => w.u32(0),
});
const item = (sequence: number, value: number, flags = nl.NLM_F_MULTI): Answer => ({
  type: 16,
  flags,
  sequence,
  body: (w) => w.u32(value),
});
const acknowledged = (sequence: number): Answer => refused(sequence, 0);

/** NLMSG_ERROR: the number, the header of the request, and what came with it. */
function refused(
  sequence: number,
  code: number,
  flags = nl.NLM_F_CAPPED,
  rest?: (w: Writer) => void,
): Answer {
  return {
    type: nl.NLMSG_ERROR,
    flags,
    sequence,
    body: (w) => {
      w.u32(-code >>> 0)
        .u32(36)
        .u16(18)
        .u16(5)
        .u32(sequence)
        .u32(0);
      rest?.(w);
    },
  };
}

afterEach(() => {
  vi.restoreAllMocks();
});

test("each request has a number of its own, and the last one asks for an answer: so many do not overflow the socket", () => {
  using kernel = new FakeKernel();
  kernel.answers(acknowledged(1), acknowledged(2));
  kernel.socket.execute([ask("one"), ask("two")]);
  const [sent] = kernel.asked();
  expect(readMessages(sent ?? new Uint8Array()).map(({ flags, sequence }) => ({ flags, sequence }))).toEqual([
    { flags: nl.NLM_F_REQUEST, sequence: 1 },
    { flags: nl.NLM_F_REQUEST | nl.NLM_F_ACK, sequence: 2 },
  ]);
});

test("answers find their request, in one receive or many, strangers among them", () => {
  using kernel = new FakeKernel();
  kernel.answers(item(99, 1), acknowledged(99));
  kernel.answers(refused(1, 19), item(2, 22, 0));
  kernel.answers(acknowledged(98), acknowledged(2));
  const [one, two] = kernel.socket.transact([ask("ask for one"), ask("ask for two")]);
  expect(one).toMatchObject({ replies: [], error: { errno: 19, operation: "ask for one" } });
  expect(two).toMatchObject({ replies: [{ payload: Uint8Array.of(22, 0, 0, 0) }], error: undefined });
});

test("of two refusals of one request the first one tells why", () => {
  using kernel = new FakeKernel();
  kernel.answers(refused(1, 17), refused(1, 2), acknowledged(2));
  const [one] = kernel.socket.transact([ask("add an element"), ask("add a rule")]);
  expect(one?.error).toMatchObject({ errno: 17, operation: "add an element" });
});

test("a refusal carries the kernel's sentence", () => {
  using kernel = new FakeKernel();
  kernel.answers(
    refused(1, 22, nl.NLM_F_CAPPED | nl.NLM_F_ACK_TLVS, (w) =>
      w.string(nl.NLMSGERR_ATTR_MSG, "Nexthop has invalid gateway").u32Attribute(2, 24),
    ),
  );
  const error = refusal(() => kernel.socket.execute([ask("add route 10.0.0.0/8")]));
  expect(error).toMatchObject({
    operation: "add route 10.0.0.0/8",
    errno: 22,
    kernelText: "Nexthop has invalid gateway",
  });
  expect(error.message).toBe("add route 10.0.0.0/8: EINVAL (Nexthop has invalid gateway)");
});

test("a request that is repeated in a refusal is not taken for the kernel's sentence", () => {
  using kernel = new FakeKernel();
  kernel.answers(refused(1, 22, nl.NLM_F_ACK_TLVS, (w) => w.string(1, "a name from the request")));
  kernel.answers(refused(2, 22, nl.NLM_F_CAPPED, (w) => w.string(1, "not even announced")));
  expect(refusal(() => kernel.socket.execute([ask("one")])).kernelText).toBe("");
  expect(refusal(() => kernel.socket.execute([ask("two")])).kernelText).toBe("");
});

test("a list that changed while it was read is read again", () => {
  using kernel = new FakeKernel();
  kernel.answers(item(1, 1), item(1, 2, nl.NLM_F_MULTI | nl.NLM_F_DUMP_INTR), done(1));
  kernel.answers(item(2, 1));
  kernel.answers(done(2, nl.NLM_F_MULTI | nl.NLM_F_DUMP_INTR));
  kernel.answers(item(3, 7), done(3));
  expect(kernel.socket.dump(ask("list")).map(({ payload }) => payload[0])).toEqual([7]);
  expect(
    kernel
      .asked()
      .flatMap(readMessages)
      .map(({ flags }) => flags),
  ).toEqual(Array(3).fill(nl.NLM_F_REQUEST | nl.NLM_F_DUMP));
});

test("a list that changes each time ends with an error, not in a circle", () => {
  using kernel = new FakeKernel();
  for (let sequence = 1; sequence <= 8; sequence++) kernel.answers(done(sequence, nl.NLM_F_DUMP_INTR));
  expect(refusal(() => kernel.socket.dump(ask("list the ports")))).toMatchObject({
    operation: "list the ports",
    errno: 11,
  });
  expect(kernel.asked()).toHaveLength(8);
});

test("a list that fails, at its start or at its end, is an error", () => {
  using kernel = new FakeKernel();
  kernel.answers(refused(1, 95));
  kernel.answers(item(2, 1), {
    type: nl.NLMSG_DONE,
    flags: nl.NLM_F_ACK_TLVS,
    sequence: 2,
    body: (w) => w.u32(-22 >>> 0).string(nl.NLMSGERR_ATTR_MSG, "Invalid filter"),
  });
  expect(refusal(() => kernel.socket.dump(ask("list"))).errno).toBe(95);
  expect(refusal(() => kernel.socket.dump(ask("list")))).toMatchObject({
    errno: 22,
    kernelText: "Invalid filter",
  });
});

test("an answer that is longer than any real one is an error, not half an answer", () => {
  using kernel = new FakeKernel();
  kernel.sends(new Uint8Array(64 * 1024 + 1));
  expect(refusal(() => kernel.socket.execute([ask("ask")]))).toMatchObject({ errno: 105, operation: "ask" });
});

test("an answer of rubbish is skipped, and the right one after it counts", () => {
  using kernel = new FakeKernel();
  kernel.answers({ type: nl.NLMSG_ERROR, sequence: 77 });
  kernel.answers(acknowledged(1));
  expect(kernel.socket.transact([ask("ask")])).toMatchObject([{ error: undefined }]);
});

test("a kernel that never answers is an error after ten seconds", () => {
  using kernel = new FakeKernel();
  // The clock makes the ten seconds at once.
  let now = 0;
  vi.spyOn(native, "clock_gettime").mockImplementation(() => (now += 10_001));
  expect(refusal(() => kernel.socket.execute([ask("make the bridge")]))).toMatchObject({
    operation: "make the bridge",
    errno: 110,
    kernelText: "the kernel did not answer",
  });
  expect(refusal(() => kernel.socket.dump(ask("list")))).toMatchObject({ operation: "list", errno: 110 });
});

test("nfnetlink refuses a send without the capability by one answer, and every message of it is refused", () => {
  using kernel = new FakeKernel(nl.NETLINK_NETFILTER);
  kernel.answers(refused(1, 1));
  const outcomes = kernel.socket.transact([ask("one"), ask("two"), ask("three")]);
  expect(outcomes.map(({ error }) => error?.message)).toEqual(
    ["one", "two", "three"].map((what) => expect.stringMatching(new RegExp(`${what}.*EPERM`)) as string),
  );
});

test("rtnetlink answers each message by itself, also behind a first one that it does not permit", () => {
  using kernel = new FakeKernel();
  kernel.answers(refused(1, 1), acknowledged(2));
  expect(kernel.socket.transact([ask("one"), ask("two")]).map(({ errno }) => errno)).toEqual([1, 0]);
});

test("the refusal of a batch's frame is the refusal of all of it", () => {
  using kernel = new FakeKernel();
  kernel.answers(refused(1, 1));
  expect(refusal(() => kernel.socket.batch(ask("begin"), [ask("add a rule")], ask("end")))).toMatchObject({
    errno: 1,
    operation: "add a rule",
  });
});

test("a closed socket stays closed: a second close does not hit a stranger's descriptor", () => {
  using kernel = new FakeKernel();
  using other = new FakeKernel();
  kernel.socket.close();
  using next = new FakeKernel();
  kernel.socket.close();
  next.answers(acknowledged(1));
  other.answers(acknowledged(1));
  expect(next.socket.transact([ask("ask")])).toMatchObject([{ error: undefined }]);
});
