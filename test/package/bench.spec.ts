import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** `npm run bench`, without what it measures: no server, and none of the packages of its own. */
const bench = (...args: string[]) =>
  run(process.execPath, ['bench/run.mjs', '--no-build', ...args], { cwd: root });

describe('npm run bench', () => {
  beforeAll(async () => {
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'bench'], { cwd: root });
  }, 120_000);

  it('lists its scenarios', async () => {
    const { stdout } = await bench('--list');
    const names = stdout.split('\n').map((line) => line.split(' ')[0]);
    expect(names).toEqual(
      expect.arrayContaining(['request', 'resolve', 'touch', 'revoke', 'footprint', 'purge']),
    );
  });

  it('refuses arguments that it cannot mean', async () => {
    await expect(bench('--list', '--repetitions', '0')).rejects.toThrow('Expected --repetitions');
    await expect(bench('--list', '--nonsense')).rejects.toThrow('--nonsense');
  });

  it('renders the tables of docs/performance.md from the result files', async () => {
    await expect(bench('report', '--check')).resolves.toBeDefined();
  });

  it('locks its packages without the address of a registry', async () => {
    const lock = JSON.parse(await readFile(join(root, 'bench/package-lock.json'), 'utf8')) as {
      packages: Record<string, { resolved?: string }>;
    };
    const resolved = Object.values(lock.packages).flatMap(({ resolved: from }) => from ?? []);
    expect(resolved).toEqual(['../libs/session']);
  });
});
