import { inspect } from 'node:util';

import { Logger, type LoggerService } from '@nestjs/common';
import { afterAll } from '@jest/globals';

/** A logger that writes everything, causes of errors included, to a list. */
export function loggerInto(lines: string[]): LoggerService {
  const write = (...parts: unknown[]): void => {
    lines.push(
      parts
        .map((part) => (typeof part === 'string' ? part : inspect(part, { depth: 9 })))
        .join(' '),
    );
  };
  return { log: write, warn: write, error: write, debug: write, verbose: write };
}

/** Keeps what is logged in this test file from the terminal, to be looked at instead. Call it outside of tests. */
export function captureLogs(): string[] {
  const lines: string[] = [];
  Logger.overrideLogger(loggerInto(lines));
  afterAll(() => Logger.overrideLogger(true));
  return lines;
}
