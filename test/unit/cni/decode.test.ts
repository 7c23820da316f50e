import { describe, expect, test } from "vitest";
import { decodeConfig } from "../../../src/cni/decode.ts";
import { NETCONF_KEYS } from "../../../src/cni/netconf-keys.ts";
import { failureOf } from "./failure.ts";

const decode = (text: string, verb = "ADD") => decodeConfig(text, verb, { known: NETCONF_KEYS });

describe("text that is no configuration", () => {
  test.each([
    ["", "unexpected end of JSON input"],
    [" \n", "unexpected end of JSON input"],
    ["{", "unexpected end of JSON input"],
    ['{"name":"a', "unexpected end of JSON input"],
    ['{"name":"a\\', "unexpected end of JSON input"],
    ['{"name":tru', "unexpected end of JSON input"],
    ["[".repeat(100_000), "unexpected end of JSON input"],
    ['{"a":'.repeat(100_000), "unexpected end of JSON input"],
    ["{}\n{}", "invalid character '{' in line 2, column 1"],
    ['{"name":"a"}x', "invalid character 'x' in line 1, column 13"],
    ["\ufeff{}", "invalid character U+FEFF in line 1, column 1"],
    ['{\n  "name": "a",\n}', "invalid character '}' in line 3, column 1"],
    ["{'name':1}", "invalid character ''' in line 1, column 2"],
    ['{"a":[1}', "invalid character '}' in line 1, column 8"],
    ['{"a":1]', "invalid character ']' in line 1, column 7"],
    ['{"a":01}', "invalid character '1' in line 1, column 7"],
    ['{"a":NaN}', "invalid character 'N' in line 1, column 6"],
    ['{"a":"\n"}', "invalid character '\"' in line 1, column 6"],
    ['{"a":"\\ud800"', "unexpected end of JSON input"],
    ["\0", "invalid character U+0000 in line 1, column 1"],
  ])("%.40j has code 6 and says where", (text, reason) => {
    const error = failureOf(() => decode(text));
    expect(error).toMatchObject({ code: 6, msg: `error unmarshall network config: ${reason}` });
    expect(error.details).toContain("Hint: ");
  });

  test.each(["[]", "[{}]", '"x"', "5", "true", "[".repeat(100_000) + "]".repeat(100_000)])(
    "%.20j is JSON but no object: code 6",
    (text) => {
      const error = failureOf(() => decode(text));
      expect(error.code).toBe(6);
      expect(error.msg).toMatch(
        /^error unmarshall network config: json: cannot unmarshal (array|string|number|bool)/,
      );
    },
  );

  test("a text of many megabytes with a broken end has code 6", () => {
    expect(failureOf(() => decode(`{"name":"${"a".repeat(5_000_000)}`)).code).toBe(6);
    expect(failureOf(() => decode(`{"name":"${"\\n".repeat(1_000_000)}"`)).code).toBe(6);
  });
});

describe("network name", () => {
  test.each(["null", "{}", '{"name":null}', '{"name":""}'])("%j has no name", (text) => {
    expect(failureOf(() => decode(text))).toMatchObject({ code: 7, msg: "missing network name" });
  });

  test.each(['{"name":5}', '{"name":true}', '{"name":[]}', '{"name":{}}'])(
    "%j has a name that is no text: code 6",
    (text) => {
      const error = failureOf(() => decode(text));
      expect(error.code).toBe(6);
      expect(error.msg).toMatch(/^error unmarshall network config: /);
    },
  );

  test.each(["../x", ".x", "a/b", "a b", "é", "a\n", "-a"])(
    "the name %j is refused for every verb",
    (name) => {
      for (const verb of ["ADD", "DEL", "CHECK", "GC", "STATUS"]) {
        const text = JSON.stringify({ name, cniVersion: "1.1.0" });
        expect(failureOf(() => decode(text, verb))).toEqual({
          code: 7,
          msg: "invalid characters found in network name",
          details: name,
        });
      }
    },
  );

  test("the name is checked before the version", () => {
    expect(failureOf(() => decode('{"cniVersion":"99.0.0"}')).msg).toBe("missing network name");
    expect(failureOf(() => decode('{"cniVersion":5}', "CHECK")).msg).toBe("missing network name");
  });
});

describe("version", () => {
  test.each(['{"name":"a"}', '{"name":"a","cniVersion":""}', '{"name":"a","cniVersion":null}'])(
    "%j means 0.1.0",
    (text) => {
      expect(decode(text).cniVersion).toBe("0.1.0");
    },
  );

  test.each(["5", "true", "[]", "{}"])("cniVersion %s is no text: code 6", (value) => {
    const error = failureOf(() => decode(`{"name":"a","cniVersion":${value}}`));
    expect(error.code).toBe(6);
    expect(error.msg).toMatch(/^decoding version from network config: /);
  });

  test("a verb that the version does not have is refused here", () => {
    expect(failureOf(() => decode('{"name":"a"}', "CHECK")).msg).toBe("config version does not allow CHECK");
  });
});
