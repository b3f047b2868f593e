import { writeFile } from 'node:fs/promises';

import { explain } from './boot.js';
import { ChildProcesses } from './child-processes.js';
import { readSettings } from './config.js';
import { migrate } from './data-source.js';
import { EmbeddedPostgres } from './embedded/embedded-postgres.js';
import { localSecret } from './embedded/local-secret.js';

/** Below the directory that the app is started in. */
const DATA_DIRECTORY = '.data';

/** A whole deployment on one machine, with a database of its own where none is given. */
async function start(environment: NodeJS.ProcessEnv): Promise<number> {
  const interrupted = interruption();
  if (environment['DATABASE_URL']) return runProcesses(environment, interrupted);
  const postgres = await EmbeddedPostgres.start(DATA_DIRECTORY);
  try {
    const complete = await embeddedEnvironment(environment, postgres);
    return await runProcesses(complete, Promise.race([interrupted, failureOf(postgres)]));
  } finally {
    await postgres.stop();
  }
}

/**
 * Migrates, then runs the web process and, where there is a queue, a worker, until one of them or `ended` ends.
 * @returns the exit code.
 */
async function runProcesses(
  environment: NodeJS.ProcessEnv,
  ended: Promise<number>,
): Promise<number> {
  const { databaseUrl, jobs } = readSettings(environment);
  await migrate(databaseUrl);
  const entries = jobs.driver === 'bullmq' ? ['main.js', 'worker.js'] : ['main.js'];
  const children = new ChildProcesses(environment);
  try {
    const ready = entries.map((entry) => children.start(new URL(entry, import.meta.url)));
    const announced = Promise.all(ready).then(([listening]) => {
      console.log(`${listening}. Stop it with Ctrl-C.`);
      return new Promise<never>(() => {});
    });
    return await Promise.race([ended, children.firstExit, announced]);
  } finally {
    await children.stop();
  }
}

/** What the environment does not say, for a person who tries the app on their own machine. */
async function embeddedEnvironment(
  environment: NodeJS.ProcessEnv,
  { url }: EmbeddedPostgres,
): Promise<NodeJS.ProcessEnv> {
  // For psql and other tools: the port is another at each start.
  await writeFile(`${DATA_DIRECTORY}/database-url`, url, { mode: 0o600 });
  const isProduction = environment['NODE_ENV'] === 'production';
  return {
    HOST: '127.0.0.1',
    SESSION_SECRET: await localSecret(`${DATA_DIRECTORY}/session-secret`),
    // Safari and most cookie jars keep no Secure cookie that came over plain HTTP, even from localhost.
    ...(isProduction ? {} : { SESSION_COOKIE_SECURE: 'false' }),
    ...withoutEmpty(environment),
    DATABASE_URL: url,
  };
}

function withoutEmpty(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

/** Resolves with the exit code of someone who was asked to stop. */
function interruption(): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => resolve(0));
    }
  });
}

async function failureOf({ failed }: EmbeddedPostgres): Promise<number> {
  console.error(await failed);
  return 1;
}

try {
  process.exit(await start(process.env));
} catch (error) {
  console.error(explain(error));
  process.exit(1);
}
