import { boot } from './boot.js';
import { createWeb, listen } from './web.js';

await boot(async (settings) => {
  const app = await createWeb(settings);
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  return `Listening on ${await listen(app, settings)}`;
});
