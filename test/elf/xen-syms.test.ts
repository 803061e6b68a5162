import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hex } from '../../src/base/index.ts';
import { findBuildId, isProblem, readElf } from '../../src/elf/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { nm } from '../support/gcc.ts';
import { readelfSymbols } from './readelf-tables.ts';

test("Debian's xen-syms: every symbol is at nm's address, static functions by their files", () => {
  const xen = debianXen();
  const bytes = new Uint8Array(readFileSync(xen.xenSyms));
  const file = readElf(bytes);
  if (isProblem(file)) throw new Error(file.message);
  const { symbols } = file;
  expect(hex(findBuildId(file) as Uint8Array)).toBe(xen.buildId);
  expect(symbols.count).toBe(readelfSymbols(bytes).length);

  let globals = 0;
  for (const line of nm(bytes)) {
    const [, address, kind = '', name = ''] = /^([0-9a-f]{16}) ([A-Za-z]) (.*)$/.exec(line) ?? [];
    if (address === undefined || kind !== kind.toUpperCase()) continue;
    expect(
      [...symbols.findAll(name)].map((i) => symbols.value(i)),
      name,
    ).toContain(BigInt(`0x${address}`));
    globals++;
  }
  expect(globals).toBeGreaterThan(1000);

  let files = 0;
  for (let i = 1; i < symbols.count; i++) {
    const owner = symbols.fileOf(i);
    if (owner === undefined || symbols.qualifiedName(i) === symbols.name(i)) continue;
    const found = symbols.findInFile(owner, symbols.name(i)) as number;
    expect([symbols.fileOf(found), symbols.name(found)]).toEqual([owner, symbols.name(i)]);
    files++;
  }
  expect(files).toBeGreaterThan(1000);
});
