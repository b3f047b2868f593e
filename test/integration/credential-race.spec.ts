import { setImmediate } from 'node:timers/promises';

import { beforeAll, expect, it, jest } from '@jest/globals';

import { isSessionError } from '../../libs/session/src/core/errors.js';
import type { Member } from '../support/member.entity.js';
import { describeEachDatabase } from '../support/databases.js';
import { openTriggerBench, type TriggerBench } from '../support/trigger-bench.js';

/** How often each race is run, in all. More find rarer orders. */
const RACES = Number(process.env['SESSION_TEST_RACES'] ?? 100);

jest.setTimeout(30_000 + RACES * 200);

/** So many users race at once, each by themselves: a round is mostly spent on waiting for answers. */
const LANES = 4;

const SIGN_INS = 3;

const MAX_TURNS = 20;

/** Of sign-ins some came first and some too late: else there was no race. */
const NO_SURVIVORS = { outcomes: RACES * SIGN_INS, hasBoth: true, survivors: [] };

/** As many connections as the sign-ins and changes of all users, so that none waits for another's. */
const POOL = { poolSize: LANES * (SIGN_INS + 1) };

type Change = (bench: TriggerBench, member: Member, hash: string) => Promise<unknown>;

const save: Change = ({ dataSource }, member, hash) => {
  member.login.passwordHash = hash;
  return dataSource.manager.save(member);
};

const write: Change = ({ dataSource, updateSql }, { key }, hash) =>
  dataSource.query(updateSql(`[login.passwordHash] = '${hash}'`, `[key] = ${key}`));

await describeEachDatabase('a sign-in beside a change of the password', (database) => {
  let withoutTrigger: TriggerBench;
  let withTrigger: TriggerBench;

  beforeAll(async () => {
    // One after the other: the second installs the trigger, and the first must not have it.
    withoutTrigger = await openTriggerBench(database, POOL, false);
  });

  async function race(bench: TriggerBench, change: Change): Promise<unknown> {
    let [issued, refused] = [0, 0];
    const survivors: string[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      const { member, code, id } = await bench.signedIn();
      await bench.sessions.revoke(id);
      let credential = 'old';
      for (let round = next++; round < RACES; round = next++) {
        credential = await raceOnce(member, code, credential, round);
      }
    };
    const raceOnce = async (
      member: Member,
      code: string,
      credential: string,
      round: number,
    ): Promise<string> => {
      const signIn = (): Promise<void> =>
        bench.sessions.issue({ userId: code, credential }).then(
          () => void (issued += 1),
          (error: unknown) => {
            if (!isSessionError(error, 'SESSION_CREDENTIAL_CHANGED')) throw error;
            refused += 1;
          },
        );
      const signIns = (): Promise<unknown> => Promise.all(Array.from({ length: SIGN_INS }, signIn));
      const changes = (): Promise<unknown> => change(bench, member, `hash ${round}`);
      // The one or the other begins, by more and more turns of the event loop.
      const [first, second] = round % 2 === 0 ? [signIns, changes] : [changes, signIns];
      const begun = first();
      for (let turns = (round / 2) % MAX_TURNS; turns > 0; turns -= 1) await setImmediate();
      await Promise.all([begun, second()]);
      survivors.push(...(await bench.liveOf(code)));
      return `hash ${round}`;
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    console.info(`${database.name}: ${RACES} races, ${issued} sign-ins, ${refused} refused`);
    return { outcomes: issued + refused, hasBoth: issued > 0 && refused > 0, survivors };
  }

  it('never lives on the old password when an entity is saved', async () => {
    expect(await race(withoutTrigger, save)).toEqual(NO_SURVIVORS);
  });

  it('never lives on the old password when SQL of the application writes it under the trigger', async () => {
    withTrigger = await openTriggerBench(database, POOL);
    expect(await race(withTrigger, write)).toEqual(NO_SURVIVORS);
  });

  it('never lives on the old password when an entity is saved under the trigger', async () => {
    expect(await race(withTrigger, save)).toEqual(NO_SURVIVORS);
  });
});
