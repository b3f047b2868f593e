import { readArguments, USAGE, type Arguments } from './arguments.js';
import { checkReport, writeReport } from './report.js';
import { writeResult } from './results.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { findServers, missingServers, type Servers } from './servers/servers.js';

try {
  await main(readArguments(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
}

async function main({ scenarios: names, list, help, check, settings }: Arguments): Promise<void> {
  if (help) return console.log(USAGE);
  if (list) {
    for (const { name, about } of scenarios) console.log(`${name.padEnd(10)}${about}`);
    return;
  }
  if (names.includes('report')) return check ? checkReport(scenarios) : writeReport(scenarios);

  const chosen = names.length === 0 ? scenarios : names.map(scenarioNamed);
  const servers = await findServers();
  for (const scenario of chosen) {
    const missing = missingServers(servers, scenario.needs);
    if (missing.length > 0) {
      console.error(`\n${scenario.name} is left out. ${missing.join(' ')}`);
      process.exitCode = 1;
      continue;
    }
    await measure(scenario, servers, settings);
  }
}

function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const known = scenarios.map((scenario) => scenario.name).join(', ');
  throw new Error(`Expected one of the scenarios ${known}, got "${name}".`);
}

async function measure(
  scenario: Scenario,
  servers: Servers,
  settings: Arguments['settings'],
): Promise<void> {
  console.log(`\n${scenario.name}: ${scenario.about}`);
  const samples = await scenario.run({
    settings,
    servers,
    say: (line) => console.log(`  ${line}`),
  });
  console.log(`\n${scenario.render(samples)}`);
  // What was measured in part or in a hurry must not take the place of a whole run.
  if (settings.quick || settings.only.length > 0) return;
  console.log(`\nwritten to ${await writeResult(scenario, servers, settings, samples)}`);
}
