// Nothing: what the runtime alone costs.
export {};
