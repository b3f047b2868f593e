export { FakeClock } from './testing/fake-clock.js';
export {
  MemorySessionStore,
  type MemorySessionStoreOptions,
} from './testing/memory-session-store.js';
export {
  sessionStoreContract,
  type SessionStoreContractOptions,
} from './testing/session-store.contract.js';
export type {
  ContractRunner,
  ContractSettings,
  ContractStore,
} from './testing/contract/contract-bench.js';
