// The tunnel device of a cluster's node, as others know it.

/** The name of the tunnel device. */
export const TUNNEL_DEVICE = "pontoon-vxlan";
/** The alias of the tunnel device, by which it is known as ours. */
export const TUNNEL_ALIAS = "pontoon node tunnel";
