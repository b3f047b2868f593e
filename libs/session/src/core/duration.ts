const MS_PER_SECOND = 1000;

/** `count` seconds in milliseconds. */
export const seconds = (count: number): number => count * MS_PER_SECOND;

/** `count` minutes in milliseconds. */
export const minutes = (count: number): number => seconds(count * 60);

/** `count` hours in milliseconds. */
export const hours = (count: number): number => minutes(count * 60);

/** `count` days of 24 hours in milliseconds. */
export const days = (count: number): number => hours(count * 24);
