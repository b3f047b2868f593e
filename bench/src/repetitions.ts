import type { Sample } from './scenario.js';
import { median } from './statistics.js';

/** What was measured under `key`: the median over the repetitions. */
export function middleOf(samples: readonly Sample[], key: string): number {
  return median(samples.map((sample) => Number(sample[key])));
}

/** The same in terms of what `base` has: the median of the ratios within each repetition. */
export function ratioOf(samples: readonly Sample[], base: readonly Sample[], key: string): number {
  const ofRepetition = new Map(base.map((sample) => [sample['repetition'], Number(sample[key])]));
  return median(
    samples.map(
      (sample) => Number(sample[key]) / (ofRepetition.get(sample['repetition']) ?? Number.NaN),
    ),
  );
}
