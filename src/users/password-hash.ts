import { argon2id, hash, needsRehash, verify } from 'argon2';

/** Argon2id with the least cost that OWASP's Password Storage Cheat Sheet accepts. */
const COST = { type: argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

let hashOfNobody: Promise<string> | undefined;

export function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

/**
 * Whether the password belongs to the stored hash. Without one it takes as long and says no, so that the time of an answer
 * does not tell which accounts exist.
 */
export async function verifyPassword(
  stored: string | undefined,
  password: string,
): Promise<boolean> {
  hashOfNobody ??= hashPassword('nobody');
  const matches = await verify(stored ?? (await hashOfNobody), password);
  return matches && stored !== undefined;
}

/** Whether the hash was made with another cost than that of today. */
export function isOutdated(stored: string): boolean {
  return needsRehash(stored, COST);
}
