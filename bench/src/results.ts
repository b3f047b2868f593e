import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { describeMachine, describeVersions } from './machine.js';
import type { Sample, Scenario, Settings } from './scenario.js';
import type { Servers } from './servers/servers.js';

const directory = join(import.meta.dirname, '../results');

/** A result file: what was measured, where, and with what. */
export interface Result {
  readonly scenario: string;
  readonly date: string;
  readonly settings: Settings;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
}

/** Replaces the result of the scenario. @returns the path of the file, from where the bench runs */
export async function writeResult(
  { name }: Scenario,
  servers: Servers,
  settings: Settings,
  samples: readonly Sample[],
): Promise<string> {
  const result: Result = {
    scenario: name,
    date: new Date().toISOString().slice(0, 10),
    settings,
    machine: describeMachine(),
    versions: await describeVersions(servers),
    samples,
  };
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${name}.json`);
  await writeFile(path, `${formatResult(result)}\n`);
  return relative(process.cwd(), path);
}

/** `undefined` where the scenario has not been measured yet. */
export async function readResult({ name }: Scenario): Promise<Result | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, `${name}.json`), 'utf8')) as Result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** One line for each sample, so that a run can be compared with the last. */
function formatResult({ samples, ...rest }: Result): string {
  const head = JSON.stringify(rest, null, 2).slice(0, -2);
  const lines = samples.map((sample) => `    ${JSON.stringify(sample)}`);
  return `${head},\n  "samples": [\n${lines.join(',\n')}\n  ]\n}`;
}
