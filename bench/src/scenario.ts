import type { Servers } from './servers/servers.js';

/** How much of a scenario is measured. */
export interface Settings {
  /** A run of seconds, to see that everything works. Its numbers mean nothing. */
  readonly quick: boolean;
  /** How often everything is measured, in turn. */
  readonly repetitions: number;
  /** How long one measurement lasts, where time decides. */
  readonly seconds: number;
  /** After how many requests a process is looked at, where that is measured. */
  readonly requests: number;
  /** How many rows a table has, where that is what is measured; `null` for what the scenario says. */
  readonly rows: number | null;
  /** Parts of names of the variants to measure; all of them where it is empty. */
  readonly only: readonly string[];
}

export interface Run {
  readonly settings: Settings;
  readonly servers: Servers;
  /** One line about what is going on. */
  say(line: string): void;
}

/** What was measured, as the result file keeps it: plain JSON. */
export type Sample = Readonly<Record<string, string | number | boolean | null>>;

export type ServerName = 'postgres' | 'mariadb' | 'redis';

/** One question, and how it is answered. */
export interface Scenario {
  readonly name: string;
  /** What it measures, in one line. */
  readonly about: string;
  /** Without one of these there is nothing to measure. */
  readonly needs: readonly ServerName[];
  /** Every measurement, none left out. Wrong answers reject: fast and wrong counts for nothing. */
  run(run: Run): Promise<readonly Sample[]>;
  /** The tables for the docs, in Markdown. */
  render(samples: readonly Sample[]): string;
}

/** Whether a variant is to be measured. */
export function isWanted({ only }: Settings, name: string): boolean {
  return only.length === 0 || only.some((part) => name.includes(part));
}
