// Certificates for a simulated API server, made by openssl: a CA, and a server that it vouches for.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toolPath } from "./tool.ts";

/** A server's key and certificate, and the CA that vouches for it. All PEM. */
export interface ServerCertificate {
  key: string;
  cert: string;
  ca: string;
}

/** Makes a new CA and a certificate of it for these addresses. */
export function makeCertificate(addresses: readonly string[]): ServerCertificate {
  const folder = mkdtempSync(join(tmpdir(), "kube-certificate-"));
  try {
    return makeIn(folder, addresses);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function makeIn(folder: string, addresses: readonly string[]): ServerCertificate {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync(toolPath("openssl"), args, { stdio: "pipe" });
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    ...["req", "-x509", ...newKey, "-days", "2", "-subj", "/CN=test CA"],
    ...["-keyout", file("ca.key"), "-out", file("ca.crt")],
  );
  openssl(
    ...["req", ...newKey, "-subj", "/CN=kube-apiserver"],
    ...["-keyout", file("server.key"), "-out", file("server.csr")],
  );
  writeFileSync(file("names"), `subjectAltName=${addresses.map((each) => `IP:${each}`).join(",")}\n`);
  openssl(
    ...["x509", "-req", "-in", file("server.csr"), "-CA", file("ca.crt"), "-CAkey", file("ca.key")],
    ...["-CAcreateserial", "-days", "2", "-extfile", file("names"), "-out", file("server.crt")],
  );
  const read = (name: string): string => readFileSync(file(name), "utf8");
  return { key: read("server.key"), cert: read("server.crt"), ca: read("ca.crt") };
}
