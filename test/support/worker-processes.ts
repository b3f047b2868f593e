import { afterEach } from '@jest/globals';
import { join } from 'node:path';

import { ObservedProcess } from './observed-process.js';

/** Starts a worker of the reference app as a process of its own. What a test leaves running is killed after it. */
export type StartWorker = (
  environment: NodeJS.ProcessEnv,
  ...nodeOptions: readonly string[]
) => ObservedProcess;

/** @param app the directory that `compileSources` made. */
export function workerStarter(app: string): StartWorker {
  const running: ObservedProcess[] = [];
  afterEach(async () => {
    const left = running.splice(0);
    for (const each of left) each.kill('SIGKILL');
    await Promise.all(left.map(({ exited }) => exited));
  });
  return (environment, ...nodeOptions) => {
    const worker = new ObservedProcess(
      [process.execPath, ...nodeOptions, join(app, 'src/worker.js')],
      { SESSION_SECRET: 's'.repeat(32), SESSION_PURGE_EVERY_MS: '1000', ...environment },
      app,
    );
    running.push(worker);
    return worker;
  };
}

/** Rows that the runs of a worker's purge have reported as deleted. */
export function deletedIn({ output }: ObservedProcess): number {
  return [...output.matchAll(/\[Purge\] deleted=(\d+)/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}
