// The attachments that a person asks for by a word.
import { hostEndOf } from "../attachment/link.ts";
import { meantBy } from "../attachment/word.ts";
import type { Survey, SurveyedAttachment } from "../survey/survey.ts";
import { nameOf } from "./finding.ts";

/**
 * The attachments that a word means: those of a network, a pod by its name with or without its Kubernetes
 * namespace, a container by its id or the beginning of it, an address, an interface of the node, or a host
 * port such as `8080`, `:8080` or `8080/udp`. None where nothing is meant.
 */
export function attachmentsMeant({ attachments }: Survey, word: string): SurveyedAttachment[] {
  return meantBy(word, attachments, {
    calledOf(one) {
      const { key, link, namespace, addresses, hostPorts } = one.attachment;
      return {
        pod: nameOf(one),
        names: [key.network, hostEndOf(link)?.name],
        namespace: namespace.path,
        containerId: key.containerId,
        addresses: addresses.map(({ address }) => address.address),
        ports: hostPorts?.mappings ?? [],
      };
    },
    hasParts: true,
  });
}
