/**
 * Errors of Xen's ABI. The numbers equal Linux's, but are Xen's own: a dom0 with different numbers translates them.
 * Source: xen/include/public/errno.h.
 */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  ENOSYS: 38,
  ENODATA: 61,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  ENOBUFS: 105,
} as const;

export type Errno = keyof typeof ERRNO;

const NAMES = new Map<number, Errno>(Object.entries(ERRNO).map(([name, number]) => [number, name as Errno]));

/** Returns the name of `-rc`, or `null` for zero, positive results and numbers that Xen does not define. */
export const errnoName = (rc: number): Errno | null => NAMES.get(-rc) ?? null;
