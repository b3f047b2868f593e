import { describe, expect, it } from '@jest/globals';

import { InCallOrder } from './in-call-order.js';

describe('InCallOrder', () => {
  it('begins work of a key when what was asked for before has ended', async () => {
    const order = new InCallOrder();
    const log: string[] = [];
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });

    const runs = [
      order.run('key', () => finished.then(() => void log.push('first'))),
      order.run('key', async () => void log.push('second')),
    ];
    finish();
    await Promise.all(runs);

    expect(log).toEqual(['first', 'second']);
  });

  it('does not hold up other keys', async () => {
    const order = new InCallOrder();
    const never = new Promise<void>(() => {});
    void order.run('key', () => never);

    expect(await order.run('other', async () => 'done')).toBe('done');
  });

  it('goes on after work that failed, which only its own caller hears of', async () => {
    const order = new InCallOrder();
    const failed = order.run('key', () => Promise.reject(new Error('no')));
    const next = order.run('key', async () => 'done');

    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe('done');
  });
});
