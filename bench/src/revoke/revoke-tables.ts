import { figure, table } from '../markdown.js';
import { middleOf, ratioOf } from '../repetitions.js';
import type { Sample } from '../scenario.js';
import { grouped, percentile } from '../statistics.js';

const LABELS: Readonly<Record<string, string>> = {
  strict: 'every request checked in the database',
  cache: 'local cache, Redis',
  'cache-cut': 'local cache, Redis that has fallen silent',
};

/** Medians; ratios within each repetition first. Refusals are over all trials. */
export function renderRevocations(samples: readonly Sample[]): string {
  return [renderTimes(samples), renderRefusals(samples)].join('\n\n');
}

function renderTimes(samples: readonly Sample[]): string {
  const revocations = samples.filter(({ measure }) => measure === 'revoke');
  const sizes = grouped(revocations, ({ sessions }) => String(sessions));
  const base = sizes.get('1') ?? [];
  const rows = [...sizes]
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([sessions, own]) => [
      Number(sessions).toLocaleString('en-US'),
      figure(middleOf(own, 'p50Ms')),
      figure(ratioOf(own, base, 'p50Ms')),
      figure(middleOf(own, 'p99Ms')),
      figure(middleOf(own, 'deleteMs')),
    ]);
  const heads = ['p50 ms', 'of one session', 'p99 ms', 'DELETE of the rows instead, ms'];
  return table(['sessions of the user', ...heads], rows);
}

function renderRefusals(samples: readonly Sample[]): string {
  const refusals = samples.filter(({ measure }) => measure === 'refusal');
  const rows = [...grouped(refusals, ({ way }) => String(way))].map(([way, own]) => {
    const delays = own.map(({ delayMs }) => Number(delayMs));
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => figure(percentile(delays, share)));
    return [LABELS[way] ?? way, String(own.length), p50 ?? '', p99 ?? '', most ?? ''];
  });
  const heads = ['trials', 'p50 ms', 'p99 ms', 'longest ms'];
  return table(['accepted elsewhere after the end', ...heads], rows);
}
