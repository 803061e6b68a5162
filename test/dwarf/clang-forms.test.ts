import { describe, expect, it } from 'vitest';
import {
  copiesOf,
  type Entry,
  framesAt,
  functionsNamed,
  membersOf,
  sizeOf,
  sourceInSection,
} from '../../src/dwarf/index.ts';
import { assemble, link } from '../support/gcc.ts';
import { addr2line, openDwarf, openElf } from './samples.ts';

/**
 * Version 5 debug data as clang emits it, in assembly: texts, addresses and range lists by index, no DW_AT_sibling, blocks with relative
 * ranges. gcc emits none of this.
 */
const SOURCE = `
	.text
	.globl outer
	.type outer, @function
outer:
	.file 0 "/src" "main.c"
	.file 1 "inner.h"
	.loc 0 10 0
	nop
inlined_start:
	.loc 1 3 7
	nop
	nop
inlined_end:
	.loc 0 12 0
	ret
outer_end:
	.size outer, outer_end - outer

	.section .text.second, "ax"
second:
	.loc 0 20 0
	ret
second_end:

	.section .debug_str_offsets, ""
	.long strings_end - strings_start
strings_start:
	.short 5
	.short 0
strings:
	.long text_main - text
	.long text_dir - text
	.long text_outer - text
	.long text_inner - text
	.long text_pair - text
	.long text_int - text
	.long text_b - text
strings_end:

	.section .debug_str, "MS", @progbits, 1
text:
text_main: .asciz "main.c"
text_dir: .asciz "/src"
text_outer: .asciz "outer"
text_inner: .asciz "inner"
text_pair: .asciz "pair"
text_int: .asciz "int"
text_b: .asciz "b"

	.section .debug_addr, ""
	.long addr_end - addr_start
addr_start:
	.short 5
	.byte 8
	.byte 0
addr:
	.quad outer
	.quad second
	.quad inlined_start
addr_end:

	.section .debug_rnglists, ""
	.long lists_end - lists_start
lists_start:
	.short 5
	.byte 8
	.byte 0
	.long 2
lists:
	.long list_unit - lists
	.long list_inlined - lists
list_unit:
	.byte 3
	.uleb128 0
	.uleb128 outer_end - outer
	.byte 3
	.uleb128 1
	.uleb128 second_end - second
	.byte 0
list_inlined:
	.byte 1
	.uleb128 0
	.byte 4
	.uleb128 inlined_start - outer
	.uleb128 inlined_end - outer
	.byte 0
lists_end:

	.section .debug_abbrev, ""
	.uleb128 1, 0x11
	.byte 1
	.uleb128 0x03, 0x25, 0x1b, 0x25, 0x10, 0x17, 0x72, 0x17, 0x73, 0x17, 0x74, 0x17, 0x11, 0x29, 0x55, 0x23, 0, 0
	.uleb128 2, 0x2e
	.byte 0
	.uleb128 0x03, 0x25, 0x3a, 0x0b, 0x3b, 0x0b, 0x20, 0x21, 1, 0, 0
	.uleb128 3, 0x2e
	.byte 1
	.uleb128 0x11, 0x1b, 0x12, 0x06, 0x03, 0x25, 0x3a, 0x0b, 0x3b, 0x0b, 0x3f, 0x19, 0, 0
	.uleb128 4, 0x1d
	.byte 0
	.uleb128 0x31, 0x13, 0x55, 0x23, 0x58, 0x0b, 0x59, 0x0b, 0x57, 0x0b, 0, 0
	.uleb128 5, 0x24
	.byte 0
	.uleb128 0x03, 0x25, 0x3e, 0x0b, 0x0b, 0x0b, 0, 0
	.uleb128 6, 0x13
	.byte 1
	.uleb128 0x03, 0x26, 0x0b, 0x0b, 0, 0
	.uleb128 7, 0x0d
	.byte 0
	.uleb128 0x03, 0x08, 0x49, 0x13, 0x38, 0x0b, 0, 0
	.uleb128 8, 0x0d
	.byte 0
	.uleb128 0x03, 0x28, 0x49, 0x13, 0x38, 0x0a, 0, 0
	.byte 0

	.section .debug_info, ""
info:
	.long info_end - info_start
info_start:
	.short 5
	.byte 1
	.byte 8
	.long .debug_abbrev
	.uleb128 1
	.byte 0
	.byte 1
	.long .debug_line
	.long strings
	.long addr
	.long lists
	.byte 0
	.uleb128 0
die_inner:
	.uleb128 2
	.byte 3, 1, 2
	.uleb128 3
	.uleb128 0
	.long outer_end - outer
	.byte 2, 0, 9
	.uleb128 4
	.long die_inner - info
	.uleb128 1
	.byte 0, 11, 5
	.byte 0
die_int:
	.uleb128 5
	.byte 5, 5, 4
	.uleb128 6
	.short 4
	.byte 8
	.uleb128 7
	.asciz "a"
	.long die_int - info
	.byte 0
	.uleb128 8
	.long 6
	.long die_int - info
	.byte 2, 0x23, 4
	.byte 0
	.byte 0
info_end:

	.section .debug_line, ""
`;

describe('version 5 from clang', () => {
  const object = assemble(SOURCE, ['--gdwarf-5']);
  const bytes = link([object], ['-e', 'outer', '-Ttext=0xffff82d040200000']);
  const dwarf = openDwarf(bytes);

  it('has names, declarations and code', () => {
    expect(dwarf.units.map(({ name, directory }) => [name, directory])).toEqual([['main.c', '/src']]);
    const [outer] = functionsNamed(dwarf, 'outer');
    expect(outer).toMatchObject({
      address: 0xffff82d040200000n,
      external: true,
      declaration: { file: 'main.c', line: 9 },
    });
    expect(outer?.ranges).toEqual([{ low: 0xffff82d040200000n, size: 4 }]);
    expect(dwarf.problems).toEqual([]);
  });

  it('has inlined copies', () => {
    const [outer] = functionsNamed(dwarf, 'outer');
    const { inlined } = copiesOf(dwarf, { ...outer, entry: dwarf.find('function', 'inner')[0] } as never);
    expect(inlined.map(({ call, ranges }) => [call, ranges])).toEqual([
      [{ file: 'main.c', line: 11, column: 5 }, [{ low: 0xffff82d040200001n, size: 2 }]],
    ]);
  });

  it('has the lines that addr2line finds', () => {
    const addresses = [0, 1, 2, 3].map((offset) => 0xffff82d040200000n + BigInt(offset));
    const ours = addresses.map((address) => framesAt(dwarf, address, { absolute: true }));
    const sources = ours.map(([frame]) => `${frame?.source?.file}:${frame?.source?.line}`);
    expect(sources).toEqual(addr2line(bytes, addresses).map(([frame]) => frame?.source));
    // addr2line of binutils 2.40 does not follow indexed range lists to inlined calls; that of LLVM 14 agrees with us.
    expect(ours.map((frames) => frames.map(({ function: name, source }) => `${name} ${source?.line}`))).toEqual([
      ['outer 10'],
      ['inner 3', 'outer 11'],
      ['inner 3', 'outer 11'],
      ['outer 12'],
    ]);
  });

  it('has structures', () => {
    const pair = dwarf.find('struct', 'pair')[0] as Entry;
    expect([sizeOf(pair), ...membersOf(pair).map(({ name, offset }) => `${name} ${offset}`)]).toEqual([
      8,
      'a 0',
      'b 4',
    ]);
  });

  it('is also readable before linking', () => {
    const unlinked = openDwarf(object);
    const elf = openElf(object);
    const text = elf.section('.text')?.index ?? 0;
    const second = elf.section('.text.second')?.index ?? 0;
    expect(sourceInSection(unlinked, text, 1)).toEqual({ file: 'inner.h', line: 3, column: 7 });
    expect(sourceInSection(unlinked, second, 0)).toEqual({ file: 'main.c', line: 20 });
  });
});
