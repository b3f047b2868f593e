import { figure, table } from '../markdown.js';
import { middleOf, ratioOf } from '../repetitions.js';
import type { Sample } from '../scenario.js';
import { grouped } from '../statistics.js';

const FLUSH_LABELS: Readonly<Record<string, string>> = {
  'flush/curfew': 'Curfew',
  'flush/update-each': 'one UPDATE of the same table each',
  'flush/connect-pg-simple': 'connect-pg-simple',
};

const REQUEST_LABELS: Readonly<Record<string, string>> = {
  'requests/curfew': 'Curfew',
  'requests/connect-pg-simple': 'express-session, connect-pg-simple',
};

/** Medians; ratios within each repetition first. */
export function renderTouches(samples: readonly Sample[]): string {
  return [renderFlushes(samples), renderRequestWrites(samples)].join('\n\n');
}

function renderFlushes(samples: readonly Sample[]): string {
  const byVariant = grouped(samples, ({ variant }) => String(variant));
  const base = byVariant.get('flush/update-each') ?? [];
  const heads = ['touches/s', 'of one each', 'HOT %', 'WAL bytes', 'CPU µs'];
  const rows = [...byVariant]
    .filter(([variant]) => variant in FLUSH_LABELS)
    .map(([variant, own]) => [
      FLUSH_LABELS[variant] ?? '',
      figure(middleOf(own, 'touchesPerSecond')),
      figure(ratioOf(own, base, 'touchesPerSecond')),
      figure(100 * middleOf(own, 'hotShare')),
      figure(middleOf(own, 'walBytesPerTouch')),
      figure(middleOf(own, 'cpuUsPerTouch')),
    ]);
  return table(['touches', ...heads], rows);
}

function renderRequestWrites(samples: readonly Sample[]): string {
  const heads = [
    'statements per 1,000',
    'UPDATEs per 1,000',
    'rows written per 1,000',
    'requests per session and interval',
    'writes per session and interval',
  ];
  const rows = [...grouped(samples, ({ variant }) => String(variant))]
    .filter(([variant]) => variant in REQUEST_LABELS)
    .map(([variant, own]) => [
      REQUEST_LABELS[variant] ?? '',
      figure(middleOf(own, 'statementsPer1000')),
      figure(middleOf(own, 'updatesPer1000')),
      figure(middleOf(own, 'writesPer1000')),
      figure(middleOf(own, 'requestsPerInterval')),
      figure(middleOf(own, 'writesPerInterval')),
    ]);
  return table(['requests', ...heads], rows);
}
