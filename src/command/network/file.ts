// A network configuration in a file that a person names.
import { CniError } from "../../cni/error.ts";
import { errnoName, isErrno, SystemError } from "../../sys/errno.ts";
import { O_RDONLY, openFile } from "../../sys/file.ts";
import { readAll } from "../../sys/stream.ts";

/** The bytes of a file. Throws CniError 5 when it cannot be read. */
export function readConfigFile(path: string): Uint8Array {
  try {
    using file = openFile(path, O_RDONLY);
    return readAll(file.fd, path);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const reason = isErrno(error, "ENOENT") ? "there is no such file" : errnoName(error.errno);
    throw new CniError("ioFailure", { message: `${path} cannot be read: ${reason}` });
  }
}
