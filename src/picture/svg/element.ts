// Elements of SVG as text. (SVG 2; XML 1.0, section 2)

/**
 * The attributes of an element; numbers have at most two digits behind the point. Undefined ones are left
 * out.
 */
export type Attributes = { readonly [name: string]: string | number | undefined };

/** An element with its content, which is markup or nothing. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? rounded(value) : escaped(value ?? "")}"`)
    .join("");
  return content === "" ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}

/** The text as content or value of an attribute: no character of it is markup (XML 1.0, 2.4). */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? "");
}

const ENTITIES: { readonly [sign: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
