import type { ValueTransformer } from 'typeorm';

/** A point or span of time as bigint milliseconds. Drivers return bigint as text, which a number of milliseconds never needs. */
export const milliseconds: ValueTransformer = {
  to: (value: number | null | undefined) => value,
  from: (value: string | number | null) => (value === null ? null : Number(value)),
};

/** A list of short words as JSON text. */
export const words: ValueTransformer = {
  to: (value: readonly string[] | null | undefined) => (value ? JSON.stringify(value) : value),
  from: (value: string | null): string[] | null =>
    value === null ? null : (JSON.parse(value) as string[]),
};
