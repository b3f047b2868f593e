import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { exitCodeOf } from './embedded/unprivileged.js';

/** How long a child may take to finish what it is doing. */
const STOP_DEADLINE_MS = 15_000;

/** The processes of a deployment, run by one parent. */
export class ChildProcesses {
  readonly #children = new Map<string, ChildProcess>();
  /** Resolves with the exit code for the parent when the first of them ends, whatever the reason. */
  readonly firstExit: Promise<number>;
  readonly #reportExit: (exitCode: number) => void;

  constructor(private readonly environment: NodeJS.ProcessEnv) {
    let report: (exitCode: number) => void = () => {};
    this.firstExit = new Promise((resolve) => (report = resolve));
    this.#reportExit = report;
  }

  /** Starts an entry file and resolves with what it says when it is ready. Never, where it fails: see `firstExit`. */
  async start(entry: URL): Promise<string> {
    const path = fileURLToPath(entry);
    // A process group of its own: Ctrl-C reaches the parent only, which stops its children in order.
    const child = fork(path, { env: this.environment, detached: true });
    this.#children.set(path, child);
    void exitCodeOf(child).then((code) => this.#reportExit(code === null || code === 0 ? 1 : code));
    const [{ ready }] = (await once(child, 'message')) as [{ ready: string }];
    return ready;
  }

  /** Stops them together, and kills one that takes longer than 15 seconds. */
  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => stop(child)));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = exitCodeOf(child);
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(timer);
}
