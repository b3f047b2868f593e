import { afterAll, beforeAll, describe } from '@jest/globals';

import { describeEachDatabase, type DatabaseName } from './databases.js';
import { startHttpApp, type AdapterName, type HttpApp, type HttpAppSetup } from './http-app.js';

/** What the tests of one adapter on one database work with. */
export interface HttpBench {
  readonly adapter: AdapterName;
  /** The application; started before the first test. */
  readonly app: HttpApp;
}

/** Describes the same behaviour on Express and on Fastify, over real HTTP and a real database. */
export function describeHttp(
  title: string,
  define: (bench: HttpBench) => void,
  setup: HttpAppSetup = {},
  databases: readonly DatabaseName[] = ['postgres', 'sqlite'],
): Promise<void> {
  return describeEachDatabase(
    title,
    (database) => {
      describe.each(['express', 'fastify'] as const)('with %s', (adapter) => {
        let app: HttpApp | undefined;

        beforeAll(async () => {
          app = await startHttpApp(adapter, database, setup);
        });

        afterAll(() => app?.close());

        define({
          adapter,
          get app() {
            if (app === undefined) throw new Error('Expected a test or a hook to ask for the app');
            return app;
          },
        });
      });
    },
    databases,
  );
}
