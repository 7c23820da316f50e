// The findings in the text of one network configuration, whatever node it is for.
import { CniError, type Problem } from "../../cni/error.ts";
import { parseJson } from "../../cni/json.ts";
import { findKey, findSpot, pathBelow, placesOf, type Spot, type TwiceKey } from "../../cni/json-place.ts";
import { repaired } from "../../cni/json-slip.ts";
import { placeBelow } from "../../cni/keys.ts";
import { lineAround, placeIn } from "../../cni/text-place.ts";
import { limited, type Network, type Refusal, readNetwork, refusalsOf } from "../network/network.ts";
import { type UnreadIn, unreadIn } from "../network/unread.ts";
import type { Finding, Remark } from "./finding.ts";
import { remarksOf } from "./remark.ts";

/** The most slips of JSON that are told of one text. */
const MOST_SLIPS = 20;

/** The characters of the longest text that is looked into: far more than a person writes. */
const LARGEST = 100_000;
/** The most entries that are looked into, and the most findings that are told. */
const MOST_ENTRIES = 100;
const MOST_FINDINGS = 500;

/** A text and the findings in it. */
export class Content {
  /** The network, where the text is one that can be looked at. */
  readonly network: Network | undefined;
  private readonly file: string;
  private readonly text: string;
  private readonly found: { at: number; finding: Finding }[] = [];
  private root: Spot | undefined;

  /** Reads `text`. `file`: its name in the findings. */
  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    const json =
      text.length > LARGEST ? this.refuseLarge(`${text.length} characters`, LARGEST) : this.withoutSlips();
    this.network = json === undefined ? undefined : this.read(json);
  }

  /** The findings in the order of their places; those about the whole come first. */
  get findings(): Finding[] {
    return this.found.sort((one, other) => one.at - other.at).map(({ finding }) => finding);
  }

  /** Adds a finding about what stands at its key path, or about the nearest object around that place. */
  add(remark: Remark): void {
    this.addAt(this.offsetOf(remark.path), remark);
  }

  private refuseLarge(size: string, most: number): undefined {
    const message = `is not looked into: it has ${size}, and may have ${most}`;
    this.addAt(undefined, { severity: "error", path: "", message });
  }

  private addAt(at: number | undefined, remark: Remark): void {
    if (this.found.length >= MOST_FINDINGS) return;
    const place = at === undefined ? undefined : placeIn(this.text, at);
    this.found.push({ at: at ?? -1, finding: { ...remark, file: this.file, place } });
  }

  /** The text as JSON; undefined when it is none even without its slips. */
  private withoutSlips(): string | undefined {
    let text: string | undefined = this.text;
    for (let count = 0; text !== undefined && count < MOST_SLIPS; count++) {
      try {
        if (text.trim() !== "") parseJson(text);
        return text;
      } catch (error) {
        if (!(error instanceof CniError)) throw error;
        this.addSlip(error);
      }
      text = repaired(text);
    }
    return undefined;
  }

  private addSlip({ message, parts: { problems = [] } }: CniError): void {
    const { text = message, offset, hint } = problems[0] ?? {};
    const excerpt = offset === undefined ? undefined : lineAround(this.text, offset);
    this.addAt(offset, { severity: "error", path: "", message: text, hint, excerpt });
  }

  /** Looks at the text, which is JSON but for slips that are known. */
  private read(json: string): Network | undefined {
    try {
      return limited(() => {
        const network = readNetwork(json);
        const { length } = network.chain;
        if (length > MOST_ENTRIES) return this.refuseLarge(`${length} entries`, MOST_ENTRIES);
        const { root, twice } = placesOf(json);
        this.root = root;
        for (const refusal of refusalsOf(network)) this.addRefusal(refusal);
        this.addUnread(unreadIn(network), root);
        for (const key of twice) this.addTwice(key);
        for (const remark of remarksOf(network)) this.add(remark);
        return network;
      });
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      this.root ??= json.trim() === "" ? undefined : placesOf(json).root;
      this.addRefusal({ path: "", error });
      return undefined;
    }
  }

  private addRefusal({ path: entry, error }: Refusal): void {
    const { path, hint, problems } = error.parts;
    const alone = { path: path ?? "", text: sentenceOf(error), hint };
    for (const problem of problems ?? [alone])
      this.add({
        severity: "error",
        path: below(entry, problem.path),
        message: sentenceBelow(entry, problem),
        hint: problem.hint,
      });
  }

  /** Adds keys that nobody reads. The same key may stand in several objects of a list. */
  private addUnread(unread: readonly UnreadIn[], root: Spot): void {
    const seen = new Map<string, number>();
    for (const { entry, key, meant, text } of unread) {
      const { path } = key;
      const id = JSON.stringify([entry, path, key.key]);
      const nth = seen.get(id) ?? 0;
      seen.set(id, nth + 1);
      this.addAt(findKey(findSpot(root, entry).spot, path, key.key)[nth], {
        severity: meant === undefined ? "note" : "error",
        path: below(entry, pathBelow(path, key.key)),
        message: text,
        meant,
      });
    }
  }

  private addTwice({ path, at }: TwiceKey): void {
    this.addAt(at, {
      severity: "error",
      path,
      message: `${path}: stands twice in one object, and the later one counts`,
      hint: "Take one of the two out",
    });
  }

  /** The place of a value, or of the key of the nearest object around a value that is not there. */
  private offsetOf(path: string): number | undefined {
    if (this.root === undefined) return undefined;
    const { spot, isThere } = findSpot(this.root, path);
    return isThere ? spot.at : (spot.keyAt ?? spot.at);
  }
}

/** The sentence of an error about a single thing, without what to do. */
function sentenceOf({ message, parts: { details, cause } }: CniError): string {
  return [message, details, cause].filter((part) => part !== undefined && part !== "").join("; ");
}

/** A sentence of an entry, with the place of the entry in front of the path that it begins with. */
function sentenceBelow(entry: string, { path, text }: Problem): string {
  if (entry === "") return text;
  return path !== "" && text.startsWith(path) ? `${entry}.${text}` : `${entry}: ${text}`;
}

function below(entry: string, path: string): string {
  return path === "" ? entry : placeBelow(entry, path);
}
