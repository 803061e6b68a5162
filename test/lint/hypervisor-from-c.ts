import { gunzip } from '../../src/cli/gunzip.ts';
import { openSimulation, type Simulation } from '../../src/run/index.ts';
import { withTool } from '../support/gcc.ts';

/** The symbols of Xen's linker script that opening an image needs. */
const SCRIPT = `
SECTIONS {
  . = 0xffff82d040200000;
  _start = .; _stext = .;
  .text : { *(.text .text.*) }
  _etext = .;
  . = ALIGN(4096); __2M_text_end = .;
  __2M_rodata_start = .; _srodata = .;
  .rodata : { *(.rodata .rodata.*) }
  _erodata = .;
  . = ALIGN(4096); __2M_rodata_end = .;
  __2M_init_start = .;
  .init.text : { *(.init.text) }
  .init.data : { *(.init.data) }
  . = ALIGN(4096); __2M_init_end = .;
  __2M_rwdata_start = .;
  .data : { *(.data .data.* .bss .bss.*) }
  . = ALIGN(4096); __2M_rwdata_end = .; _end = .;
  /DISCARD/ : { *(.comment .note.*) }
}
`;

export interface FromC {
  /** Sources by name; compiles those that end in `.c`. */
  readonly files: Readonly<Record<string, string>>;
  /** Flags of gcc; `-g -O2` by default. */
  readonly flags?: readonly string[];
}

/** Compiles the sources in their folder, and links them with `link`. */
function made(
  { files, flags = ['-g', '-O2'] }: FromC,
  link: string,
  extra: Readonly<Record<string, string>>,
): Uint8Array {
  const units = Object.keys(files).filter((name) => name.endsWith('.c'));
  const common =
    '-c -ffreestanding -fpic -fvisibility=hidden -mno-red-zone -fno-asynchronous-unwind-tables -fcf-protection=none';
  const script = `set -e; link=$1; shift; for unit in ${units.join(' ')}; do gcc ${common} "$@" $unit; done; ld $link -o out *.o`;
  return withTool('sh', ['-c', script, 'sh', link, ...flags], { ...files, ...extra }, ({ read }) => read('out'));
}

/** Builds a hypervisor of these functions: it does not run, but has code, symbols and debug data. */
export const hypervisorFromC = (sources: FromC): Simulation =>
  openSimulation(made(sources, '-T script -e 0', { script: SCRIPT }), { gunzip, release: '4.17.5' });

/** Returns the source of entries that patch functions, old name → new name. Xen looks up static functions as `a.c#name`. */
export function patching(functions: Readonly<Record<string, string>>): string {
  const isStatic = (name: string): boolean => name.includes('#');
  const names = Object.keys(functions);
  const rows = Object.entries(functions).map(
    ([old, now]) => `{ "${old}", ${now}, ${isStatic(old) ? '0' : old}, .new_size = 16, .old_size = 64, .version = 2 },`,
  );
  return `
struct livepatch_func {
    const char *name; void *new_addr; const void *old_addr;
    unsigned int new_size, old_size; unsigned char version, rest[71];
};
${names
  .filter((name) => !isStatic(name))
  .map((name) => `extern const char ${name}[];`)
  .join('\n')}
static const struct livepatch_func funcs[] __attribute__((used, section(".livepatch.funcs"))) = {
    ${rows.join('\n    ')}
};
`;
}

/** Builds a payload, linked like a real one, but without the sections that only Xen requires. */
export const payloadFromC = (sources: FromC): Uint8Array => made(sources, '-r', {});
