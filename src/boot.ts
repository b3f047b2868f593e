import { Logger, type NestApplicationOptions } from '@nestjs/common';
import { isSessionError } from 'nestjs-curfew';

import { BootError } from './boot-error.js';
import { readSettings, type Settings } from './config.js';

/** Nest's own account of a failed start is a stack trace: its lines are kept back until the start has succeeded. */
export const BOOT_OPTIONS = {
  abortOnError: false,
  bufferLogs: true,
  autoFlushLogs: false,
} as const satisfies NestApplicationOptions;

/**
 * Starts a process of the deployment and tells a parent, if there is one, when it is ready. A failure that the person
 * who starts it can cure ends it with one message and exit code 1.
 * @param start returns the line that says what is ready.
 */
export async function boot(start: (settings: Settings) => Promise<string>): Promise<void> {
  // A parent that crashed cannot stop its children any more.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  try {
    const ready = await start(readSettings(process.env));
    Logger.flush();
    new Logger('Boot').log(ready);
    process.send?.({ ready });
  } catch (error) {
    console.error(explain(error));
    process.exit(1);
  }
}

/** What a person needs to know of an error that kept the app from starting: a stack only where nothing better is known. */
export function explain(error: unknown): string {
  if (error instanceof BootError || isSessionError(error)) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return `${error.message}. Stop what listens there, or set PORT.`;
  if (syscall !== undefined) return error.message;
  return error.stack ?? error.message;
}
