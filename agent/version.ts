// The version of the agent, which is that of the executable that is released with it.

/** Set by scripts/build-agent.mjs. */
declare const PONTOON_VERSION: string;

export const VERSION: string = PONTOON_VERSION;
