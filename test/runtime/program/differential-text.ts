// Values as text that shows all of them.
import { CniError, toCniError } from "../../../src/cni/error.ts";

/** A value with its kinds: BigInt, undefined, -0, Map, bytes, lone surrogates. */
export function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Uint8Array) return `<${[...value].join(" ")}>`;
  if (value instanceof Map) return `Map${show([...value])}`;
  if (value instanceof Set) return `Set${show([...value])}`;
  if (value instanceof Error) return failureText(value);
  if (Array.isArray(value)) return `[${value.map(show).join(",")}]`;
  return `{${Object.entries(value)
    .map(([key, each]) => `${JSON.stringify(key)}:${show(each)}`)
    .join(",")}}`;
}

/** All that an error says, but for the words of the engine's own. */
export function failureText(error: unknown): string {
  if (error instanceof CniError && error.kind !== "internal")
    return `CniError ${show(error.toJson("1.0.0"))}`;
  if (error instanceof Error) return error.name;
  return String(toCniError(error).message);
}

/** What a computation gives, or how it fails. */
export function outcome(action: () => unknown): string {
  try {
    return show(action());
  } catch (error) {
    return `thrown ${failureText(error)}`;
  }
}
