import { expect, it } from '@jest/globals';

/** Whether a server may not be skipped: `SESSION_TEST_REQUIRE=postgres,mariadb,sqlite,redis` names it. */
export function isRequired(server: string): boolean {
  return (process.env['SESSION_TEST_REQUIRE'] ?? '').split(',').includes(server);
}

/**
 * For want of a server, says that its tests are skipped, or adds one that fails where `SESSION_TEST_REQUIRE` names it.
 * A test that fails, not an error while loading: after that no hook would stop the servers that were started.
 */
export function absent(server: string): undefined {
  const isMissing = isRequired(server);
  if (!isMissing) console.warn(`SKIPPED: no ${server} server was found.`);
  // One that is skipped, too: Jest fails a file in which there is nothing at all.
  (isMissing ? it : it.skip)('finds the server that SESSION_TEST_REQUIRE names', () => {
    expect({ server: 'none' }).toEqual({ server });
  });
  return undefined;
}
