import type { OnApplicationBootstrap } from '@nestjs/common';
import type { DataSource } from 'typeorm';

import type { PrincipalEntity } from '../store/principal-columns.js';
import { assertCredentialTrigger } from '../store/trigger/install-credential-trigger.js';

/** Lets no application start that counts on a trigger which is not there. */
export class CredentialTriggerCheck implements OnApplicationBootstrap {
  constructor(
    private readonly dataSource: DataSource,
    private readonly principal: PrincipalEntity,
  ) {}

  /**
   * After the hooks in which applications migrate.
   * @internal
   */
  async onApplicationBootstrap(): Promise<void> {
    await assertCredentialTrigger(this.dataSource, this.principal);
  }
}
