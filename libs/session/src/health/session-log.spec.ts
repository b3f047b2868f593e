import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';

import { SessionEvents } from '../core/session-events.js';
import { SessionLog } from './session-log.js';

describe('SessionLog', () => {
  const lines: string[] = [];
  const events = new SessionEvents();
  const log = new SessionLog(events);

  beforeEach(() => {
    const write = (level: string) => (line: unknown) => void lines.push(`${level} ${String(line)}`);
    Logger.overrideLogger({
      log: write('log'),
      error: write('error'),
      warn: write('warn'),
      debug: write('debug'),
    });
    log.onModuleInit();
  });
  afterEach(() => log.onApplicationShutdown());
  afterAll(() => Logger.overrideLogger(true));

  it('says how much activity was lost, as a warning once until it is written again', () => {
    for (const count of [3, 2]) events.emit('session:touches-lost', { count });
    events.emit('session:touched', { count: 6 });
    events.emit('session:touches-lost', { count: 4 });
    expect(lines).toEqual([
      'warn event=session:touches-lost count=3',
      'debug event=session:touches-lost count=2',
      'warn event=session:touches-lost count=4',
    ]);
  });
});
