import { beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';

import {
  applyPatch,
  diffData,
  emptyData,
  parseData,
  serializeData,
  type SessionDataRecord,
} from '../../libs/session/src/core/session-data.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import { describeEachDatabase } from '../support/databases.js';
import { newSession } from '../support/new-session.js';
import { openStore } from '../support/session-store.js';

const dataOf = (entries: object): SessionDataRecord => Object.assign(emptyData(), entries);

function isStorable(key: string): boolean {
  try {
    return serializeData(dataOf({ [key]: 1 })) !== null;
  } catch {
    return false;
  }
}

/** Few characters, so that keys meet that differ by case, accent, blank or normal form only. */
const similarKey = fc.string({
  unit: fc.constantFrom(
    ...Array.from('aAéeE \u0301$*.[]0-ßsSıİiI?:@#`%'),
    '\ufeff',
    '\u2028',
    '😀',
  ),
  minLength: 1,
  maxLength: 4,
});
const key = fc
  .oneof(similarKey, fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }))
  .filter(isStorable);
const text = fc
  .string({ unit: 'binary' })
  .filter((some) => some.isWellFormed() && !some.includes('\0'));
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((some) => some + 0);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      text.filter((some) => some !== '__proto__'),
      tie('value'),
      { maxKeys: 3, noNullPrototype: true },
    ),
  ),
}));
const data = fc.dictionary(key, value, { maxKeys: 6 }).map(dataOf);

await describeEachDatabase('data, whatever is in it', (database) => {
  let store: SessionStore;

  beforeAll(async () => {
    ({ store } = await openStore(database));
  });

  it('is in the database what it is after each patch in memory', async () => {
    const property = fc.asyncProperty(
      data,
      fc.array(data, { maxLength: 3 }),
      async (first, next) => {
        const session = newSession({ data: serializeData(first) });
        await store.insert(session);
        let expected = first;
        for (const wanted of next) {
          const [kept] = Object.entries(expected);
          const target = kept === undefined ? wanted : dataOf({ [kept[0]]: kept[1], ...wanted });
          const patch = diffData(expected, target);
          if (patch === undefined) continue;
          expect(await store.update(session.id, { data: patch })).toBe(true);
          expected = applyPatch(expected, patch);
        }
        const record = await store.find(session.id);
        expect({ ...parseData(record?.data ?? null) }).toEqual({ ...expected });
      },
    );
    await expect(fc.assert(property, { numRuns: 300 })).resolves.toBeUndefined();
  }, 60_000);
});
