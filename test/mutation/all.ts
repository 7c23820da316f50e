// All small changes that some test has to notice.
import type { Mutation } from "./mutation.ts";
import { IPAM } from "./ipam.ts";

export const MUTATIONS: readonly Mutation[] = [...IPAM];
