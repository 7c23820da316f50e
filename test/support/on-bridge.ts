// Attachments that are on a bridge, for tests that look at what only those have.
import type { Attachment } from "../../src/attachment/attachment.ts";
import type { BridgePortLink } from "../../src/attachment/link.ts";

/** An attachment whose link is a port of a bridge. */
export type OnBridge = Attachment & { link: BridgePortLink };

/** The attachment, which has to be on a bridge. */
export function onBridge(attachment: Attachment): OnBridge {
  if (attachment.link.kind !== "bridgePort") throw new Error(`The link is a ${attachment.link.kind}.`);
  return { ...attachment, link: attachment.link };
}
