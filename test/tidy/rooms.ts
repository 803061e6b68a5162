/** The rooms, top down: each imports only from those after it. */
export const ROOMS = [
  'cli',
  'builder',
  'report',
  'conform',
  'run',
  'inspect',
  'synth',
  'targets',
  'emulator',
  'lint',
  'proof',
  'diff',
  'hypervisor',
  'disassembler',
  'native',
  'system',
  'machine',
  'payload',
  'arch',
  'documents',
  'xen',
  'dwarf',
  'elf',
  'base',
  'catalogue',
] as const;

export type Room = (typeof ROOMS)[number];

/** Rooms that may have effects. All others take data and give data. */
export const ROOMS_WITH_EFFECTS: readonly Room[] = [
  'cli',
  'builder',
  'targets',
  'emulator',
  'disassembler',
  'native',
  'system',
];

/** Those of them that import modules of Node. */
export const ROOMS_ON_NODE: readonly Room[] = ['cli', 'builder', 'targets', 'system'];

/** Packages that pure rooms may use: pure themselves. */
export const PURE_PACKAGES: readonly string[] = ['yaml', 'zod'];

/** Most lines that a file of sources or tests may have. */
export const LINES = 450;
