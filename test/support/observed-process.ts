import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program under test, its output, and how to wait for what it says. */
export class ObservedProcess {
  output = '';
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  /** Starts it with this environment and nothing of the test's but `PATH`. */
  constructor(
    [file, ...args]: readonly [string, ...string[]],
    environment: NodeJS.ProcessEnv,
    cwd: string,
  ) {
    const { PATH } = process.env;
    const child = spawn(file, args, {
      cwd,
      env: { PATH, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        for (const look of this.#waiting) look();
      });
    }
    this.#child = child;
    this.exited = once(child, 'close').then(([code]) => code as number | null);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the match when the output has one. Rejects if the process ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let look = (): void => {};
    const said = new Promise<RegExpExecArray>((resolve) => {
      look = () => {
        const match = pattern.exec(this.output);
        if (match !== null) resolve(match);
      };
    });
    this.#waiting.add(look);
    look();
    const ended = this.exited.then((code) => {
      throw new Error(`Expected ${String(pattern)}, got exit code ${code} and:\n${this.output}`);
    });
    return Promise.race([said, ended]).finally(() => this.#waiting.delete(look));
  }
}
