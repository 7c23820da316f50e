// `pontoon cni`: the calls of a container runtime, by hand.
import { CniError } from "../cni/error.ts";
import { quote } from "../cni/problems.ts";
import type { ValidAttachment } from "../cni/teardown.ts";
import { collectErrors } from "../failure/failure.ts";
import { Node } from "../host/node.ts";
import {
  type Asked,
  addChain,
  type Chain,
  checkChain,
  delChain,
  gcChain,
  keyIn,
  statusOfChain,
  versionsOfChain,
} from "../runtime/chain.ts";
import { isErrno } from "../sys/errno.ts";
import { createNamedNamespace, NAMED_NAMESPACES, removeNamedNamespace } from "../sys/named-namespace.ts";
import { baseName, folderOf } from "../sys/path.ts";
import { livingAttachments } from "../teardown/life.ts";
import { shown } from "../terminal/terminal.ts";
import type { Arguments } from "./arguments.ts";
import { refuseWords, unknownChoice } from "./arguments.ts";
import { BELONGS_TO, type CniOptions, OPTIONS, VERBS, type WrittenVerb } from "./cni/options.ts";
import { addedText } from "./cni/report.ts";
import { askedAgain, askedBy, nameOf, pathOf } from "./cni/wish.ts";
import { type Answer, defineCommand, type Person } from "./command.ts";
import { networkListOf, pluginFolders } from "./folders.ts";
import { Misuse } from "./misuse.ts";
import { needRoot } from "./text.ts";

export const cni = defineCommand({
  name: "cni",
  subject: "try",
  words: "VERB CONFLIST [ID:IFNAME]...",
  summary: "calls the plugins of a network as a runtime does",
  page: `Does what cnitool does: VERB is add, check, del, gc, status or version, and all
plugins of the network are called as a container runtime calls them. CONFLIST is
a file, or the name of a network in the folder of networks. Needs root.

The result of an add is kept in /var/lib/cni/results, as by any runtime, so
cnitool can del what this command has added, and the other way round.
`,
  options: OPTIONS,
  examples: [
    ["cni add pods --new-netns red", "a namespace in the network"],
    ["cni add pods -n red --port 8080:80", "with a port of the node"],
    ["cni check pods -n red", "is it still as it was made?"],
    ["cni del pods -n red --rm-netns", "takes both down again"],
    ["cni gc pods --dead", "takes down what is gone"],
  ],
  more: `A check or del with no argument of its own has those of the add. A gc wants the
attachments that stay, as ID:IFNAME, or --dead: all others are taken down.

An add prints lines for a person on a terminal, and else the result as JSON. The
other verbs print a line on a terminal alone; version prints its list always.
`,
  completes: VERBS,
  run(args, person) {
    const [verb, conflist, ...others] = args.words;
    if (verb === undefined) throw new Misuse(`name a verb: ${VERBS.join(", ")}`);
    const known = VERBS.find((each) => each === verb);
    if (known === undefined) throw new Misuse(unknownChoice("verb", verb, VERBS));
    if (conflist === undefined) throw new Misuse("name a network, or its file");
    refuseOthersOptions(known, args.options);
    if (known !== "gc") refuseWords(others);
    const chain = () => ({
      list: networkListOf(conflist, args.options["conf-dir"]),
      folders: pluginFolders(args.options["bin-dir"]),
    });
    return DOERS[known]({ args: { ...args, words: others }, person, chain });
  },
});

/** The command line behind verb and network. */
interface Call {
  args: Arguments<typeof OPTIONS>;
  person: Person;
  /** Reads the network. Throws CniError. */
  chain(): Chain;
}

const DOERS: { readonly [Verb in WrittenVerb]: (call: Call) => Answer } = {
  add,
  check,
  del,
  gc,
  status,
  version,
};

function add({ args: { options }, person, chain: open }: Call): Answer {
  const { netns, "new-netns": fresh } = options;
  if ((netns === undefined) === (fresh === undefined))
    throw new Misuse("name the pod's namespace with -n, or a new one with --new-netns");
  const path = pathOf(fresh === undefined ? (netns ?? "") : nameOf(fresh));
  const chain = open();
  const asked = askedBy(options, chain, path);
  needRoot("attach pods", "cni add", ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
  const result = fresh === undefined ? addChain(chain, asked) : addInNew(fresh, chain, asked);
  const { terminal } = person;
  const isForPerson = terminal.columns !== Number.POSITIVE_INFINITY;
  const json = `${JSON.stringify(result, undefined, 4)}\n`;
  return {
    text: isForPerson
      ? addedText({ key: keyIn(chain, asked), capabilities: asked.capabilities, result }, terminal)
      : json,
    json: result,
  };
}

/** An ADD into a namespace that is made for it; what was made goes when the ADD fails. */
function addInNew(name: string, chain: Chain, asked: Asked): ReturnType<typeof addChain> {
  {
    using node = Node.open();
    try {
      createNamedNamespace(name, node.home);
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
      throw new CniError("invalidNamespace", {
        message: `there is a namespace ${quote(name)} already`,
        hint: `Give -n ${name} to attach it, or another name`,
      });
    }
  }
  try {
    return addChain(chain, asked);
  } catch (error) {
    collectErrors([() => delChain(chain, asked), () => void removeNamedNamespace(name)]);
    throw error;
  }
}

function check({ args: { options }, person, chain: open }: Call): Answer {
  const chain = open();
  const asked = askedAgain(options, chain);
  needRoot("check attachments", "cni check");
  const isDone = checkChain(chain, asked);
  return said(person, chain, isDone ? "the attachment is as it was made" : "the list switches check off");
}

function del({ args: { options }, person, chain: open }: Call): Answer {
  const chain = open();
  const asked = askedAgain(options, chain);
  const { namespacePath } = asked;
  const removes = options["rm-netns"] === true;
  if (removes && ![NAMED_NAMESPACES, `/var${NAMED_NAMESPACES}`].includes(folderOf(namespacePath)))
    throw new Misuse(`--rm-netns removes a namespace of ${NAMED_NAMESPACES}; name it with -n`);
  needRoot("detach pods", "cni del");
  delChain(chain, asked);
  if (removes) removeNamedNamespace(baseName(namespacePath));
  return said(person, chain, `${asked.containerId} is detached`);
}

function gc({ args: { options, words }, person, chain: open }: Call): Answer {
  const { dead } = options;
  if (words.length > 0 === (dead === true))
    throw new Misuse("name the attachments that stay, as ID:IFNAME, or give --dead");
  const named = words.map(readAttachment);
  const chain = open();
  needRoot("take attachments down", "cni gc");
  const collected = gcChain(chain, dead === true ? living(chain) : named);
  if (collected === undefined) return said(person, chain, "the list switches gc off");
  const { removed, errors } = collected;
  const lines = removed.map(
    ({ containerId, interfaceName }) => `${containerId}:${interfaceName} was taken down`,
  );
  const answer = said(person, chain, lines.length === 0 ? "nothing was left over" : lines.join(", "));
  const json = removed.map(({ containerId, interfaceName }) => ({ containerId, interfaceName }));
  return { ...answer, json: { network: chain.list.name, removed: json }, errors };
}

function living({ list }: Chain): ValidAttachment[] {
  using node = Node.open();
  return livingAttachments(list.name, node);
}

function status({ person, chain: open }: Call): Answer {
  const chain = open();
  needRoot("ask whether a network is ready", "cni status");
  const isAsked = statusOfChain(chain);
  return said(person, chain, isAsked ? "all plugins are ready" : "version of the list has no status");
}

function version({ chain: open }: Call): Answer {
  const chain = open();
  const plugins = versionsOfChain(chain);
  const { name, cniVersion } = chain.list;
  const lines = plugins.map(
    ({ type, path, versions }) => `${shown(type)} (${path}): ${versions.join(", ")}\n`,
  );
  const lacking = plugins.filter(({ versions }) => !versions.includes(cniVersion));
  return {
    text: `network ${name}: version ${shown(cniVersion)}\n${lines.join("")}`,
    json: { network: name, cniVersion, plugins },
    notes: lacking.map(({ type }) => `plugin ${shown(type)} does not know version ${shown(cniVersion)}`),
    status: lacking.length === 0 ? 0 : 1,
  };
}

/** A line for a person; programs see the exit status, as with cnitool. */
function said({ terminal }: Person, { list }: Chain, sentence: string): Answer {
  const text = terminal.columns === Number.POSITIVE_INFINITY ? "" : `${list.name}: ${shown(sentence)}\n`;
  return { text, json: { network: list.name } };
}

function readAttachment(word: string): ValidAttachment {
  const colon = word.lastIndexOf(":");
  if (colon < 1 || colon === word.length - 1)
    throw new Misuse(`${JSON.stringify(word)} names no attachment; write it as in 6537f52c:eth0`);
  return { containerId: word.slice(0, colon), interfaceName: word.slice(colon + 1) };
}

function refuseOthersOptions(verb: WrittenVerb, options: CniOptions): void {
  for (const name of Object.keys(options)) {
    const verbs = BELONGS_TO[name];
    if (verbs !== undefined && !verbs.includes(verb))
      throw new Misuse(`--${name} belongs to ${verbs.join(", ")}, not to ${verb}`);
  }
}
