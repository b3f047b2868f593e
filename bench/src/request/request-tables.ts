import { figure, table } from '../markdown.js';
import { middleOf, ratioOf } from '../repetitions.js';
import type { Sample } from '../scenario.js';
import { grouped } from '../statistics.js';
import { variants, type Adapter } from './variants.js';

const HEADS = [
  'requests/s',
  'of no sessions',
  'p50 ms',
  'p99 ms',
  'CPU µs',
  'statements',
  'Redis commands',
  'WAL bytes',
];

/** One table for each platform and number of connections. Medians; ratios within each repetition first. */
export function renderRequests(samples: readonly Sample[]): string {
  const tables = grouped(samples, ({ variant, connections }) =>
    [adapterOf(variant), connections].join(', '),
  );
  return [...tables]
    .toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([title, measured]) => {
      const heads = [`${title} connections`, ...HEADS];
      return table(heads, rowsOf(measured));
    })
    .join('\n\n');
}

function rowsOf(samples: readonly Sample[]): string[][] {
  const byVariant = grouped(samples, ({ variant }) => String(variant));
  return variants
    .filter(({ name }) => byVariant.has(name))
    .map(({ name, label, adapter }) => {
      const own = byVariant.get(name) ?? [];
      const of = (key: string): string => figure(middleOf(own, key));
      return [
        label,
        of('requestsPerSecond'),
        figure(ratioOf(own, byVariant.get(`${adapter}/none`) ?? [], 'requestsPerSecond')),
        of('p50Ms'),
        of('p99Ms'),
        of('cpuUsPerRequest'),
        of('statementsPerRequest'),
        of('redisCommandsPerRequest'),
        of('walBytesPerRequest'),
      ];
    });
}

function adapterOf(variant: Sample[string] | undefined): Adapter {
  return String(variant).startsWith('express') ? 'express' : 'fastify';
}
