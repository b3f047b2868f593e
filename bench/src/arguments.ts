import { parseArgs } from 'node:util';

import type { Settings } from './scenario.js';

export interface Arguments {
  readonly scenarios: readonly string[];
  readonly list: boolean;
  readonly help: boolean;
  /** Compare the docs with the result files, and write nothing. */
  readonly check: boolean;
  readonly settings: Settings;
}

export const USAGE = `npm run bench                        every scenario, to bench/results
npm run bench -- request touch       these scenarios
npm run bench -- report              render the tables of docs/performance.md from bench/results
npm run bench -- report --check      say whether they are what the results say

  --quick             everything in seconds; the numbers mean nothing and are not kept
  --repetitions <n>   how often each variant is measured, by turns (5)
  --seconds <n>       how long each measurement lasts (5)
  --requests <n>      after how many requests the heap is looked at (1000000)
  --rows <n>          how many rows a table has, where the scenario is about its size
  --only <a,b>        only the variants whose names hold one of these
  --no-build          the library and the bench as they were built last
  --list              the scenarios

PostgreSQL, MariaDB and Redis are looked for on 127.0.0.1, or at BENCH_POSTGRES_URL, BENCH_MARIADB_URL, BENCH_REDIS_URL.`;

/** @throws an error that names the argument that is wrong */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      repetitions: { type: 'string' },
      seconds: { type: 'string' },
      requests: { type: 'string' },
      rows: { type: 'string' },
      only: { type: 'string', default: '' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
    },
  });
  const { quick, list, help, check, only } = values;
  return {
    scenarios: positionals,
    list,
    help,
    check,
    settings: {
      quick,
      repetitions: positive('repetitions', values.repetitions, quick ? 1 : 5),
      seconds: positive('seconds', values.seconds, quick ? 0.5 : 5),
      requests: positive('requests', values.requests, quick ? 1000 : 1_000_000, 100_000_000),
      rows: values.rows === undefined ? null : positive('rows', values.rows, 0, 100_000_000),
      only: only.split(',').filter((part) => part !== ''),
    },
  };
}

function positive(name: string, given: string | undefined, otherwise: number, most = 1000): number {
  const value = given === undefined ? otherwise : Number(given);
  if (value > 0 && value <= most) return value;
  throw new Error(
    `Expected --${name} to be a number above 0 and up to ${most.toLocaleString('en-US')}, got "${given}".`,
  );
}
