// Host's ends that are taken down, so that no frame of their pod passes while its rules go.
import { attempt } from "../failure/failure.ts";
import { changeLinkMessage } from "../net/link-change.ts";
import { isErrno } from "../sys/errno.ts";
import type { Node } from "./node.ts";

/** Takes the host's end of that name down; none where it is gone. Throws CniError. */
export function shutPort(name: string, node: Node): void {
  attempt("cleanup", name, () => {
    const message = changeLinkMessage({ name }, { up: false }, `take interface ${name} down`);
    const [outcome] = node.links.transact([message]);
    if (outcome?.error !== undefined && !isErrno(outcome.error, "ENODEV")) throw outcome.error;
  });
}
