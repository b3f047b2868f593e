import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import type { Answer, Call } from './handlers.js';

/** Longest wait for an answer, in milliseconds: a child that hangs must not hang the bench. */
const CALL_TIMEOUT_MS = 300_000;

/** A process of its own that does what it is told: a server under test, or what puts load on it. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  /** @param module the path of a module that calls `handle`. */
  constructor(module: string, execArgv: readonly string[] = []) {
    const env = { ...process.env, NODE_ENV: 'production' };
    this.#process = fork(module, { env, execArgv: [...execArgv], serialization: 'advanced' });
    this.#process.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    this.#process.on('exit', (code, signal) => {
      const error = `${module} ended with ${signal ?? code} while it was needed.`;
      for (const [id, settle] of this.#waiting) settle({ id, error });
    });
  }

  /** What the child answers to it. @throws what went wrong there, and where the child ends or says nothing */
  async call<T>(name: string, input: unknown = null): Promise<T> {
    const id = ++this.#calls;
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      const late = { id, error: `Expected an answer to "${name}", got none in time.` };
      timer = setTimeout(() => resolve(late), CALL_TIMEOUT_MS);
      const call: Call = { id, name, input };
      this.#process.send(call, (error) => {
        if (error !== null) resolve({ id, error: error.message });
      });
    });
    clearTimeout(timer);
    this.#waiting.delete(id);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value as T;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}
