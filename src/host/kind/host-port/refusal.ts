// The meaning of a refused host port.
import { CniError } from "../../../cni/error.ts";
import { explain } from "../../../failure/failure.ts";
import { formatAddress } from "../../../ip/address.ts";
import type { HostPorts } from "../../../nft/port-attachment.ts";
import { claimText } from "../../../nft/port-mapping.ts";
import type { HostPortStep } from "../../../plan/step.ts";
import { hostPortsOf } from "../../../ruleset/host-port.ts";
import { errnoOf, SystemError } from "../../../sys/errno.ts";
import { modulesHint } from "../../rules-hint.ts";

/** Runs `action`; a SystemError from it becomes a CniError about these host ports. */
export function explaining(step: HostPortStep, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw explainRefusal(hostPortsOf(step), error);
  }
}

function explainRefusal(wanted: HostPorts, error: SystemError): CniError {
  if (error.errno === errnoOf("EADDRINUSE")) {
    return new CniError(
      "hostPort",
      {
        about: `it belongs to ${error.kernelText}`,
        attempted: `Tried to ${error.operation}`,
        hint: "Choose another host port, or take the attachment that has it away first",
      },
      { cause: error },
    );
  }
  if (error.errno === errnoOf("EBUSY") && error.kernelText !== "") {
    return new CniError(
      "hostPort",
      {
        about: `markMasqBit ${wanted.markBit}`,
        attempted: `Tried to ${error.operation}`,
        cause: error.kernelText,
        hint: "Give all networks of this node the same markMasqBit",
      },
      { cause: error },
    );
  }
  const about = wanted.mappings
    .map((mapping) => `${claimText(mapping)} for ${formatAddress(mapping.target)}`)
    .slice(0, 3)
    .join(", ");
  return explain("rules", `leading ${about} to the pod`, error, rulesHint(error));
}

function rulesHint(error: SystemError): string | undefined {
  return modulesHint(
    error,
    "nfnetlink, nf_tables, nft_chain_nat, nft_nat, nft_masq, nft_ct and nft_fib_inet",
  );
}
