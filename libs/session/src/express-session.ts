export { createExpressSessionStore } from './express-session/create-express-session-store.js';
export type { ExpressSessionStore } from './express-session/express-session-store.js';
export type { ExpressSessionStoreOptions } from './express-session/express-session.options.js';
