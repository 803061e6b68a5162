/**
 * The rooms, top down: each imports only from those after it. Those that do not exist yet have their place, and their
 * rules in `biome.json`, already.
 */
export const ROOMS = [
  'cli',
  'build',
  'report',
  'scenario',
  'diff',
  'lint',
  'targets',
  'emulator',
  'hypervisor',
  'disassembler',
  'native',
  'system',
  'machine',
  'payload',
  'arch',
  'xen',
  'dwarf',
  'elf',
  'base',
] as const;

export type Room = (typeof ROOMS)[number];

/** Rooms that may have effects. All others take data and give data. */
export const ROOMS_WITH_EFFECTS: readonly Room[] = [
  'cli',
  'build',
  'targets',
  'emulator',
  'disassembler',
  'native',
  'system',
];

/** Those of them that import modules of Node. */
export const ROOMS_ON_NODE: readonly Room[] = ['cli', 'build', 'targets', 'system'];

/** Packages that pure rooms may use: pure themselves. */
export const PURE_PACKAGES: readonly string[] = ['yaml', 'zod'];

/** Packages that only a room with effects may use. */
export const EFFECT_PACKAGES: readonly string[] = ['commander', 'diff', 'postal-mime', 'tinypool'];

/** Most lines that a file of sources or tests may have. */
export const LINES = 450;
