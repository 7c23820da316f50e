// MAC addresses as text and as bytes.

/** `aa:bb:cc:dd:ee:ff` as six bytes. */
export function macBytes(mac: string): Uint8Array {
  const bytes = new Uint8Array((mac.length + 1) / 3);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(mac.slice(at * 3, at * 3 + 2), 16);
  return bytes;
}
