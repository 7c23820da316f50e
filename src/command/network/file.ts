// A network configuration in a file that a person names.
import { CniError } from "../../cni/error.ts";
import { unreadable } from "../../failure/failure.ts";
import { SystemError } from "../../sys/errno.ts";
import { O_RDONLY, openFile } from "../../sys/file.ts";
import { readAll } from "../../sys/stream.ts";

/** The bytes of a file. Throws CniError 5 when it cannot be read. */
export function readConfigFile(path: string): Uint8Array {
  try {
    using file = openFile(path, O_RDONLY);
    return readAll(file.fd, path);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw unreadable(path, error);
  }
}

/** The result of `action`; an error that it throws gets the file's name. */
export function inFile<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const message = `${file}: ${error.message}`;
    throw new CniError(error.kind, { ...error.parts, message }, { cause: error });
  }
}
