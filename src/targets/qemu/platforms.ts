import type { XenArch } from '../../xen/index.ts';
import type { Platform } from './platform.ts';
import { PLATFORM_ARM32, PLATFORM_ARM64 } from './platform-arm.ts';
import { PLATFORM_X86_64 } from './platform-x86_64.ts';

/** One row per architecture. */
export const PLATFORMS: Readonly<Record<XenArch, Platform>> = {
  x86_64: PLATFORM_X86_64,
  arm64: PLATFORM_ARM64,
  arm32: PLATFORM_ARM32,
};
