import type { DataSource } from 'typeorm';

import type { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { ActiveSession } from '../../libs/session/src/core/session-resolution.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import { Account } from './account.entity.js';

/** What a process that is to die works with, and on whose session. */
export interface CrashScene {
  readonly events: SessionEvents;
  readonly store: SessionStore;
  readonly sessions: SessionService;
  readonly dataSource: DataSource;
  readonly userId: string;
  readonly token: string;
}

/** A place at which a process dies. */
interface CrashPointPlan {
  readonly role: 'web' | 'worker';
  /** Before the process begins to work: waits there with a knife. */
  arm?(scene: CrashScene): void | Promise<void>;
  /** The request that is under way. */
  act?(scene: CrashScene): Promise<unknown>;
}

/** How many sessions a user has whose sessions end together. */
export const SESSION_COUNT = 3;

const NO_CLIENT = { ip: null, userAgent: null };

/** Nothing after this runs: no `finally`, no rollback, no listener. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function dieBefore({ dataSource }: CrashScene, statement: RegExp): void {
  const beforeQuery = ({ query }: { query: string }): void => {
    if (statement.test(query)) die();
  };
  dataSource.subscribers.push({ beforeQuery });
}

function dieAfter({ dataSource }: CrashScene, statement: RegExp): void {
  const afterQuery = ({ query }: { query: string }): void => {
    if (statement.test(query)) die();
  };
  dataSource.subscribers.push({ afterQuery });
}

async function dieWhenDone(work: Promise<unknown>): Promise<never> {
  await work;
  die();
  throw new Error('Expected to be dead');
}

async function changePassword({ dataSource, userId }: CrashScene, andThen = () => {}) {
  await dataSource.transaction(async (manager) => {
    const account = await manager.findOneByOrFail(Account, { id: userId });
    await manager.save(Object.assign(account, { passwordHash: 'new' }));
    andThen();
  });
}

async function resolved({ sessions, token }: CrashScene): Promise<ActiveSession> {
  const resolution = await sessions.resolve(token);
  if (resolution.status === 'active') return resolution;
  throw new Error(`Expected active, got ${resolution.status}`);
}

async function rotate(scene: CrashScene): Promise<unknown> {
  return scene.sessions.commit({
    current: await resolved(scene),
    client: NO_CLIENT,
    data: null,
    updates: [],
    signIn: null,
    rotation: 'due',
    expiry: {},
    authenticated: null,
  });
}

const UPDATE_SESSIONS = /^\s*update\b.*\bsessions\b/is;
const DELETE_SESSIONS = /\bdelete (s )?from \S*sessions\b/i;
const MARK_SWEPT = /\bupdate \S*session_principals\b/i;

export const CRASH_POINTS = {
  'before the commit of a password change': {
    role: 'web',
    act: (scene) => changePassword(scene, die),
  },
  'after the commit of a password change': {
    role: 'web',
    arm: ({ events }) => void events.on('principal:revoked', die),
    act: (scene) => changePassword(scene),
  },
  'after the job is enqueued': {
    role: 'web',
    async arm() {
      const { Queue } = await import('bullmq');
      const addBulk = Queue.prototype.addBulk;
      Queue.prototype.addBulk = function addThenDie(jobs) {
        return dieWhenDone(addBulk.call(this, jobs));
      };
    },
    async act(scene) {
      await changePassword(scene);
      await new Promise(() => {});
    },
  },
  'after announcing, before the marks are committed': {
    role: 'worker',
    arm({ events }) {
      let announced = 0;
      events.on('session:revoked', () => {
        announced += 1;
        if (announced === SESSION_COUNT) die();
      });
    },
  },
  'after the marks are committed': {
    role: 'worker',
    arm: (scene) => dieBefore(scene, MARK_SWEPT),
  },
  'in the middle of a purge': {
    role: 'worker',
    arm: (scene) => dieAfter(scene, DELETE_SESSIONS),
  },
  'after a purge was committed, before its events': {
    role: 'worker',
    arm({ store }) {
      const purgeBatch = store.purgeBatch.bind(store);
      store.purgeBatch = (...of) => dieWhenDone(purgeBatch(...of));
    },
  },
  'after a session was revoked, before its event': {
    role: 'web',
    arm({ store }) {
      const revoke = store.revoke.bind(store);
      store.revoke = (...of) => dieWhenDone(revoke(...of));
    },
    async act(scene) {
      await scene.sessions.revoke((await resolved(scene)).record.session.id);
    },
  },
  'as touches are written': {
    role: 'web',
    async act(scene) {
      const session = await resolved(scene);
      dieBefore(scene, UPDATE_SESSIONS);
      scene.sessions.touch(session, { ip: '192.0.2.1', userAgent: null });
      await scene.sessions.flushTouches();
    },
  },
  'before a rotation is committed': {
    role: 'web',
    arm: (scene) => dieBefore(scene, UPDATE_SESSIONS),
    act: rotate,
  },
  'after a rotation is committed': {
    role: 'web',
    arm({ store }) {
      const update = store.update.bind(store);
      store.update = (...of) => dieWhenDone(update(...of));
    },
    act: rotate,
  },
} as const satisfies Record<string, CrashPointPlan>;

export type CrashPoint = keyof typeof CRASH_POINTS;

export const planOf = (point: CrashPoint): CrashPointPlan => CRASH_POINTS[point];
