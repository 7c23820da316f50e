// One line of the table: a netconf, what happens around it, and where the two plugins may differ.
export interface Row {
  /** What it is about; no two rows have the same. */
  name: string;
  /** The plugin of the reference that is played; `bridge` where it is left out. */
  reference?: ReferencePlugin;
  /** Laid over the keys of the reference in BASES; undefined takes a key out. */
  config?: Record<string, unknown>;
  /** More members of the configuration as text, for what an object cannot say, such as one key twice. */
  text?: string;
  /** The default is 1.0.0; undefined leaves the key out. */
  cniVersion?: string | undefined;
  /** The `args.cni` of the configuration and the `runtimeConfig`, for the first pod only. */
  args?: Record<string, unknown>;
  runtimeConfig?: Record<string, unknown>;
  /** CNI_ARGS of the first pod. */
  cniArgs?: string;
  /** Run on the node before all else. */
  node?: string[];
  /** Run after all else is seen: in pod red, or on the node. Whether it succeeds becomes a fact. */
  acts?: { what: string; place: "red" | "node"; command: string }[];
  /** No second pod: it would get the same address. */
  alone?: true;
  /** The error is another plugin's, with its code; it is passed on. */
  errorOfOthers?: true;
  differences?: Difference[];
}

/** A difference that is meant: it has to be there, and nothing else may differ. */
export interface Difference {
  /** Path of the fact; a star stands for any text. */
  where: string;
  /** One sentence. */
  why: string;
  /** The value on our side, where only that one is right. */
  ours?: string;
  reference?: string;
  /** Patterns of words that count for nothing in either value; what is left has to be equal. */
  apart?: string[];
}

/** What a fact is called that one side does not have. */
export const NOTHING = "nothing";

/** A network as most have it. */
export const BASE = { bridge: "pods0", isGateway: true, ipam: ipamOf("10.1.0.0/24") } as const;

/** The plugins of the reference that make interfaces. */
export type ReferencePlugin = "bridge" | "ptp";

/** The keys that most rows of a plugin have, and those that make the same netconf ours. */
export const BASES: {
  readonly [Name in ReferencePlugin]: { readonly base: object; readonly ours: object };
} = {
  bridge: { base: BASE, ours: {} },
  ptp: { base: { ipam: ipamOf("10.1.0.0/24") }, ours: { attach: "ptp" } },
};

/** host-local with one range set for each subnet, and a default route for each family. */
export function ipamOf(...subnets: string[]): Record<string, unknown> {
  const families = new Set(subnets.map((subnet) => (subnet.includes(":") ? "::/0" : "0.0.0.0/0")));
  return {
    type: "host-local",
    ranges: subnets.map((subnet) => [{ subnet }]),
    routes: [...families].map((dst) => ({ dst })),
  };
}

export const V6 = "fd01::/64";
export const DUAL = ["10.1.0.0/24", V6];

/** For a row that only we can attach. */
export function onlyOurs(why: string): Difference[] {
  return [{ where: "ADD", ours: "done", reference: "refused", why }];
}

/** For a row that we refuse and the reference takes. */
export function onlyTheirs(why: string): Difference[] {
  return [{ where: "ADD", ours: "refused", reference: "done", why }];
}

/** Which of the two. */
export type Plugin = "ours" | "reference";
