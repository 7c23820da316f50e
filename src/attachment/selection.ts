// Attachments by the words that people know them by. Pure.
import { type Attachment, addressesOf } from "./attachment.ts";
import { meantBy } from "./word.ts";

/**
 * The attachments that a word names: by the pod (`default/web` or `web`), a host port (`8080`, `8080/udp`),
 * an address, or a container id or its beginning.
 */
export function selectAttachments(attachments: readonly Attachment[], word: string): Attachment[] {
  return meantBy(word, attachments, {
    calledOf: (attachment) => ({
      pod: attachment.pod,
      containerId: attachment.key.containerId,
      addresses: addressesOf(attachment),
      ports: attachment.hostPorts?.mappings ?? [],
    }),
    hasParts: false,
  });
}
