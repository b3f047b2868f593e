import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type { SessionModuleOptions } from 'nestjs-curfew';

import { Child } from '../processes/child.js';
import { isWanted, type Sample, type Settings } from '../scenario.js';
import type { BenchDatabase } from '../servers/postgres.js';
import { Relay } from '../servers/relay.js';
import type { ProbeInput, ProbeReport, SignInInput } from './probe.process.js';
import { startNode, startProbe, type Node } from './processes.js';

/** A process that is asked, while another one revokes. */
interface Asked extends Node {
  readonly way: Way;
  readonly relay?: Relay;
}

type Way = 'strict' | 'cache' | 'cache-cut';

const WAYS: readonly Way[] = ['strict', 'cache', 'cache-cut'];
/** Trials in one repetition. What is cut takes seconds to notice it. */
const TRIALS: Readonly<Record<Way, number>> = { strict: 60, cache: 60, 'cache-cut': 2 };
/** Of a lease of 3 seconds, so much is there when Redis is cut: the worst that can happen is that all of it is. */
const FRESH_LEASE_MS = 2500;

/** How long another process goes on to accept a session that was ended. */
export async function measureRefusals(
  database: BenchDatabase,
  redisUrl: string,
  settings: Settings,
  say: (line: string) => void,
): Promise<Sample[]> {
  const prefix = `curfew-bench-${randomBytes(6).toString('hex')}`;
  const optionsFor = (url: string): Partial<SessionModuleOptions> => ({
    channel: { driver: 'redis', connection: { url }, prefix },
  });
  const relay = await Relay.start(redisUrl);
  const probe = startProbe();
  const running: Child[] = [probe];
  const start = async (options: Partial<SessionModuleOptions>): Promise<Node> => {
    const started = await startNode(database.url, options);
    running.push(started.node);
    return started;
  };
  try {
    const revoker = await start(optionsFor(redisUrl));
    const asked: Asked[] = [];
    for (const way of WAYS.filter((name) => isWanted(settings, name))) {
      const options = optionsFor(way === 'cache-cut' ? relay.url : redisUrl);
      const node = await start(way === 'strict' ? options : { ...options, cache: {} });
      asked.push({ ...node, way, ...(way === 'cache-cut' ? { relay } : {}) });
    }
    const samples: Sample[] = [];
    for (let repetition = 0; repetition < settings.repetitions; repetition += 1) {
      for (const each of asked) {
        const trials = settings.quick ? 1 : TRIALS[each.way];
        for (let trial = 0; trial < trials; trial += 1) {
          const delayMs = await delayOf(each, revoker, probe, `${each.way}-${repetition}-${trial}`);
          samples.push({ measure: 'refusal', way: each.way, repetition, trial, delayMs });
        }
        const worst = Math.max(...samples.slice(-trials).map(({ delayMs }) => Number(delayMs)));
        say(`${repetition + 1}. ${each.way}: the last one accepted after ${worst.toFixed(1)} ms`);
      }
    }
    return samples;
  } finally {
    await Promise.all(running.map((child) => child.stop()));
    relay.close();
  }
}

/** Milliseconds between a revocation that is done and the sending of the last request that another process accepts. */
async function delayOf(
  { node, url, way, relay }: Asked,
  revoker: Node,
  probe: Child,
  userId: string,
): Promise<number> {
  const signIn: SignInInput = { url: revoker.url, userId };
  const cookie = await probe.call<string>('signIn', signIn);
  const input: ProbeInput = { url, cookie };
  if (way !== 'strict') {
    while ((await node.call<number>('lease')) < FRESH_LEASE_MS) await pause(5);
  }
  const status = await probe.call<number>('status', input);
  if (status !== 200) throw new Error(`Expected a live session, got ${status}.`);
  relay?.cut();
  const refused = probe.call<ProbeReport>('untilRefused', input);
  // At any moment of a request, and not always at the same.
  await pause(randomInt(5, 15));
  const revokedAt = await revoker.node.call<number>('revoke', userId);
  const { lastAcceptedAt, accepted } = await refused;
  if (accepted === 0) throw new Error('Expected requests before the revocation, got none.');
  relay?.heal();
  return Math.max(0, lastAcceptedAt - revokedAt);
}
