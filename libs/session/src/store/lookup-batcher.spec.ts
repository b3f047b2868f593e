import { describe, expect, it } from '@jest/globals';

import type { SessionRecord } from '../core/session.js';
import { LookupBatcher, MAX_LOOKUPS } from './lookup-batcher.js';

interface Sent {
  readonly ids: readonly string[];
  answer(found: readonly string[]): void;
  fail(error: Error): void;
}

/** A batcher whose statements are answered by hand. */
function batcher() {
  const sent: Sent[] = [];
  let announce = (): void => {};
  const lookups = new LookupBatcher(
    (ids) =>
      new Promise((resolve, reject) => {
        sent.push({
          ids,
          answer: (found) => resolve(new Map(found.map((id) => [id, recordOf(id)]))),
          fail: reject,
        });
        announce();
      }),
  );
  /** The statement of that number, once it was sent. */
  async function statement(number: number): Promise<Sent> {
    for (;;) {
      const found = sent[number];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        announce = resolve;
      });
    }
  }
  return { lookups, sent, statement };
}

const recordOf = (id: string) => ({ tokenHash: id }) as SessionRecord;

describe('LookupBatcher', () => {
  it('puts look-ups of one turn into one statement and gives each its own answer', async () => {
    const { lookups, sent, statement } = batcher();
    const found = Promise.all(['a', 'b', 'missing'].map((id) => lookups.find(id)));
    (await statement(0)).answer(['b', 'a']);
    expect(await found).toEqual([recordOf('a'), recordOf('b'), undefined]);
    expect(sent.map(({ ids }) => ids)).toEqual([['a', 'b', 'missing']]);
  });

  it('asks once for an id that several want', async () => {
    const { lookups, sent, statement } = batcher();
    const found = Promise.all([lookups.find('a'), lookups.find('a'), lookups.find('b')]);
    (await statement(0)).answer(['a']);
    expect(await found).toEqual([recordOf('a'), recordOf('a'), undefined]);
    expect(sent[0]?.ids).toEqual(['a', 'b']);
  });

  it('collects what is asked for while a statement is under way, and sends it when that is answered', async () => {
    const { lookups, sent, statement } = batcher();
    const first = lookups.find('a');
    const underWay = await statement(0);
    const later = Promise.all([lookups.find('a'), lookups.find('b')]);
    underWay.answer(['a']);
    await first;
    expect(sent).toHaveLength(2);
    (await statement(1)).answer([]);
    expect(await later).toEqual([undefined, undefined]);
  });

  it('waits only a moment for a statement that hangs', async () => {
    const { lookups, statement } = batcher();
    void lookups.find('a');
    await statement(0);
    const later = lookups.find('b');
    (await statement(1)).answer(['b']);
    expect(await later).toEqual(recordOf('b'));
  });

  it('sends a full statement at once', () => {
    const { lookups, sent } = batcher();
    for (let count = 0; count < MAX_LOOKUPS * 2 + 1; count += 1) void lookups.find(`id-${count}`);
    expect(sent.map(({ ids }) => ids.length)).toEqual([MAX_LOOKUPS, MAX_LOOKUPS]);
    for (const statement of sent) statement.answer([]);
  });

  it('rejects all look-ups of a statement that fails, and none of the next', async () => {
    const { lookups, statement } = batcher();
    const failing = Promise.allSettled([lookups.find('a'), lookups.find('b')]);
    const broken = await statement(0);
    const next = lookups.find('c');
    broken.fail(new Error('broken'));
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    (await statement(1)).answer(['c']);
    expect(await next).toEqual(recordOf('c'));
  });
});
