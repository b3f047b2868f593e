import { Logger, type LoggerService } from '@nestjs/common';
import { afterAll } from '@jest/globals';

/** Keeps what is logged in this test file from the terminal, to be looked at instead. Call it outside of tests. */
export function captureLogs(): string[] {
  const lines: string[] = [];
  const write = (...parts: unknown[]): void => void lines.push(parts.map(String).join(' '));
  const logger: LoggerService = {
    log: write,
    warn: write,
    error: write,
    debug: write,
    verbose: write,
  };
  Logger.overrideLogger(logger);
  afterAll(() => Logger.overrideLogger(true));
  return lines;
}
