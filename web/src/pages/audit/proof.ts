/** That an entry is in the signed log, worked out here: the server's word is not taken for it (RFC 9162, 2.1.3). */

export interface Head {
  size: number;
  root: string;
  at: string;
  key: string;
  signature: string;
  origin: string;
  public: string;
}

export interface Proof {
  origin: string;
  index: number;
  record: string;
  proof: string[];
  head: Omit<Head, "origin" | "public">;
}

export type Verdict = "right" | "unsigned" | "wrong";

type Bytes = Uint8Array<ArrayBuffer>;

const bytesOf = (hex: string): Bytes => new Uint8Array((hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16)));
const hexOf = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function hash(prefix: number, ...parts: Bytes[]): Promise<Bytes> {
  const whole = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
  whole[0] = prefix;
  let at = 1;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/** The root that a leaf, its place and the hashes beside its way lead to. */
async function rootOf({ index, record, proof, head }: Proof): Promise<string | null> {
  let node = index;
  let last = head.size - 1;
  let found = await hash(0, new TextEncoder().encode(record));
  if (index >= head.size) return null;
  for (const step of proof) {
    if (last === 0) return null;
    const beside = bytesOf(step);
    if (node % 2 === 1 || node === last) {
      found = await hash(1, beside, found);
      while (node % 2 === 0 && node !== 0) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
    } else found = await hash(1, found, beside);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hexOf(found) : null;
}

async function signed(proof: Proof, publicKey: string): Promise<boolean | null> {
  const { head, origin } = proof;
  const text = `zhicheng-audit-v1\n${origin}\n${head.size}\n${head.root}\n${head.at}\n`;
  try {
    const key = await crypto.subtle.importKey("raw", bytesOf(publicKey), "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, bytesOf(head.signature), new TextEncoder().encode(text));
  } catch {
    return null; // the browser knows no Ed25519
  }
}

/** Whether an entry, as it is shown, is in the log that the key signed. */
export async function verdict(proof: Proof, publicKey: string): Promise<Verdict> {
  if ((await rootOf(proof)) !== proof.head.root) return "wrong";
  const found = await signed(proof, publicKey);
  if (found === null) return "unsigned";
  return found ? "right" : "wrong";
}
