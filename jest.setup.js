import { types } from 'node:util';

// Jest runs specs in a realm of their own, so an error that Node made (ECONNREFUSED, ENOENT, AbortError) is not an
// instance of the Error that a spec and the code under test see. It is in production; make it so here.
const ordinary = Function.prototype[Symbol.hasInstance];

Object.defineProperty(Error, Symbol.hasInstance, {
  configurable: true,
  value(candidate) {
    if (ordinary.call(this, candidate)) return true;
    return this === Error && (types.isNativeError(candidate) || candidate instanceof DOMException);
  },
});
