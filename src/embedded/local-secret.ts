import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/** Reads the secret in that file, or makes one of 32 random bytes and keeps it there, for the owner's eyes only. */
export async function localSecret(path: string): Promise<string> {
  try {
    const secret = randomBytes(32).toString('base64url');
    await writeFile(path, secret, { mode: 0o600, flag: 'wx' });
    return secret;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      return readFile(path, 'utf8');
    }
    throw error;
  }
}
