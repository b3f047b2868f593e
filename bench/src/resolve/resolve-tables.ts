import { figure, table } from '../markdown.js';
import { middleOf, ratioOf } from '../repetitions.js';
import type { Sample } from '../scenario.js';
import { grouped } from '../statistics.js';

const HEADS = [
  'p50 ms',
  'of the smallest',
  'p99 ms',
  'of the smallest',
  'resolves/s',
  'whole reads',
];

/** One table for each number of look-ups at once. Medians; ratios within each repetition first. */
export function renderResolves(samples: readonly Sample[]): string {
  return [...grouped(samples, ({ atOnce }) => String(atOnce))]
    .map(([atOnce, measured]) => {
      const title = atOnce === '1' ? 'one after another' : `${atOnce} at once`;
      return table([title, ...HEADS], rowsOf(measured));
    })
    .join('\n\n');
}

function rowsOf(samples: readonly Sample[]): string[][] {
  const sizes = [...grouped(samples, ({ rows }) => String(rows))].toSorted(
    ([a], [b]) => Number(a) - Number(b),
  );
  const base = sizes[0]?.[1] ?? [];
  return sizes.map(([rows, own]) => [
    `${Number(rows).toLocaleString('en-US')} rows, ${figure(middleOf(own, 'bytes') / 1e6)} MB`,
    figure(middleOf(own, 'p50Ms')),
    figure(ratioOf(own, base, 'p50Ms')),
    figure(middleOf(own, 'p99Ms')),
    figure(ratioOf(own, base, 'p99Ms')),
    figure(middleOf(own, 'resolvesPerSecond')),
    figure(middleOf(own, 'sequentialScans')),
  ]);
}
