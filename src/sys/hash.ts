// The hash of the program, and the one of the reference plugins' names.
//
// Bun.SHA256 gives what Bun.CryptoHasher does in one call instead of three, and is ready sooner (docs/decisions/0004-cold-code.md).

/** SHA-256 of a text as UTF-8, in 64 hexadecimal digits (FIPS 180-4). */
export function sha256(text: string): string {
  return Bun.SHA256.hash(text, "hex");
}

/** SHA-512, in 128 digits: by it the reference plugins name what they make. */
export function sha512(text: string): string {
  return Bun.SHA512.hash(text, "hex");
}
