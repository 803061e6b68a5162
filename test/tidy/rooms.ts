/**
 * The rooms, top down: each imports only from those after it. Those that do not exist yet have their place, and their
 * rules in `biome.json`, already.
 */
export const ROOMS = [
  'cli',
  'report',
  'scenario',
  'lint',
  'targets',
  'emulator',
  'hypervisor',
  'disassembler',
  'native',
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
export const ROOMS_WITH_EFFECTS: readonly Room[] = ['cli', 'targets', 'emulator', 'disassembler', 'native'];

/** Those of them that import modules of Node. */
export const ROOMS_ON_NODE: readonly Room[] = ['cli', 'targets'];

/** Packages that pure rooms may use: pure themselves. */
export const PURE_PACKAGES: readonly string[] = ['yaml', 'zod'];

/** Packages that only a room with effects may use. */
export const EFFECT_PACKAGES: readonly string[] = ['commander', 'tinypool'];

/** Most lines that a file of sources or tests may have. */
export const LINES = 450;
