import { afterAll, beforeAll } from '@jest/globals';

/** Lets the clock of this process, and nothing else, be off by some milliseconds. Right again after the last test. */
export function skewedDate(): { setSkew(ms: number): void } {
  const TrueDate = Date;
  let skewMs = 0;
  class SkewedDate extends TrueDate {
    constructor(...given: []) {
      if (given.length === 0) super(TrueDate.now() + skewMs);
      else super(...given);
    }

    static override now(): number {
      return TrueDate.now() + skewMs;
    }
  }
  beforeAll(() => {
    globalThis.Date = SkewedDate as DateConstructor;
  });
  afterAll(() => {
    globalThis.Date = TrueDate;
  });
  return {
    setSkew(ms) {
      skewMs = ms;
    },
  };
}
