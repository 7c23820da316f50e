// The rows of docs/errors.md, docs/configuration.md, docs/doctor.md, docs/node.md and docs/kubernetes.md,
// which the build puts in (scripts/pages.mjs).

/** An error code, as docs/errors.md explains it. */
export interface ErrorRow {
  code: number;
  title: string;
  when: string;
  helps: string;
}

/** Keys of the configuration with one meaning, as docs/configuration.md explains them. */
export interface KeyRow {
  names: string[];
  /** The object that has the keys, as in `ipam.ranges`; empty for the entry itself. */
  within: string;
  type: string;
  /** The value that counts without the key; empty: none. */
  standard: string;
  effect: string;
  section: string;
}

/** A thing that a runtime may ask for, for a single pod, and the three ways to ask for it. */
export interface RequestRow {
  asked: string;
  /** The capability, and the key in `runtimeConfig`; empty: there is none. */
  capability: string;
  value: string;
  configuration: string;
  args: string;
  section: string;
}

/** Kinds of findings of the doctor with one meaning, as docs/doctor.md explains them. */
export interface FindingRow {
  codes: string[];
  examination: string;
  meaning: string;
  helps: string;
}

/**
 * Codes with one meaning that `pontoon node` prints (docs/node.md), or the agent logs (docs/kubernetes.md).
 */
export interface ReportRow {
  codes: string[];
  meaning: string;
  /** The name of the page, and of its section. */
  page: string;
  section: string;
}

interface Pages {
  errors: ErrorRow[];
  findings: FindingRow[];
  reports: ReportRow[];
  keys: KeyRow[];
  requests: RequestRow[];
}

/** Put in by the build, as JSON. It stays text until a person asks: a call of a runtime never reads it. */
declare const PONTOON_PAGES: string;

/** All rows of the pages. */
export function pages(): Pages {
  return JSON.parse(PONTOON_PAGES) as Pages;
}
