import type { Request } from 'express';
import type { SessionData } from 'express-session';

import type { SignInOptions } from '../core/session-work.js';

export interface ExpressSessionStoreOptions {
  /**
   * Whose session it is, from what is about to be saved; `null` or `undefined` while anonymous. Ending a user's sessions,
   * the list of devices and the password change go by it.
   * @defaultValue what Passport serialized: `passport.user`, if it is a string or a number
   */
  readonly userId?: (session: SessionData) => string | null | undefined;
  /**
   * How a user's session begins: its policy, its assurance, and the credential that it was proven with, so that a
   * password change that runs at the same time leaves no live session. Called once, at the first save of a session with
   * a user; `request.user` is Passport's.
   * @defaultValue the policy `default`, assurance level 1
   */
  readonly signIn?: (session: SessionData, request: Request) => SignInOptions;
}
