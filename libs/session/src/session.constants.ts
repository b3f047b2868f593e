/** Injection token of the options as the application gave them. */
export const SESSION_MODULE_OPTIONS = Symbol('SESSION_MODULE_OPTIONS');

/** Injection token of the checked options, every default filled in: `ResolvedSessionOptions`. */
export const SESSION_OPTIONS = Symbol('SESSION_OPTIONS');

/** Injection token of the extra `globalGuard`: whether a route needs a session unless it says otherwise. */
export const SESSION_GLOBAL_GUARD = Symbol('SESSION_GLOBAL_GUARD');
