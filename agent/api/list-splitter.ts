// The items of a list of the API, cut out of the bytes as they come, so that the list is never in memory.

const [QUOTE, BACKSLASH, OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [34, 92, 123, 125, 91, 93];

/**
 * Cuts `{"metadata": …, "items": [{…}, {…}]}` into the texts of its items and the text without them. It
 * counts brackets outside of strings and checks nothing else: what it gives is still to be parsed.
 */
export class ListSplitter {
  readonly #take: (item: string) => void;
  readonly #most: number;
  #depth = 0;
  #isText = false;
  #isEscaped = false;
  /** True inside the list of a key "items" of the outermost object. */
  #isItems = false;
  /** The bytes since the last cut. */
  #parts: Uint8Array[] = [];
  #length = 0;
  #rest = "";

  /** `most`: bytes of one item. */
  constructor(take: (item: string) => void, most: number) {
    this.#take = take;
    this.#most = most;
  }

  /** Throws RangeError for an item that is too long. */
  write(chunk: Uint8Array): void {
    let from = 0;
    const cut = (end: number): string => {
      const text = Buffer.concat([...this.#parts, chunk.subarray(from, end)]).toString("utf8");
      [this.#parts, this.#length, from] = [[], 0, end];
      return text;
    };
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#isText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isText = false;
      } else if (byte === QUOTE) this.#isText = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        // The list of items begins, or an item does: what stands before is of the rest.
        if (this.#depth === 1 && byte === OPEN_LIST) {
          this.#rest += cut(at + 1);
          this.#isItems = /"items"\s*:\s*\[$/.test(this.#rest);
        } else if (this.#depth === 2 && this.#isItems) cut(at);
        this.#depth += 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        this.#depth -= 1;
        if (this.#depth === 2 && this.#isItems) this.#take(cut(at + 1));
        else if (this.#depth === 1 && this.#isItems) {
          cut(at);
          this.#isItems = false;
        }
      }
    }
    this.#parts.push(Uint8Array.prototype.slice.call(chunk, from));
    this.#length += chunk.length - from;
    if (this.#length > this.#most)
      throw new RangeError(`a part of the answer is longer than ${this.#most} bytes`);
  }

  /** The text of the list without its items. */
  end(): string {
    return this.#rest + Buffer.concat(this.#parts).toString("utf8");
  }
}
