import { figure, table } from '../markdown.js';
import type { Sample } from '../scenario.js';
import { grouped, median } from '../statistics.js';
import type { ForegroundReport } from './foreground.js';
import type { Batch } from './purge.process.js';
import { ways } from './ways.js';

const HEADS = [
  'rows/s',
  'of the limit',
  'slowest statement ms',
  'last quarter, of the first',
  'resolve p99 ms',
  'of idle',
  'login p99 ms',
  'of idle',
];

const NAMES = { postgres: 'PostgreSQL', mariadb: 'MariaDB', sqlite: 'SQLite' };

interface Measured {
  readonly batches: readonly Batch[];
  readonly elapsedMs: number;
  readonly idle: ForegroundReport;
  readonly meanwhile: ForegroundReport;
}

export function sampleOf({ batches, elapsedMs, idle, meanwhile }: Measured) {
  const deleted = rowsOf(batches);
  const quarter = Math.ceil(batches.length / 4);
  return {
    deleted,
    elapsedMs,
    rowsPerSecond: (deleted * 1000) / elapsedMs,
    batches: batches.length,
    slowestMs: Math.max(...batches.map((batch) => batch.elapsedMs)),
    /** Time per row in the last quarter of the statements, in terms of that in the first. */
    lastOfFirstQuarter:
      batches.length < 8
        ? null
        : msPerRow(batches.slice(-quarter)) / msPerRow(batches.slice(0, quarter)),
    idleResolveP99Ms: idle.resolveP99Ms,
    resolveP99Ms: meanwhile.resolveP99Ms,
    idleLoginP99Ms: idle.loginP99Ms,
    loginP99Ms: meanwhile.loginP99Ms,
    resolves: meanwhile.resolves,
    logins: meanwhile.logins,
  };
}

function msPerRow(batches: readonly Batch[]): number {
  return batches.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0) / rowsOf(batches);
}

function rowsOf(batches: readonly Batch[]): number {
  return batches.reduce((sum, { rows }) => sum + rows, 0);
}

/** One table for each database. Medians; ratios within each repetition first. */
export function renderPurge(samples: readonly Sample[]): string {
  const tables = grouped(samples, ({ database }) => String(database));
  return [...tables]
    .map(([database, measured]) => {
      const name = NAMES[database as keyof typeof NAMES];
      const [sample] = measured;
      const rows = Number(sample?.['rows']).toLocaleString('en-US');
      return table([`${name}, ${rows} rows`, ...HEADS], lines(measured));
    })
    .join('\n\n');
}

function lines(samples: readonly Sample[]): string[][] {
  const byWay = grouped(samples, ({ way }) => String(way));
  return ways
    .filter(({ name }) => byWay.has(name))
    .map(({ name, label, share }) => {
      const limit = ways.find((way) => way.isLimit && way.share === share)?.name ?? '';
      const own = byWay.get(name) ?? [];
      const of = (key: string): string =>
        figure(median(own.map((sample) => Number(sample[key] ?? Number.NaN))));
      const over = (key: string, base: string): string =>
        figure(median(own.map((sample) => Number(sample[key]) / Number(sample[base]))));
      return [
        label,
        of('rowsPerSecond'),
        figure(ofTheLimit(own, byWay.get(limit) ?? [])),
        of('slowestMs'),
        of('lastOfFirstQuarter'),
        of('resolveP99Ms'),
        over('resolveP99Ms', 'idleResolveP99Ms'),
        of('loginP99Ms'),
        over('loginP99Ms', 'idleLoginP99Ms'),
      ];
    });
}

/** Rows per second in terms of one unbounded DELETE of as many rows: the median over the repetitions. */
function ofTheLimit(samples: readonly Sample[], limit: readonly Sample[]): number {
  const ofRepetition = new Map(
    limit.map(({ repetition, rowsPerSecond }) => [repetition, Number(rowsPerSecond)]),
  );
  return median(
    samples.map(
      ({ repetition, rowsPerSecond }) =>
        Number(rowsPerSecond) / (ofRepetition.get(repetition ?? null) ?? Number.NaN),
    ),
  );
}
