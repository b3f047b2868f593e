import { describe, expect, it } from '@jest/globals';

import { captureLogs } from '../../../../test/support/captured-logger.js';
import { NoJobs } from './no-jobs.js';

const logs = captureLogs();

describe('NoJobs', () => {
  it('warns at its start, by the name of the option', async () => {
    await new NoJobs().start();
    expect(logs.join('\n')).toContain('jobs.driver=none: this process purges nothing');
  });
});
