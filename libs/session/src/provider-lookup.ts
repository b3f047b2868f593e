import type { ModuleRef } from '@nestjs/core';

import type { ProviderLookup } from './jobs/in-process-jobs.js';

/** Looks for providers in the whole application, where one may be missing. */
export function lookupIn(modules: ModuleRef): ProviderLookup {
  return (token) => {
    try {
      return modules.get(token, { strict: false });
    } catch {
      // Nest throws where a provider is not there.
      return undefined;
    }
  };
}
