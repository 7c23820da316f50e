// The table, by subject.
import type { Row } from "./row.ts";
import { ADDRESS_ROWS } from "./rows/address.ts";
import { BAD_VALUE_ROWS } from "./rows/bad-value.ts";
import { FOREIGN_IPAM_ROWS } from "./rows/foreign-ipam.ts";
import { GATEWAY_ROWS } from "./rows/gateway.ts";
import { LINK_ROWS } from "./rows/link.ts";
import { MASQUERADE_ROWS } from "./rows/masquerade.ts";
import { PORT_ROWS } from "./rows/port.ts";
import { PTP_ROWS } from "./rows/ptp.ts";
import { READING_ROWS } from "./rows/reading.ts";
import { REQUEST_ROWS } from "./rows/request.ts";
import { ROUTE_ROWS } from "./rows/route.ts";
import { SPOOF_CHECK_ROWS } from "./rows/spoof-check.ts";
import { VERSION_ROWS } from "./rows/version.ts";

export const TABLE: { readonly [subject: string]: readonly Row[] } = {
  link: LINK_ROWS,
  port: PORT_ROWS,
  gateway: GATEWAY_ROWS,
  address: ADDRESS_ROWS,
  "foreign IPAM": FOREIGN_IPAM_ROWS,
  route: ROUTE_ROWS,
  masquerade: MASQUERADE_ROWS,
  "MAC spoof check": SPOOF_CHECK_ROWS,
  "routed pair": PTP_ROWS,
  request: REQUEST_ROWS,
  version: VERSION_ROWS,
  reading: READING_ROWS,
  "bad value": BAD_VALUE_ROWS,
};
