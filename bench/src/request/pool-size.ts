/** Connections to the database, the same for everyone: the default of `pg`. */
export const POOL_SIZE = 10;
