// Numbers in addresses, read digit by digit.

/** The number in 1 to `longest` digits of a base; undefined for any other text. */
export function parseDigits(text: string, base: 10 | 16, longest: number): number | undefined {
  if (text.length === 0 || text.length > longest) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit >= base) return undefined;
    value = value * base + digit;
  }
  return value;
}

/** The value of an ASCII digit 0-9, a-f, A-F; 16 for anything else. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 16;
}
