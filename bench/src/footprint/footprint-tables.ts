import { figure, table } from '../markdown.js';
import { middleOf } from '../repetitions.js';
import type { Sample } from '../scenario.js';
import { grouped } from '../statistics.js';

const BOOT_LABELS: Readonly<Record<string, string>> = {
  nest: 'Nest',
  'nest-typeorm': 'Nest, TypeORM with a connection',
  'nest-typeorm-curfew': 'Nest, TypeORM with a connection, Curfew',
};

/** Medians. */
export function renderFootprint(samples: readonly Sample[]): string {
  return [renderBoots(samples), renderCache(samples), renderHeap(samples)].join('\n\n');
}

function renderBoots(samples: readonly Sample[]): string {
  const boots = grouped(of(samples, 'boot'), ({ kind }) => String(kind));
  const rows = Object.entries(BOOT_LABELS).map(([kind, label]) => {
    const own = boots.get(kind) ?? [];
    const rssMb = middleOf(own, 'rssBytes') / 1e6;
    return [
      label,
      figure(middleOf(own, 'loadMs')),
      figure(middleOf(own, 'startMs')),
      figure(rssMb),
    ];
  });
  return table(['start-up', 'load ms', 'start ms', 'memory of the process MB'], rows);
}

function renderCache(samples: readonly Sample[]): string {
  const rows = of(samples, 'cache').map(({ dataLength, bytesPerSession }) => [
    dataLength === 0 ? 'without data' : `with ${figure(Number(dataLength))} characters of data`,
    figure(Number(bytesPerSession)),
  ]);
  return table(['a session in the local cache', 'bytes'], rows);
}

function renderHeap(samples: readonly Sample[]): string {
  const rows = of(samples, 'heap').map(({ requests, heapBytes }) => [
    figure(Number(requests)),
    (Number(heapBytes) / 1e6).toFixed(2),
  ]);
  return table(['after requests', 'heap MB'], rows);
}

function of(samples: readonly Sample[], wanted: string): Sample[] {
  return samples.filter(({ measure }) => measure === wanted);
}
