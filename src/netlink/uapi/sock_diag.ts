// linux/sock_diag.h, inet_diag.h, netlink.h, under their kernel names.
export const NETLINK_SOCK_DIAG = 4;
export const SOCK_DIAG_BY_FAMILY = 20;
export const INET_DIAG_SKV6ONLY = 11;
