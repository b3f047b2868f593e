import { handle } from '../processes/handlers.js';
import { statementCount } from '../request/statement-count.js';
import { TouchBench, type TouchWay } from './touch-bench.js';

export interface StartInput {
  readonly databaseUrl: string;
  readonly sessions: number;
}

export interface TouchInput {
  readonly way: TouchWay;
  /** The touch interval in which these milliseconds end is completed. */
  readonly durationMs: number;
}

export interface TouchReport {
  /** Rows that were written. */
  readonly touches: number;
  readonly elapsedMs: number;
  readonly statements: number;
  /** Processor time of this process, in microseconds. */
  readonly cpuUs: number;
}

let bench: TouchBench | undefined;

handle({
  async start({ databaseUrl, sessions }: StartInput): Promise<void> {
    bench = await TouchBench.start(databaseUrl, sessions);
  },

  async touch({ way, durationMs }: TouchInput): Promise<TouchReport> {
    const [cpu, statements, start] = [process.cpuUsage(), statementCount(), performance.now()];
    let touches = 0;
    do {
      const written = await started().touchAll(way);
      touches += written;
    } while (performance.now() - start < durationMs);
    const elapsedMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    return { touches, elapsedMs, statements: statementCount() - statements, cpuUs: user + system };
  },

  handInStatistics: () => started().handInStatistics(),
});

function started(): TouchBench {
  if (bench === undefined) throw new Error('Expected "start" first.');
  return bench;
}
