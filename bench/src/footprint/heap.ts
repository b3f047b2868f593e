import { join } from 'node:path';

import { Child } from '../processes/child.js';
import type { LoadInput, LoadReport, SignInInput } from '../request/load.process.js';
import type { Run, Sample } from '../scenario.js';
import type { BenchDatabase } from '../servers/postgres.js';

const SESSIONS = 1_000;
const CONNECTIONS = 128;
/** The heap is looked at so often: what leaks grows from one to the next. */
const LOOKS = 10;
const LONGEST_LOAD_MS = 2_000;

/** The heap of a server while it answers requests. */
export async function measureHeap(
  { settings, say }: Run,
  database: BenchDatabase,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const server = new Child(join(import.meta.dirname, 'server.process.js'), ['--expose-gc']);
  const load = new Child(join(import.meta.dirname, '../request/load.process.js'));
  try {
    const url = await server.call<string>('start', database.url);
    await load.call('signIn', { url, sessions: SESSIONS } satisfies SignInInput);
    let requests = 0;
    for (let look = 0; look <= LOOKS; look += 1) {
      // The first look is at a server that has done all it does, if not often.
      const wanted = (settings.requests * Math.max(look, 0.2)) / LOOKS;
      while (requests < wanted) requests += await answered(load, url, wanted - requests);
      const heapBytes = await server.call<number>('heap');
      samples.push({ measure: 'heap', requests, heapBytes });
      say(`${(heapBytes / 1e6).toFixed(1)} MB after ${requests.toLocaleString('en-US')} requests`);
    }
    return samples;
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

/** @returns how many requests were answered: more than were wanted, but not by much */
async function answered(load: Child, url: string, wanted: number): Promise<number> {
  // At 10 requests a millisecond no machine is done before.
  const durationMs = Math.min(LONGEST_LOAD_MS, Math.max(50, wanted / 10));
  const input: LoadInput = { url, connections: CONNECTIONS, durationMs };
  return (await load.call<LoadReport>('load', input)).requests;
}
