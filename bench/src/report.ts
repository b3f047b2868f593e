import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readResult, type Result } from './results.js';
import type { Scenario } from './scenario.js';

const PAGE = join(import.meta.dirname, '../../docs/performance.md');

/** Writes the tables of docs/performance.md from the result files. */
export async function writeReport(scenarios: readonly Scenario[]): Promise<void> {
  const text = await readFile(PAGE, 'utf8');
  await writeFile(PAGE, await rendered(text, scenarios));
  console.log('docs/performance.md is rendered.');
}

/** @throws where the tables of docs/performance.md are not those of the result files */
export async function checkReport(scenarios: readonly Scenario[]): Promise<void> {
  const text = await readFile(PAGE, 'utf8');
  if (text === (await rendered(text, scenarios))) return;
  throw new Error(
    'Expected the tables of docs/performance.md to be those of bench/results, got others. Run `npm run bench -- report`.',
  );
}

/** `text` with the table of each scenario between its two marks. */
async function rendered(text: string, scenarios: readonly Scenario[]): Promise<string> {
  let page = text;
  for (const scenario of scenarios) {
    const [start, end] = [`<!-- bench:${scenario.name} -->`, `<!-- /bench:${scenario.name} -->`];
    const [from, to] = [page.indexOf(start), page.indexOf(end)];
    if (from < 0 || to < from) {
      throw new Error(
        `Expected docs/performance.md to hold ${start} and ${end}, got a page without.`,
      );
    }
    const result = await readResult(scenario);
    const tables = result === undefined ? 'Not measured yet.' : tablesOf(scenario, result);
    page = `${page.slice(0, from + start.length)}\n\n${tables}\n\n${page.slice(to)}`;
  }
  return page;
}

function tablesOf(scenario: Scenario, result: Result): string {
  const { machine, versions, settings, date } = result;
  const servers = ['postgres', 'mariadb', 'redis']
    .filter((name) => versions[name] !== undefined)
    .map((name) => `${name} ${versions[name]}`);
  const software = [`node ${versions['node']}`, ...servers].join(', ');
  const hardware = `${machine['cpu']}, ${machine['cores']} cores, ${machine['memoryGiB']} GiB`;
  const file = `../bench/results/${scenario.name}.json`;
  const source = `${date}, ${hardware}, ${software}; ${settings.repetitions} repetitions; raw: [${scenario.name}.json](${file})`;
  return `${scenario.render(result.samples)}\n\n<sub>${source}</sub>`;
}
