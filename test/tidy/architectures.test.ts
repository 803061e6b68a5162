import { describe, expect, it } from 'vitest';
import { FILES, textOf } from './tree.ts';

/** Rooms in which no code may depend on which architecture it is on: it asks a member of the record for the fact. */
const SHARED =
  /^src\/(?:base|elf|dwarf|xen|payload|machine|hypervisor|lint|diff|inspect|synth|run|conform|report)\/.*\.ts$/;

/** Words of code that choose by architecture. Comments and texts for people are left out. */
const CHOICES: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['names one', /'(?:x86_64|arm64|arm32)'|\b(?:x86_64|arm64|arm32):/],
  ['imports the record of one', /\b(?:X86_64|ARM64|ARM32)\b(?=[^']*} from '[./]+arch\/)|\b(?:X86_64|ARM64|ARM32)\./],
  ['names a machine', /\bEM_[A-Z0-9_]+\b/],
  ['has a table by name', /Record<(?:Architecture\['name'\]|XenArch|ArmName)\b/],
  ['looks something up by name', /\[[\w.#]*\barch(?:\.name)?\]/],
  ['tells an architecture by a size', /(?:entrySize|EntrySize|[pP]atchInsnSize)\s*[!=]==\s*[A-Z]/],
];

/** Files that may, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  'src/elf/constants.ts': 'the numbers of the ELF specification',
  'src/elf/names.ts': 'names of the specification, as readelf prints them',
  'src/elf/relocation-names.ts': 'names of the specification, as readelf prints them',
  'src/dwarf/relocate.ts': 'which relocations debug sections have, by machine; arch/ has those that Xen applies',
  'src/payload/machines.ts': 'which readers a file has, by e_machine',
  'src/xen/virtual-layout.ts': 'address ranges of Xen, which the records of arch/ hand on',
  'src/xen/execution-state.ts': 'the screen of x86-64, which its record hands on',
  'src/xen/arm-execution-state.ts': 'the screens of Arm, which its records hand on',
  'src/synth/payload-machine.ts': 'machine code that the builder of payloads writes, by architecture',
  'src/synth/payload-builder.ts': 'takes its row of payload-machine.ts',
  'src/synth/fit-payload.ts': 'takes its row of payload-machine.ts',
  'src/synth/call-payload.ts': 'machine code of a hook, by architecture',
  'src/synth/arm-code.ts': 'an assembler for the two of Arm',
  'src/synth/arm-hook-payload.ts': 'an assembler for the two of Arm',
};

/** Cases are data about the architectures that they run on. */
const CASES = /^src\/conform\/(?:case\.ts|cases\/)/;

/** The code of a file, without comments. */
const codeOf = (path: string): string =>
  (textOf(path) ?? '').replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

function choicesIn(path: string): string[] {
  const lines = codeOf(path).split('\n');
  return lines.flatMap((line) =>
    CHOICES.flatMap(([what, pattern]) => (pattern.test(line) ? [`${path} ${what}: ${line.trim()}`] : [])),
  );
}

describe('shared rooms', () => {
  const files = FILES.filter((path) => SHARED.test(path) && !CASES.test(path));

  it('do not depend on which architecture they are on', () => {
    const choices = files.filter((path) => ALLOWED[path] === undefined).flatMap(choicesIn);
    expect(choices).toEqual([]);
  });

  it('do so in no more files than they need', () => {
    expect(Object.keys(ALLOWED).filter((path) => !FILES.includes(path) || choicesIn(path).length === 0)).toEqual([]);
  });
});
