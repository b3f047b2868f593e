import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { days, minutes, type SessionDiagnostics } from 'nestjs-curfew';

import { LookupBatcher } from '../../libs/session/src/store/lookup-batcher.js';
import { SessionMetrics } from '../../libs/session/src/metrics/session-metrics.js';
import { failStore } from '../support/store-outage.js';
import { createTestSessions } from '../support/session-service.js';

const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: days(1) });
const provider = new MeterProvider({ readers: [reader] });

/** One sum, count of a histogram or value of a gauge since the last collection, by metric and attributes. */
async function collect(): Promise<Record<string, number>> {
  await reader.forceFlush();
  const found: Record<string, number> = {};
  for (const { scopeMetrics } of exporter.getMetrics()) {
    for (const { descriptor, dataPoints } of scopeMetrics.flatMap(({ metrics: all }) => all)) {
      for (const { attributes, value } of dataPoints) {
        const names = Object.values(attributes).join(',');
        const key = `${descriptor.name}${descriptor.unit}${names && ` ${names}`}`;
        found[key] = typeof value === 'number' ? value : value.count;
      }
    }
  }
  exporter.reset();
  return found;
}

beforeAll(() => void metrics.setGlobalMeterProvider(provider));
afterAll(async () => {
  metrics.disable();
  await provider.shutdown();
});

describe('metrics of OpenTelemetry', () => {
  const recording: SessionMetrics[] = [];
  const record = async (): Promise<SessionMetrics> => {
    const recorder = new SessionMetrics('opentelemetry');
    recording.push(recorder);
    await recorder.onModuleInit();
    return recorder;
  };
  afterEach(async () => {
    for (const recorder of recording.splice(0)) recorder.onApplicationShutdown();
    await collect();
  });

  it('count what becomes of tokens, touches, sessions and the purge', async () => {
    await record();
    const { sessions, clock, events } = createTestSessions({ options: { retentionMs: 0 } });
    const { token, session } = await sessions.issue({ userId: 'ann' });
    const active = await sessions.resolve(token);
    await sessions.resolve('nonsense');
    if (active.status !== 'active') throw new Error('Expected an active session');
    sessions.touch(active, { ip: null, userAgent: 'secret-agent' });
    clock.advance(minutes(2));
    const later = await sessions.resolve(token);
    if (later.status === 'active') sessions.touch(later, { ip: null, userAgent: 'secret-agent' });
    await sessions.flushTouches();
    await sessions.revoke(session.id, { reason: 'signed-out' });
    events.emit('session:denied', { sessionId: session.id, code: 'SESSION_REQUIRED', reason: 'x' });
    clock.advance(days(2));
    await sessions.purge();

    expect(await collect()).toEqual({
      'curfew.session.resolve.durations active': 2,
      'curfew.session.resolve.durations malformed': 1,
      'curfew.session.touches{touch} skipped': 1,
      'curfew.session.touches{touch} flushed': 1,
      'curfew.session.revocations{session} signed-out': 1,
      'curfew.session.denials{request} SESSION_REQUIRED': 1,
      'curfew.purge.rows{row} signed-out': 1,
      'curfew.purge.durations': 1,
      'curfew.purge.slowest_statement.durations': 1,
      'curfew.purge.oldest_overdues': expect.any(Number),
    });
  });

  it('count outages, failures, lost touches and reuse', async () => {
    await record();
    const { sessions, store, clock, events } = createTestSessions();
    const { token } = await sessions.issue({ userId: 'ann' });
    clock.advance(minutes(2));
    const active = await sessions.resolve(token);
    if (active.status === 'active') sessions.touch(active, { ip: null, userAgent: null });
    const heal = failStore(store);
    await expect(sessions.resolve(token)).rejects.toThrow('SESSION_STORE_UNAVAILABLE');
    await sessions.flushTouches();
    heal();
    events.on('store:recovered', () => {
      throw new Error('a listener fails');
    });
    events.emit('store:unavailable', { error: new Error('select secret') });
    events.emit('store:recovered', {});
    events.emit('purge:failed', { error: new Error('select secret') });
    events.emit('session:reuse-detected', { sessionId: 'a', userId: 'ann', generation: 1 });
    const batcher = new LookupBatcher(() => Promise.resolve(new Map()));
    await Promise.all(['a', 'b', 'c'].map((id) => batcher.find(id)));

    expect(await collect()).toEqual({
      'curfew.session.resolve.durations active': 1,
      'curfew.session.resolve.durations failed': 1,
      'curfew.session.touches{touch} lost': 1,
      'curfew.session.lookup.size{session}': 1,
      'curfew.session.reuse_detections{token}': 1,
      'curfew.store.outages{outage}': 1,
      'curfew.purge.failures{run}': 1,
      'curfew.event.listener_failures{failure} store:recovered': 1,
    });
  });

  it('count once in a process of several applications, until the last has stopped', async () => {
    const [first, second] = [await record(), await record()];
    const { sessions } = createTestSessions();
    const resolve = async (): Promise<Record<string, number>> => {
      await sessions.resolve('nonsense');
      return collect();
    };
    const once = { 'curfew.session.resolve.durations malformed': 1 };
    expect(await resolve()).toEqual(once);
    first.onApplicationShutdown();
    first.onApplicationShutdown();
    expect(await resolve()).toEqual(once);
    second.onApplicationShutdown();
    expect(await resolve()).toEqual({});
  });

  it('record nothing unless the option asks for it', async () => {
    await new SessionMetrics('none').onModuleInit();
    await createTestSessions().sessions.resolve('nonsense');
    expect(await collect()).toEqual({});
  });
});

describe('the channels of node:diagnostics_channel', () => {
  it('tell how long a look at a token took and what it came to', async () => {
    const heard: SessionDiagnostics['curfew:resolve'][] = [];
    const listener = (message: unknown): void => void heard.push(message as (typeof heard)[number]);
    subscribe('curfew:resolve', listener);
    try {
      const { sessions } = createTestSessions();
      await sessions.resolve((await sessions.issue({ userId: 'ann' })).token);
      await sessions.resolve(undefined);
    } finally {
      unsubscribe('curfew:resolve', listener);
    }
    expect(heard).toEqual([
      { status: 'active', durationMs: expect.any(Number) },
      { status: 'absent', durationMs: expect.any(Number) },
    ]);
  });
});
