// Changes at a start what the image brought: what grew while the build loaded it goes on growing, other parts
// shrink or go, and nothing else changes.
import { writeAll } from "../../../src/sys/stream.ts";

const COUNT = 300;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

const LISTS = numbers(COUNT).map((length) => numbers(length));
const OBJECTS: Record<string, number>[] = numbers(COUNT).map((at) => ({ at }));
const MAP = new Map(numbers(COUNT).map((at) => [`key ${at}`, [at]]));
const TEXTS = numbers(COUNT).map((at) => "text".repeat(at));
const BYTES = numbers(COUNT).map((at) => new Uint8Array(at).fill(at));
let table: (() => number)[] = numbers(COUNT).map((at) => () => at);

function change(): void {
  for (const [at, list] of LISTS.entries())
    if (at % 2 === 0) list.push(...numbers(at + 100));
    else list.length = at >> 1;
  for (const [at, object] of OBJECTS.entries()) for (const key of numbers(at % 40)) object[`k${key}`] = key;
  for (const at of numbers(5 * COUNT)) MAP.set(`key ${at + 100}`, [at]);
  for (const at of numbers(100)) MAP.delete(`key ${at}`);
  for (const [at, text] of TEXTS.entries()) TEXTS[at] = text + at;
  for (const at of numbers(COUNT).filter((one) => one % 3 === 0)) BYTES[at] = new Uint8Array(COUNT).fill(7);
  table = table.filter((_, at) => at % 2 === 0);
}

/** The parts that are not as they should be. */
function wrong(): string[] {
  const right = {
    lists: LISTS.every((list, at) =>
      at % 2 === 0
        ? list.length === 2 * at + 100 &&
          list.every((value, place) => value === (place < at ? place : place - at))
        : list.length === at >> 1 && list.every((value, place) => value === place),
    ),
    objects: OBJECTS.every(
      (object, at) =>
        object["at"] === at &&
        Object.keys(object).length === 1 + (at % 40) &&
        numbers(at % 40).every((key) => object[`k${key}`] === key),
    ),
    map: MAP.size === 5 * COUNT && [...MAP].every(([key, [value = 0]]) => key === `key ${value + 100}`),
    texts: TEXTS.every((text, at) => text === `${"text".repeat(at)}${at}`),
    bytes: BYTES.every((bytes, at) =>
      at % 3 === 0
        ? bytes.length === COUNT && bytes.every((byte) => byte === 7)
        : bytes.length === at && bytes.every((byte) => byte === (at & 255)),
    ),
    table: table.every((give, at) => give() === 2 * at),
  };
  return Object.entries(right)
    .filter(([, isRight]) => !isRight)
    .map(([name]) => name);
}

export function main(): number {
  change();
  writeAll(1, `${JSON.stringify(wrong())}\n`, "stdout");
  return 0;
}
