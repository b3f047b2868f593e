import { Client } from 'undici';

import { handle } from '../processes/handlers.js';
import { percentile } from '../statistics.js';
import { exchange } from './exchange.js';
import { NOBODY } from './no-sessions.module.js';

export interface SignInInput {
  readonly url: string;
  readonly sessions: number;
}

export interface LoadInput {
  readonly url: string;
  readonly connections: number;
  readonly durationMs: number;
}

export interface LoadReport {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of this process, in microseconds. */
  readonly cpuUs: number;
}

/** A session, and what `GET /me` must say of it. */
interface SignedIn {
  readonly cookie: string;
  readonly body: string;
}

const SIGN_INS_AT_ONCE = 32;
/** How many requests of one client follow each other, as those of a page and what it loads do. */
const REQUESTS_OF_A_VISIT = 10;
/** What a client has that never got a cookie: as much to send as the others. */
const STRAY_COOKIE = `id=${'x'.repeat(82)}`;

const signedIn = new Map<string, readonly SignedIn[]>();

handle({ signIn, load });

/** Signs users in through the application, as browsers would. */
async function signIn({ url, sessions }: SignInInput): Promise<void> {
  const users = Array.from(
    { length: sessions },
    (_, index) => `user-${String(index + 1).padStart(5, '0')}`,
  );
  const all: SignedIn[] = [];
  const lanes = Array.from({ length: SIGN_INS_AT_ONCE }, async () => {
    const client = new Client(url, { pipelining: 1 });
    for (let user = users.pop(); user !== undefined; user = users.pop()) {
      const { status, cookie } = await exchange(client, 'POST', `/login/${user}`, null);
      if (status !== 201) throw new Error(`Expected a sign-in to answer 201, got ${status}.`);
      const userId = cookie === null ? NOBODY : user;
      all.push({ cookie: cookie ?? STRAY_COOKIE, body: JSON.stringify({ userId }) });
    }
    await client.close();
  });
  await Promise.all(lanes);
  signedIn.set(url, all);
}

/** Keeps every connection busy with one request after another. The sessions take turns, each for one visit. */
async function load({ url, connections, durationMs }: LoadInput): Promise<LoadReport> {
  const sessions = signedIn.get(url) ?? [];
  const latencies: number[] = [];
  const before = process.cpuUsage();
  const start = performance.now();
  const end = start + durationMs;
  const lanes = Array.from({ length: connections }, async (_, lane) => {
    const client = new Client(url, { pipelining: 1 });
    for (let sent = 0; performance.now() < end; sent += 1) {
      const visit = lane + Math.floor(sent / REQUESTS_OF_A_VISIT) * connections;
      const { cookie, body } = sessions[visit % sessions.length] as SignedIn;
      const sentAt = performance.now();
      const reply = await exchange(client, 'GET', '/me', cookie);
      latencies.push(performance.now() - sentAt);
      if (reply.status !== 200 || reply.body !== body) {
        throw new Error(`Expected 200 and ${body}, got ${reply.status} and ${reply.body}.`);
      }
    }
    await client.close();
  });
  await Promise.all(lanes);
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return {
    requests: latencies.length,
    elapsedMs,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    cpuUs: user + system,
  };
}
