import { Option } from 'commander';

/** `--arch`: the architecture of a real host. `when` stands in front of what it is for. */
export const archOption = (when: string): Option =>
  new Option(
    '--arch <arch>',
    `${when}architecture of the real host; Xen for Arm is built from Debian's source, once (default: x86_64)`,
  ).choices(['x86_64', 'arm64', 'arm32']);
