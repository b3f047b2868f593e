import {
  ContractBench,
  type ContractRunner,
  type ContractSettings,
  type ContractStore,
} from './contract/contract-bench.js';
import { dataContract } from './contract/data.contract.js';
import { endedContract } from './contract/ended.contract.js';
import { epochContract } from './contract/epoch.contract.js';
import { insertContract } from './contract/insert.contract.js';
import { lockContract } from './contract/lock.contract.js';
import { purgeContract } from './contract/purge.contract.js';
import { revokeContract } from './contract/revoke.contract.js';
import { sweepContract } from './contract/sweep.contract.js';
import { touchContract } from './contract/touch.contract.js';
import { transactionContract } from './contract/transaction.contract.js';
import { updateContract } from './contract/update.contract.js';

export interface SessionStoreContractOptions {
  /** Names the store in the test report. */
  readonly name: string;
  /** Opens an empty store on the clock and with the timing of `settings`. Called once, before the first test. */
  readonly createStore: (settings: ContractSettings) => Promise<ContractStore>;
  /** The functions of your test runner, such as `import * as runner from '@jest/globals'`. */
  readonly runner: ContractRunner;
}

/**
 * Defines the tests that every `SessionStore` passes: what the port promises, one test for each promise.
 *
 * ```ts
 * import * as runner from '@jest/globals';
 * sessionStoreContract({ name: 'MyStore', createStore, runner });
 * ```
 *
 * The tests share the store and run one after another; each uses sessions and users of its own. Some let all sessions
 * end and purge them, so give it a database of its own.
 */
export function sessionStoreContract(options: SessionStoreContractOptions): void {
  const { name, createStore, runner } = options;
  const bench = new ContractBench();
  const chapters = {
    'inserting and finding': insertContract,
    'ended sessions': endedContract,
    changes: updateContract,
    data: dataContract,
    touches: touchContract,
    'revocation and lists': revokeContract,
    epochs: epochContract,
    'locking a user': lockContract,
    sweeping: sweepContract,
    purging: purgeContract,
    transactions: transactionContract,
  };
  runner.describe(`${name} keeps the contract of a session store`, () => {
    runner.beforeAll(() => bench.open(createStore));
    runner.afterAll(() => bench.close());
    for (const [chapter, define] of Object.entries(chapters)) {
      runner.describe(chapter, () => define(bench, runner));
    }
  });
}
