// What a runtime asks for: one type per verb.
import type { Netconf } from "./config.ts";
import type { Result } from "./result.ts";
import type { TeardownConfig } from "./teardown.ts";

export type Request = AddRequest | CheckRequest | DelRequest | GcRequest | StatusRequest | VersionRequest;

/** Key of everything that belongs to one interface of one container. */
export interface Attachment {
  network: string;
  containerId: string;
  interfaceName: string;
}

/** What ADD, CHECK and DEL have in common. */
interface AttachmentRequest {
  attachment: Attachment;
  /** CNI_NETNS exactly as given; may be empty for DEL. */
  namespacePath: string;
  /** CNI_ARGS, as hints. */
  args: ReadonlyMap<string, string>;
  /** `namespace/name` of a Kubernetes pod, where the runtime said it. */
  pod: string | undefined;
  /** True: the namespace that we run in is a legal CNI_NETNS. */
  allowOwnNamespace: boolean;
  pluginPath: string[];
}

export interface AddRequest extends AttachmentRequest {
  verb: "ADD";
  netconf: Netconf;
}

export interface CheckRequest extends AttachmentRequest {
  verb: "CHECK";
  netconf: Netconf & { prevResult: Result };
}

export interface DelRequest extends AttachmentRequest {
  verb: "DEL";
  config: TeardownConfig;
}

export interface GcRequest {
  verb: "GC";
  config: TeardownConfig;
  /** Everything else of this network is stale. */
  validAttachments: ValidAttachment[];
  /** False: the runtime sent no list, which means that nothing is valid. */
  listGiven: boolean;
  pluginPath: string[];
}

export interface ValidAttachment {
  containerId: string;
  interfaceName: string;
}

export interface StatusRequest {
  verb: "STATUS";
  netconf: Netconf;
  pluginPath: string[];
}

export interface VersionRequest {
  verb: "VERSION";
}
