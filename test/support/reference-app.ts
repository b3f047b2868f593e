import { Logger, type INestApplication } from '@nestjs/common';

import { readSettings } from '../../src/config.js';
import { migrate } from '../../src/data-source.js';
import { createWeb, listen } from '../../src/web.js';
import { Browser } from './browser.js';

/** Who is registered in these applications. */
export const ADA = { email: 'ada@example.org', password: 'correct horse battery' };

/** The reference app, started in this process. */
export interface ReferenceApp {
  readonly app: INestApplication;
  readonly origin: string;
  /** A browser in which Ada has signed in; she is registered where nobody is. */
  signedIn(): Promise<Browser>;
  close(): Promise<void>;
}

/** What its processes are set with. */
export function referenceEnvironment(
  databaseUrl: string,
  environment: NodeJS.ProcessEnv = {},
): NodeJS.ProcessEnv {
  return {
    DATABASE_URL: databaseUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    SESSION_COOKIE_SECURE: 'false',
    SESSION_JOBS: 'none',
    SESSION_SECRET: 'a secret of at least thirty-two bytes',
    ...environment,
  };
}

/** Starts it, silent, on a port of its own. The tables are made where they are missing. */
export async function startReferenceApp(
  databaseUrl: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<ReferenceApp> {
  await migrate(databaseUrl);
  const settings = readSettings(referenceEnvironment(databaseUrl, environment));
  const app = await createWeb(settings);
  Logger.overrideLogger(false);
  const origin = await listen(app, settings);
  return {
    app,
    origin,
    async signedIn() {
      const browser = new Browser(origin);
      await browser.post('/auth/register', ADA);
      await browser.post('/auth/login', ADA);
      return browser;
    },
    close: () => app.close(),
  };
}
