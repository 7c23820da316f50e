// The lines of a stream of bytes.

/**
 * The lines of UTF-8 text, without their ends; empty ones are left out. Bytes are put together before they
 * are decoded, so a character may be split between chunks. A last line without an end is not given: it is
 * half. Throws RangeError for a line longer than `most` bytes.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, end)]).toString("utf8");
      [parts, length, from] = [[], 0, end + 1];
      if (line.trim() !== "") yield line;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > most) throw new RangeError(`a line is longer than ${most} bytes`);
  }
}
