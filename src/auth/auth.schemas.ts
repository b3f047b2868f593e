import { z } from 'zod';

/** At most 256 characters, as hashing longer ones only serves who wants to keep the server busy. */
const password = z.string().min(1).max(256);

/** NIST SP 800-63B-4 section 3.1.1.2 asks for 8 characters or more, and for no rules about which. */
const newPassword = password.min(8);

const email = z.email().max(254).toLowerCase();

export const registerBody = z.strictObject({ email, password: newPassword });
export type RegisterBody = z.infer<typeof registerBody>;

export const loginBody = z.strictObject({ email, password, remember: z.boolean().optional() });
export type LoginBody = z.infer<typeof loginBody>;

export const passwordBody = z.strictObject({ current: password, next: newPassword });
export type PasswordBody = z.infer<typeof passwordBody>;
