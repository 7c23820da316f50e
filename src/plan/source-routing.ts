// The numbers of source based routing. The number of a table tells the index of its interface.

/** The first table number, above the tables that people and programs number by hand. */
export const FIRST_TABLE = 10_000;
/** The maker of a rule (`ip rule` shows it): a number that /etc/iproute2/rt_protos does not have. */
export const RULE_PROTOCOL = 112;

/** The routing table of the pod's interface with this index. */
export function tableOf(index: number): number {
  return FIRST_TABLE + index;
}
