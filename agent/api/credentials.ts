// The ServiceAccount that kubelet mounts: a token that is renewed, and the cluster's CA, which may change.
import { readFile } from "node:fs/promises";
import { ApiError } from "./api-error.ts";

/** What a request needs. */
export interface Credentials {
  token: string;
  /** PEM. */
  ca: string;
}

/**
 * Reads both files anew, so that the next request has what kubelet renewed. Throws ApiError when one is
 * missing or no token.
 */
export async function readCredentials(folder: string): Promise<Credentials> {
  const [token, ca] = await Promise.all([read(`${folder}/token`), read(`${folder}/ca.crt`)]);
  const trimmed = token.trim();
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw new ApiError("credentials", `${folder}/token holds no token`);
  if (!ca.includes("-----BEGIN")) throw new ApiError("credentials", `${folder}/ca.crt holds no certificate`);
  return { token: trimmed, ca };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ApiError(
      "credentials",
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code}); the pod needs a ServiceAccount with its token mounted`,
      { cause: error },
    );
  }
}
