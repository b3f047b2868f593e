import * as runner from '@jest/globals';

import { sessionStoreContract } from '../../libs/session/src/testing.js';
import { Account } from '../support/account.entity.js';
import { describeEachDatabase } from '../support/databases.js';
import { openStore } from '../support/session-store.js';

await describeEachDatabase('TypeOrmSessionStore', (database) => {
  sessionStoreContract({
    name: 'TypeOrmSessionStore',
    runner,
    async createStore(settings) {
      const { store, dataSource } = await openStore(database, settings);
      return {
        store,
        async setCredential(id, passwordHash) {
          await dataSource.getRepository(Account).save({ id, passwordHash, isDisabled: false });
        },
        async close() {},
      };
    },
  });
});
