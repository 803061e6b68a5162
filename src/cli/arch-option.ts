import { Option } from 'commander';

/** Returns `--arch`, the architecture of a real host. The description starts with `when`. */
export const archOption = (when: string): Option =>
  new Option(
    '--arch <arch>',
    `${when}architecture of the real host; the first run for Arm builds Xen from Debian's source (default: x86_64)`,
  ).choices(['x86_64', 'arm64', 'arm32']);
